//! A colourful picture as a JPEG.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Width and height in pixels.
pub const SIDE: u16 = 64;

/// The picture with 4:2:0 at quality 95, and what `set` changes.
pub fn photo_with(set: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let pixel = |i: u32| [i % 64 * 4, i / 64 * 4, 255 - i % 64 * 4].map(|value| value as u8);
    let pixels: Vec<_> = (0..u32::from(SIDE) * u32::from(SIDE)).flat_map(pixel).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 95);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    set(&mut encoder);
    encoder.encode(&pixels, SIDE, SIDE, ColorType::Rgb).expect("an image");
    file
}
