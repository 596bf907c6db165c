//! Images that take long to search for faces, alone and as the frames of a burst.

use face_liveness_test_support::{PORTRAIT, base64, image, photo};
use image::RgbImage;
use image::imageops::{FilterType, rotate180};
use jpeg_encoder::{ColorType, Encoder};
use png::BitDepth;
use serde_json::json;

use crate::{Bounds, attack, file, jpeg, png as pngs};

/// The portrait's face 690 times, 64 pixels wide.
fn crowd(progressive: bool) -> Vec<u8> {
    let face = small_face();
    jpeg_of(|_, _| &face, progressive)
}

/// Half of the faces faint, so that no face is certain, and half upside down: the photo is searched
/// both ways up, and shows no upright face.
fn faint_crowd() -> Vec<u8> {
    let mut faint = small_face();
    let fade = |sample: u8| ((f32::from(sample) - 128.0) * 0.2 + 128.0) as u8;
    faint.pixels_mut().for_each(|pixel| pixel.0 = pixel.0.map(fade));
    let upside_down = rotate180(&small_face());
    jpeg_of(|x, y| if (x + y) % 2 == 0 { &faint } else { &upside_down }, false)
}

fn small_face() -> RgbImage {
    let face = PORTRAIT.crop_imm(160, 30, 140, 160);
    face.resize_exact(64, 64, FilterType::Triangle).to_rgb8()
}

/// 30 × 23 faces, each by its column and row.
fn jpeg_of<'a>(face: impl Fn(u32, u32) -> &'a RgbImage, progressive: bool) -> Vec<u8> {
    let pixel = |x, y| *face(x / 64, y / 64).get_pixel(x % 64, y % 64);
    let crowd = RgbImage::from_fn(1_920, 1_472, pixel);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 20);
    if progressive {
        encoder.set_progressive_scans(4);
    }
    encoder.encode(&crowd, 1_920, 1_472, ColorType::Rgb).unwrap();
    file
}

/// Eight frames: the first one, and seven others.
fn eight(first: &[u8], other: &[u8]) -> Vec<u8> {
    let file = |index| if index == 0 { first } else { other };
    let images: Vec<_> = (0..8).map(|index| image(index, base64(file(index)))).collect();
    json!({ "images": images, "model": "rgb-burst-v2" }).to_string().into_bytes()
}

/// Eight frames of one picture.
fn frames(frame: &[u8]) -> Vec<u8> {
    eight(frame, frame)
}

/// Eight frames. The first shows a face, because otherwise the others would not be decoded.
fn burst(frame: &[u8]) -> Vec<u8> {
    eight(&photo("astronaut.jpg"), frame)
}

fn flat(width: u32, height: u32) -> Vec<u8> {
    pngs::flat(width, height, png::ColorType::Rgb, BitDepth::Eight)
}

#[test]
fn crowd_of_faces() {
    let bounds = Bounds { megapixels: 3.0, megabytes: 100.0, seconds: 5.0 };
    attack("a crowd of 690 faces", || file(&crowd(false)), 200, bounds);
}

#[test]
fn crowd_that_is_searched_upside_down() {
    let bounds = Bounds { megapixels: 3.0, megabytes: 100.0, seconds: 6.0 };
    attack("a crowd of 345 faint faces and 345 upside down", || file(&faint_crowd()), 223, bounds);
}

#[test]
fn frames_that_are_searched_upside_down() {
    let bounds = Bounds { megapixels: 21.0, megabytes: 90.0, seconds: 40.0 };
    attack("a face, then seven frames of it", || burst(&faint_crowd()), 200, bounds);
}

#[test]
fn frames_of_a_crowd() {
    let bounds = Bounds { megapixels: 21.0, megabytes: 90.0, seconds: 15.0 };
    attack("eight frames of it", || frames(&crowd(false)), 200, bounds);
}

#[test]
fn frames_of_a_crowd_in_44_scans() {
    let body = || frames(&jpeg::with_last_scan_repeated(&crowd(true), 32));
    let bounds = Bounds { megapixels: 21.0, megabytes: 90.0, seconds: 15.0 };
    attack("eight frames of it, 44 scans each", body, 200, bounds);
}

#[test]
fn frames_of_6_megapixels() {
    let bounds = Bounds { megapixels: 44.0, megabytes: 90.0, seconds: 12.0 };
    let what = "a face, then seven frames of 6 megapixels";
    attack(what, || burst(&flat(2_048, 3_050)), 200, bounds);
}

#[test]
fn frames_of_50_megapixels() {
    let bounds = Bounds { megapixels: 0.3, megabytes: 10.0, seconds: 0.3 };
    let what = "a face, then seven frames of 50 megapixels";
    attack(what, || burst(&flat(16_384, 3_050)), 215, bounds);
}

#[test]
fn frames_of_20_empty_scans() {
    let body = || burst(&jpeg::with_empty_bands(2_048, 2_048, 3, 18));
    let bounds = Bounds { megapixels: 30.0, megabytes: 90.0, seconds: 15.0 };
    attack("a face, then seven frames of 4 megapixels in 20 scans", body, 200, bounds);
}
