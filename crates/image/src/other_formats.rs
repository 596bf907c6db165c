//! PNG, GIF, WebP and BMP to RGB by the `image` crate.

use std::io::Cursor;

use image::{ImageDecoder, ImageError, ImageReader};

use crate::format::Format;
use crate::guards::webp_guard;
use crate::{Error, Limits, RgbImage, ZeroizeVec};

/// What a PNG may hold beside its pixels, in bytes: rows of the largest image, and a colour profile, which has some megabytes at
/// most, but may be made to grow to a thousand times what it has in the file.
const BESIDE_PNG_PIXELS: u64 = 16 << 20;

/// What the tables for the codes of a WebP may take, in bytes. libwebp's encoder makes 2,600 groups of codes at most, of some 20 KB.
const WEBP_TABLES: u64 = 64 << 20;

/// The first frame, in whatever its samples are, as 8-bit RGB over white.
pub(crate) fn decode(bytes: &[u8], format: Format, limits: &Limits) -> Result<RgbImage, Error> {
    let error = |error| match error {
        ImageError::Limits(_) => Error::TooMuchMemory { limit: limits.max_memory },
        _ => format.corrupt(),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.into());
    let mut decoder_limits = image::Limits::no_limits();
    decoder_limits.max_alloc = Some(match format {
        Format::Png => limits.max_memory.min(BESIDE_PNG_PIXELS),
        _ => limits.max_memory,
    });
    reader.limits(decoder_limits);
    let decoder = reader.into_decoder().map_err(error)?;

    let (width, height) = decoder.dimensions();
    let samples = decoder.total_bytes();
    limits.check(width, height, samples)?;
    if format == Format::WebP {
        let tables = webp_guard::table_bytes(bytes, width, height, WEBP_TABLES);
        let tables = tables.filter(|_| webp_guard::frames_fit(bytes, width, height));
        let tables = tables.ok_or_else(|| format.corrupt())?;
        limits.check(width, height, samples + tables)?;
        if tables > WEBP_TABLES {
            return Err(Error::TooMuchMemory { limit: WEBP_TABLES });
        }
    }
    let (channels, bytes_per_pixel) =
        (decoder.color_type().channel_count(), decoder.color_type().bytes_per_pixel());

    let mut native = ZeroizeVec::from(vec![0; samples as usize]);
    decoder.read_image(&mut native).map_err(error)?;
    if bytes_per_pixel == 3 {
        return RgbImage::new(width, height, std::mem::take(&mut *native));
    }
    let mut pixels = ZeroizeVec::from(Vec::with_capacity(width as usize * height as usize * 3));
    if bytes_per_pixel > channels {
        // The high byte, as OpenCV takes it, not the nearest: networks are trained on what OpenCV reads.
        let samples =
            native.chunks_exact(2).map(|two| (u16::from_ne_bytes([two[0], two[1]]) >> 8) as u8);
        push_rgb(&mut pixels, samples, channels);
    } else {
        push_rgb(&mut pixels, native.iter().copied(), channels);
    }
    RgbImage::new(width, height, std::mem::take(&mut *pixels))
}

/// Grey, grey and alpha, RGB, or RGB and alpha.
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
