//! A large photo is read at a part of its size; the answer does not depend on it.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use face_liveness::image::{Limits, decode, decode_scaled};
use face_liveness::{Detection, Engine, ImageSource};
use image::imageops::{FilterType, overlay};
use image::{ImageFormat, Rgb, RgbImage};
use support::*;

/// The portrait, so many pixels a side, in the middle of a grey picture of 12 megapixels.
fn large_photo(side: u32) -> Vec<u8> {
    let portrait = image::imageops::resize(&PORTRAIT.to_rgb8(), side, side, FilterType::CatmullRom);
    let mut photo = RgbImage::from_pixel(4032, 3024, Rgb([120, 110, 100]));
    overlay(&mut photo, &portrait, i64::from((4032 - side) / 2), i64::from((3024 - side) / 2));
    encoded(&photo.into(), ImageFormat::Jpeg)
}

fn both(engine: &Engine, file: &[u8]) -> [Detection; 2] {
    let full = decode(file, &Limits::default(), false).unwrap();
    let encoded = ImageSource::Encoded { bytes: file, auto_rotate: false };
    [encoded, ImageSource::Rgb(full.view())].map(|image| engine.detect_image(image).unwrap())
}

#[test]
fn a_photo_of_12_megapixels_gives_in_full_what_it_gives_reduced() {
    let engine = Engine::builder().build().unwrap();
    // Faces of 530, 160 and 70 pixels: scored at a quarter, in full after a look at a quarter, found only in full.
    for side in [2900, 900, 400] {
        let [fast, plain] = both(&engine, &large_photo(side)).map(|detection| detection.response);
        // 1 % of the face, or two pixels: a small one is found in another copy.
        assert_same_face(
            &fast,
            &plain,
            2.max(plain.position.width / 100),
            0.03,
            &format!("{side} pixels"),
        );
    }
}

#[test]
fn a_reduced_copy_is_the_smallest_that_is_large_enough() {
    let file = large_photo(1000);
    for (longer_side, expected) in
        [(4033, 4032), (4032, 4032), (2017, 4032), (2016, 2016), (800, 1008), (504, 504)]
    {
        let copy = decode_scaled(&file, &Limits::default(), false, longer_side).unwrap();
        assert_eq!(copy.image.width(), expected, "at least {longer_side}");
        assert_eq!([copy.full_width, copy.full_height], [4032, 3024]);
    }
}
