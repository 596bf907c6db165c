//! PNG to RGB over white, row by row, so that the pixels are in memory once.

use std::io::Cursor;

use png::{Decoder, DecodingError, InterlaceInfo, Transformations};

use crate::format::Format;
use crate::to_rgb::convert_in_place;
use crate::{Error, Limits, RgbImage, ZeroizeVec, tidy};

/// The bytes that the png crate may allocate besides the pixels: rows of the largest image, and a
/// colour profile. Profiles are a few megabytes at most, but a file may inflate one to a thousand
/// times its compressed size.
const MAX_ALLOC: u64 = 16 << 20;

/// Decodes the first frame. Keeps the high byte of 16-bit samples, as OpenCV does.
pub(crate) fn decode(file: &[u8], limits: &Limits) -> Result<RgbImage, Error> {
    let tidied = tidy::other(file, Format::Png);
    let file = tidied.as_ref().map_or(file, |copy| copy);
    let max_alloc = limits.max_memory.min(MAX_ALLOC);
    let error = |error| match error {
        DecodingError::LimitsExceeded => Error::TooMuchMemory { limit: max_alloc },
        _ => Format::Png.corrupt(),
    };
    let png_limits = png::Limits { bytes: max_alloc as usize };
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), png_limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let (width, height) = decoder.read_header_info().map_err(error)?.size();
    let copy_bytes = tidied.as_ref().map_or(0, |copy| copy.len()) as u64;
    limits.check(width, height, u64::from(width) * u64::from(height) * 3 + copy_bytes)?;
    let mut reader = decoder.read_info().map_err(error)?;
    let frame = reader.info().frame_control;
    if frame.is_some_and(|frame| (frame.width, frame.height) != (width, height)) {
        return Err(Format::Png.corrupt());
    }

    let mut image = RgbImage::black(width, height)?;
    let (channels, width) = (reader.output_color_type().0.samples(), width as usize);
    let mut row = ZeroizeVec::from(vec![0; width * channels.max(3)]);
    let mut next = 0;
    while let Some(place) = reader.read_row(&mut row).map_err(error)? {
        convert_in_place(&mut row, channels, width);
        let (rgb, stride) = (&row[..3 * width], 3 * width);
        match place {
            InterlaceInfo::Null(_) => {
                image.pixels_mut()[next..][..stride].copy_from_slice(rgb);
                next += stride;
            }
            InterlaceInfo::Adam7(info) => {
                png::expand_interlaced_row(image.pixels_mut(), stride, rgb, &info, 24);
            }
        }
    }
    Ok(image)
}
