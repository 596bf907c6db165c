//! JPEG to RGB: at full size by zune-jpeg, scaled down by `face_liveness_jpeg_scaled`. Kinds that
//! zune-jpeg gets wrong are decoded by jpeg-decoder, at full size.
//!
//! zune-jpeg is the decoder behind the `image` crate. It is called directly, because `image` would
//! first copy the whole file into a buffer that is not wiped.

use face_liveness_jpeg_scaled::{self as jpeg_scaled, Scale};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::format::Format;
use crate::guards::jpeg_frame::Headers;
use crate::guards::{restarts, scan_budget, scan_end};
use crate::jpeg_segments::{self as segments, APP1};
use crate::{Error, Limits, RgbImage, ScaledImage, ZeroizeVec, tidy, uncommon_jpeg};

/// Decodes to RGB, unless [`Headers::read`] refuses the kind of file. CMYK is read inverted, as
/// Adobe writes it. The image is scaled down as far as possible while its longer side has at least
/// `min_longer_side` pixels.
pub(crate) fn decode(
    file: &[u8],
    limits: &Limits,
    min_longer_side: u32,
) -> Result<ScaledImage, Error> {
    let corrupt = || Format::Jpeg.corrupt();
    let headers = Headers::read(file)?;
    let tidied = tidy::jpeg(file, &headers);
    let file = tidied.as_ref().map_or(file, |copy| copy);

    let [width, height] = headers.sides.map(u32::from);
    let pixel_bytes = u64::from(width) * u64::from(height) * 3;
    // The tidied copy, and a copy of a sequential file that is padded with ones.
    let copies = u64::from(tidied.is_some()) + u64::from(headers.is_sequential);
    let copy_bytes = copies * file.len() as u64;
    limits.check(width, height, pixel_bytes + headers.coefficient_bytes() + copy_bytes)?;

    let limit = limits.max_scans(width, height);
    let scans = scan_budget::count(file).ok_or_else(corrupt)?;
    if scans > limit {
        return Err(Error::TooManyScans { scans, limit });
    }
    if restarts::are_missing(file, &headers, scans) {
        return Err(corrupt());
    }

    let is_uncommon = headers.is_uncommon();
    let longer_side = width.max(height);
    let is_large_enough = |scale: &&Scale| longer_side / scale.divisor() >= min_longer_side;
    let scale = Scale::ALL.iter().rfind(is_large_enough).filter(|_| !is_uncommon);
    match scale.map(|&scale| decode_scaled(file, scale, [width, height])) {
        Some(Ok(image)) => {
            return Ok(ScaledImage { image, full_width: width, full_height: height });
        }
        Some(Err(jpeg_scaled::Error::Truncated)) => return Err(corrupt()),
        // Fall back to the full decoder.
        Some(Err(_)) | None => {}
    }
    let with_ones = headers.is_sequential.then(|| scan_end::with_ones(file, scans)).flatten();
    let file = with_ones.as_ref().map_or(file, |copy| copy);
    let mut pixels = if is_uncommon {
        uncommon_jpeg::decode(file, [width, height], headers.is_ycbcr()).ok_or_else(corrupt)?
    } else {
        decode_full(file, [width, height], limit).ok_or_else(corrupt)?
    };
    RgbImage::new(width, height, std::mem::take(&mut *pixels)).map(ScaledImage::unscaled)
}

fn decode_full(file: &[u8], [width, height]: [u32; 2], max_scans: usize) -> Option<ZeroizeVec<u8>> {
    let mut decoder = decoder(file)?;
    let info = decoder.info()?;
    if [info.width, info.height].map(u32::from) != [width, height] {
        return None;
    }
    decoder.set_options(decoder.options().jpeg_set_max_scans(max_scans));
    let mut pixels = ZeroizeVec::from(vec![0; width as usize * height as usize * 3]);
    decoder.decode_into(&mut pixels).ok()?;
    Some(pixels)
}

/// `full_size` is the size that was checked against the limits.
fn decode_scaled(
    file: &[u8],
    scale: Scale,
    full_size: [u32; 2],
) -> Result<RgbImage, jpeg_scaled::Error> {
    let decoder = jpeg_scaled::Decoder::new(file, scale)?;
    if [decoder.full_width(), decoder.full_height()] != full_size {
        return Err(jpeg_scaled::Error::Unsupported);
    }
    let mut image = RgbImage::black(decoder.width(), decoder.height())
        .map_err(|_| jpeg_scaled::Error::Unsupported)?;
    decoder.decode_rgb(image.pixels_mut())?;
    Ok(image)
}

/// The first Exif block of a JPEG, as in browsers and Pillow.
pub(crate) fn exif(file: &[u8]) -> Option<&[u8]> {
    segments::of_headers(file)
        .filter(|segment| segment.marker == APP1)
        .find_map(|segment| segment.content().strip_prefix(b"Exif\0\0"))
}

/// A decoder that has read the headers.
fn decoder(file: &[u8]) -> Option<JpegDecoder<ZCursor<&[u8]>>> {
    // Strict: a photo that is cut off is refused, not scored with grey where it ends. `Limits`
    // bounds the sides.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().ok()?;
    Some(decoder)
}
