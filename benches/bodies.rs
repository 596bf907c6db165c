//! Request bodies made from the portrait in the repository.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, overlay, resize};
use image::{Rgb, RgbImage};

/// The sizes of a webcam, a front camera and a main camera.
pub const SIZES: [(u32, u32); 3] = [(640, 480), (1920, 1080), (4032, 3024)];

/// A JPEG of this size: the portrait in the middle, nine tenths of the height, in front of soft
/// stripes. A flat background would decode faster than any photo.
///
/// # Panics
/// If the portrait is missing.
#[allow(clippy::unwrap_used)]
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    let portrait = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/photos/astronaut.png");
    let portrait = image::open(portrait).unwrap().into_rgb8();
    let side = height * 9 / 10;
    let portrait = resize(&portrait, side, side, FilterType::CatmullRom);
    let mut scene = RgbImage::from_fn(width, height, |x, y| {
        let wave = ((x * 7 + y * 3) % 61 + (x * y / 97) % 23) as u8;
        Rgb([120 + wave, 110 + wave, 100 + wave / 2])
    });
    overlay(&mut scene, &portrait, i64::from((width - side) / 2), i64::from(height - side));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&scene).unwrap();
    jpeg
}

/// The request body for a photo.
pub fn body(photo: &[u8]) -> Vec<u8> {
    let data = BASE64_STANDARD.encode(photo);
    format!(r#"{{"images":[{{"index":0,"type":"RGB","data":"{data}"}}]}}"#).into_bytes()
}
