//! GIF, WebP and BMP to RGB by the `image` crate.

use std::io::Cursor;

use image::{ImageDecoder, ImageError, ImageReader};

use crate::format::Format;
#[cfg(feature = "webp")]
use crate::guards::webp_guard;
use crate::to_rgb::convert_in_place;
use crate::{Error, Limits, RgbImage, ZeroizeVec, tidy};

/// Decodes the first frame to RGB over white.
///
/// The pixels are converted where the decoder wrote them, so that they are in memory once.
pub(crate) fn decode(file: &[u8], format: Format, limits: &Limits) -> Result<RgbImage, Error> {
    let error = |error| match error {
        ImageError::Limits(_) => Error::TooMuchMemory { limit: limits.max_memory },
        _ => format.corrupt(),
    };
    let tidied = tidy::other(file, format);
    let file = tidied.as_ref().map_or(file, |copy| copy);
    let mut reader = ImageReader::with_format(Cursor::new(file), format.into());
    reader.limits(max_alloc(limits.max_memory));
    let mut decoder = reader.into_decoder().map_err(error)?;

    let (width, height) = decoder.dimensions();
    let (color, native) = (decoder.color_type(), decoder.total_bytes());
    if color.bytes_per_pixel() != color.channel_count() {
        return Err(format.corrupt());
    }
    let pixels = u64::from(width) * u64::from(height);
    let memory = native.max(3 * pixels);
    let copy_bytes = tidied.as_ref().map_or(0, |copy| copy.len()) as u64;
    limits.check(width, height, memory + copy_bytes)?;
    match format {
        #[cfg(feature = "webp")]
        Format::WebP => {
            let has_alpha = color.has_alpha();
            webp_guard::check(file, [width, height], memory, has_alpha, limits)?;
        }
        // The `gif` crate holds one byte per pixel of the frame.
        #[cfg(feature = "gif")]
        Format::Gif => limits.check(width, height, memory + copy_bytes + pixels)?,
        _ => {}
    }
    // The frame of a GIF that does not cover the image has a buffer of its own, of four bytes a
    // pixel, and only that is held against `max_alloc`.
    decoder
        .set_limits(max_alloc((limits.max_memory - memory - copy_bytes) / 5 * 4))
        .map_err(error)?;

    let mut buffer = ZeroizeVec::from(vec![0; memory as usize]);
    decoder.read_image(&mut buffer[..native as usize]).map_err(error)?;
    convert_in_place(&mut buffer, color.channel_count().into(), pixels as usize);
    buffer.truncate(3 * pixels as usize);
    RgbImage::new(width, height, std::mem::take(&mut *buffer))
}

fn max_alloc(bytes: u64) -> image::Limits {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}
