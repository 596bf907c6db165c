//! Large pictures that are searched in other rotations, or scored without their borders: each needs
//! a copy.

use std::sync::LazyLock;

use face_liveness::Engine;
use face_liveness_test_support::{PORTRAIT, faint_and_upside_down, faint_portrait, framed};
use image::RgbImage;
use image::imageops::{FilterType, resize, rotate90};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use png::BitDepth;

use crate::png::flat;
use crate::{Bounds, attack, attack_on, file};

/// 50 megapixels.
const SIDE: u32 = 7_071;
/// Where the portrait is.
const PLACE: [u32; 2] = [1_000, 2_000];

static SEARCHING: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().search_rotations(true).build().unwrap());

/// The portrait's face, rolled by 50°.
fn rolled() -> RgbImage {
    let portrait = PORTRAIT.to_rgb8();
    let (sin, cos) = 50f32.to_radians().sin_cos();
    RgbImage::from_fn(512, 512, |x, y| {
        let (x, y) = (x as f32 - 256.0, y as f32 - 256.0);
        // The face's centre is at 225, 125.
        let from = [225.0 + x * cos + y * sin, 125.0 - x * sin + y * cos];
        let [x, y] = from.map(|at| at.clamp(0.0, 511.0) as u32);
        *portrait.get_pixel(x, y)
    })
}

/// The faint portrait as a JPEG.
fn faint_jpeg(progressive: bool) -> Vec<u8> {
    let picture = resize(&faint_portrait(), 2_560, 2_560, FilterType::Triangle);
    let mut pixels = vec![128; 3 * (SIDE * SIDE) as usize];
    for (y, row) in (PLACE[1]..).zip(picture.rows()) {
        let start = 3 * (y * SIDE + PLACE[0]) as usize;
        let samples = row.flat_map(|pixel| pixel.0);
        pixels[start..].iter_mut().zip(samples).for_each(|(value, sample)| *value = sample);
    }
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 80);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_progressive(progressive);
    encoder.encode(&pixels, SIDE as u16, SIDE as u16, ColorType::Rgb).unwrap();
    file
}

fn large(picture: &RgbImage) -> Vec<u8> {
    file(&framed(picture, PLACE, 5, [SIDE, SIDE]))
}

/// A copy of the picture at its size, or two of a quarter of it.
const BOUNDS: Bounds = Bounds { megapixels: 50.0, megabytes: 165.0, seconds: 25.0 };

#[test]
fn a_faint_face() {
    attack("PNG: a faint face in 50 megapixels", || large(&faint_portrait()), 200, BOUNDS);
}

#[test]
fn a_faint_face_in_a_sequential_jpeg() {
    attack("JPEG: the same, sequential", || file(&faint_jpeg(false)), 200, BOUNDS);
}

#[test]
fn a_faint_face_in_a_progressive_jpeg() {
    attack("JPEG: the same, progressive", || file(&faint_jpeg(true)), 200, BOUNDS);
}

#[test]
fn a_faint_face_and_one_upside_down() {
    let what = "PNG: a faint face and one upside down in 50 megapixels";
    attack(what, || large(&faint_and_upside_down()), 223, BOUNDS);
}

#[test]
fn a_rolled_face() {
    attack("PNG: a face rolled by 50°", || large(&rolled()), 200, BOUNDS);
}

#[test]
fn a_large_face_with_borders() {
    let portrait = || PORTRAIT.resize_exact(470, 470, FilterType::Triangle).to_rgb8();
    let body = || file(&framed(&portrait(), [400, 400], 14, [SIDE, SIDE]));
    attack("PNG: a large face with borders", body, 200, BOUNDS);
}

#[test]
fn a_sideways_face() {
    let what = "`search_rotations`, PNG: a sideways face in 50 megapixels";
    let body = || large(&rotate90(&PORTRAIT.to_rgb8()));
    attack_on(&SEARCHING, what, body, 200, BOUNDS);
}

#[test]
fn no_face() {
    let what = "`search_rotations`, PNG: 50 megapixels of one colour";
    let body = || file(&flat(SIDE, SIDE, png::ColorType::Rgb, BitDepth::Eight));
    attack_on(&SEARCHING, what, body, 223, BOUNDS);
}
