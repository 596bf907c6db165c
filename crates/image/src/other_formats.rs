//! PNG, GIF, WebP and BMP to RGB by the `image` crate.

use std::io::Cursor;

use image::{ImageDecoder, ImageError, ImageReader};

use crate::format::Format;
#[cfg(feature = "webp")]
use crate::guards::webp_guard;
use crate::{Error, Limits, RgbImage, ZeroizeVec};

/// The bytes that the png crate may allocate besides the pixels: rows of the largest image, and a
/// colour profile. Profiles are a few megabytes at most, but a file may inflate one to a thousand
/// times its compressed size.
const MAX_PNG_ALLOC: u64 = 16 << 20;

/// Decodes the first frame, of any sample format, to 8-bit RGB over white.
pub(crate) fn decode(file: &[u8], format: Format, limits: &Limits) -> Result<RgbImage, Error> {
    let error = |error| match error {
        ImageError::Limits(_) => Error::TooMuchMemory { limit: limits.max_memory },
        _ => format.corrupt(),
    };
    let mut reader = ImageReader::with_format(Cursor::new(file), format.into());
    let mut decoder_limits = image::Limits::no_limits();
    decoder_limits.max_alloc = Some(match format {
        Format::Png => limits.max_memory.min(MAX_PNG_ALLOC),
        _ => limits.max_memory,
    });
    reader.limits(decoder_limits);
    let decoder = reader.into_decoder().map_err(error)?;

    let (width, height) = decoder.dimensions();
    let sample_bytes = decoder.total_bytes();
    limits.check(width, height, sample_bytes)?;
    #[cfg(feature = "webp")]
    if format == Format::WebP {
        webp_guard::check(file, width, height, sample_bytes, limits)?;
    }
    let color = decoder.color_type();
    let (channels, bytes_per_pixel) = (color.channel_count(), color.bytes_per_pixel());

    let mut native = ZeroizeVec::from(vec![0; sample_bytes as usize]);
    decoder.read_image(&mut native).map_err(error)?;
    if bytes_per_pixel == 3 {
        return RgbImage::new(width, height, std::mem::take(&mut *native));
    }
    let mut pixels = ZeroizeVec::from(Vec::with_capacity(width as usize * height as usize * 3));
    if bytes_per_pixel > channels {
        // The high byte, as OpenCV converts 16-bit samples: networks are trained on its output.
        let samples =
            native.as_chunks().0.iter().map(|&bytes| (u16::from_ne_bytes(bytes) >> 8) as u8);
        push_rgb(&mut pixels, samples, channels);
    } else {
        push_rgb(&mut pixels, native.iter().copied(), channels);
    }
    RgbImage::new(width, height, std::mem::take(&mut *pixels))
}

/// Converts samples of grey, grey and alpha, RGB, or RGB and alpha.
fn push_rgb(pixels: &mut Vec<u8>, mut samples: impl Iterator<Item = u8>, channels: u8) {
    let mut pixel = [0; 4];
    'pixels: loop {
        for sample in &mut pixel[..usize::from(channels)] {
            let Some(next) = samples.next() else { break 'pixels };
            *sample = next;
        }
        let [a, b, c, d] = pixel;
        pixels.extend(match channels {
            1 => [a; 3],
            2 => [over_white(a, b); 3],
            3 => [a, b, c],
            _ => [over_white(a, d), over_white(b, d), over_white(c, d)],
        });
    }
}

fn over_white(sample: u8, alpha: u8) -> u8 {
    let (sample, alpha) = (u32::from(sample), u32::from(alpha));
    ((sample * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
