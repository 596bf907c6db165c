//! PNG, GIF, WebP and BMP to RGB by the `image` crate.

use std::io::Cursor;

use image::{ColorType, ImageDecoder, ImageError, ImageReader};

use crate::format::Format;
#[cfg(feature = "webp")]
use crate::guards::webp_guard;
use crate::{Error, Limits, RgbImage, ZeroizeVec};

/// The bytes that the png crate may allocate besides the pixels: rows of the largest image, and a
/// colour profile. Profiles are a few megabytes at most, but a file may inflate one to a thousand
/// times its compressed size.
const MAX_PNG_ALLOC: u64 = 16 << 20;

/// Decodes the first frame, of any sample format, to 8-bit RGB over white.
///
/// The pixels are converted where the decoder wrote them, so that they are in memory once.
pub(crate) fn decode(file: &[u8], format: Format, limits: &Limits) -> Result<RgbImage, Error> {
    let error = |error| match error {
        ImageError::Limits(_) => Error::TooMuchMemory { limit: limits.max_memory },
        _ => format.corrupt(),
    };
    let mut reader = ImageReader::with_format(Cursor::new(file), format.into());
    reader.limits(max_alloc(match format {
        Format::Png => limits.max_memory.min(MAX_PNG_ALLOC),
        _ => limits.max_memory,
    }));
    let mut decoder = reader.into_decoder().map_err(error)?;

    let (width, height) = decoder.dimensions();
    let (color, native) = (decoder.color_type(), decoder.total_bytes());
    let pixels = u64::from(width) * u64::from(height);
    let memory = native.max(3 * pixels);
    limits.check(width, height, memory)?;
    match format {
        #[cfg(feature = "webp")]
        Format::WebP => {
            webp_guard::check(file, [width, height], memory, color.has_alpha(), limits)?
        }
        // The crate gif holds a byte a pixel of the frame. A frame that does not cover the image has
        // a buffer of its own besides, of four, and only that is held against `max_alloc`.
        #[cfg(feature = "gif")]
        Format::Gif => {
            limits.check(width, height, memory + pixels)?;
            let rest = limits.max_memory - memory;
            decoder.set_limits(max_alloc(rest / 5 * 4)).map_err(error)?;
        }
        _ => {}
    }

    let mut buffer = ZeroizeVec::from(vec![0; memory as usize]);
    decoder.read_image(&mut buffer[..native as usize]).map_err(error)?;
    if !convert(&mut buffer, color, pixels as usize) {
        return Err(format.corrupt());
    }
    buffer.truncate(3 * pixels as usize);
    RgbImage::new(width, height, std::mem::take(&mut *buffer))
}

fn max_alloc(bytes: u64) -> image::Limits {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

/// Converts the first pixels of the buffer to 8-bit RGB over white. Whether the colours are of a
/// type that a decoder of these formats returns.
fn convert(buffer: &mut [u8], color: ColorType, pixels: usize) -> bool {
    // The high byte, as OpenCV converts 16-bit samples: networks are trained on its output.
    let high = |a, b| (u16::from_ne_bytes([a, b]) >> 8) as u8;
    match color {
        ColorType::L8 => each(buffer, pixels, |[grey]| [grey; 3]),
        ColorType::La8 => each(buffer, pixels, |[grey, alpha]| over_white([grey; 3], alpha)),
        ColorType::Rgb8 => {}
        ColorType::Rgba8 => each(buffer, pixels, |[r, g, b, a]| over_white([r, g, b], a)),
        ColorType::L16 => each(buffer, pixels, |[a, b]| [high(a, b); 3]),
        ColorType::La16 => {
            each(buffer, pixels, |[a, b, c, d]| over_white([high(a, b); 3], high(c, d)));
        }
        ColorType::Rgb16 => {
            each(buffer, pixels, |[a, b, c, d, e, f]| [high(a, b), high(c, d), high(e, f)]);
        }
        ColorType::Rgba16 => each(buffer, pixels, |[a, b, c, d, e, f, g, h]| {
            over_white([high(a, b), high(c, d), high(e, f)], high(g, h))
        }),
        _ => return false,
    }
    true
}

/// Replaces each pixel of `N` bytes by its RGB. The order keeps a pixel from being overwritten
/// before it is read.
fn each<const N: usize>(buffer: &mut [u8], pixels: usize, rgb: impl Fn([u8; N]) -> [u8; 3]) {
    let mut replace = |i: usize| {
        let mut pixel = [0; N];
        pixel.copy_from_slice(&buffer[i * N..][..N]);
        buffer[i * 3..][..3].copy_from_slice(&rgb(pixel));
    };
    if N < 3 { (0..pixels).rev().for_each(replace) } else { (0..pixels).for_each(&mut replace) }
}

fn over_white(rgb: [u8; 3], alpha: u8) -> [u8; 3] {
    let alpha = u32::from(alpha);
    rgb.map(|sample| ((u32::from(sample) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pixels of each type: the first opaque, the second transparent where there is alpha.
    #[test]
    fn pixels_are_converted_in_place() {
        let wide = |samples: &[u8]| -> Vec<u8> {
            samples.iter().flat_map(|&high| (u16::from(high) << 8 | 77).to_ne_bytes()).collect()
        };
        let (grey, rgb) = ([1, 1, 1, 2, 2, 2], [1, 2, 3, 4, 5, 6]);
        let (clear_grey, clear_rgb) = ([1, 1, 1, 255, 255, 255], [1, 2, 3, 255, 255, 255]);
        for (color, native, expected) in [
            (ColorType::L8, vec![1, 2], grey),
            (ColorType::La8, vec![1, 255, 2, 0], clear_grey),
            (ColorType::Rgb8, rgb.to_vec(), rgb),
            (ColorType::Rgba8, vec![1, 2, 3, 255, 4, 5, 6, 0], clear_rgb),
            (ColorType::L16, wide(&[1, 2]), grey),
            (ColorType::La16, wide(&[1, 255, 2, 0]), clear_grey),
            (ColorType::Rgb16, wide(&rgb), rgb),
            (ColorType::Rgba16, wide(&[1, 2, 3, 255, 4, 5, 6, 0]), clear_rgb),
        ] {
            let mut buffer = native;
            buffer.resize(buffer.len().max(6), 0);
            assert!(convert(&mut buffer, color, 2), "{color:?}");
            assert_eq!(buffer[..6], expected, "{color:?}");
        }
    }
}
