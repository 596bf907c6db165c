//! Large photos are decoded, and searched in other rotations, at a reduced size. The answer does
//! not depend on it.
#![allow(missing_docs, clippy::unwrap_used)]

use face_liveness::imaging::{ImageView, Limits, Orientation, decode, decode_scaled};
use face_liveness::{Detection, Engine, ImageSource};
use face_liveness_test_support::*;
use image::imageops::{FilterType, overlay};
use image::{ImageFormat, Rgb, RgbImage};

/// The portrait, `side` pixels wide, in the middle of a grey photo of 12 megapixels.
fn large_photo(side: u32) -> Vec<u8> {
    let portrait = image::imageops::resize(&PORTRAIT.to_rgb8(), side, side, FilterType::CatmullRom);
    let mut photo = RgbImage::from_pixel(4032, 3024, Rgb([120, 110, 100]));
    overlay(&mut photo, &portrait, i64::from((4032 - side) / 2), i64::from((3024 - side) / 2));
    encoded(&photo.into(), ImageFormat::Jpeg)
}

/// Detects the face in a file, and in its pixels at full size.
fn detect_both(engine: &Engine, file: &[u8]) -> [Detection; 2] {
    let full = decode(file, &Limits::default(), false).unwrap();
    let encoded = ImageSource::Encoded { bytes: file, auto_rotate: false };
    [encoded, ImageSource::Rgb(full.view())].map(|image| engine.detect_image(image).unwrap())
}

#[test]
fn a_12_megapixel_photo_has_the_same_answer_at_full_and_reduced_size() {
    let engine = Engine::builder().build().unwrap();
    // Faces of 530, 160 and 70 pixels: scored at a quarter of the size, scored at full size after
    // detection at a quarter, and detected only at full size.
    for side in [2900, 900, 400] {
        let [reduced, full] =
            detect_both(&engine, &large_photo(side)).map(|detection| detection.response);
        // 1 % of the face's width, or two pixels.
        assert_same_face(
            &reduced,
            &full,
            2.max(full.position.width / 100),
            0.03,
            &format!("{side} pixels"),
        );
    }
}

#[test]
fn the_working_image_is_the_smallest_that_is_large_enough() {
    let file = large_photo(1000);
    for (longer_side, expected) in
        [(4033, 4032), (4032, 4032), (2017, 4032), (2016, 2016), (800, 1008), (504, 504)]
    {
        let copy = decode_scaled(&file, &Limits::default(), false, longer_side).unwrap();
        assert_eq!(copy.image.width(), expected, "at least {longer_side}");
        assert_eq!([copy.full_width, copy.full_height], [4032, 3024]);
    }
}

#[test]
fn a_rotated_photo_of_20_megapixels_has_the_score_of_the_upright_one() {
    let engine = Engine::builder().search_rotations(true).build().unwrap();
    let portrait = PORTRAIT.to_rgb8();
    let portrait = image::imageops::resize(&portrait, 1_536, 1_536, FilterType::CatmullRom);
    let mut photo = RgbImage::from_pixel(5_120, 3_840, Rgb([120, 110, 100]));
    overlay(&mut photo, &portrait, 2_000, 1_000);
    let upright = ImageView::new(5_120, 3_840, &photo).unwrap();
    let detect = |image: ImageView<'_>| engine.detect_image(ImageSource::Rgb(image)).unwrap();
    let expected = detect(upright);
    for orientation in [3, 6, 8].map(|value| Orientation::new(value).unwrap()) {
        let stored = orientation.inverse().apply_to_view(upright);
        let found = detect(stored.view());
        let [width, height] = [stored.width(), stored.height()];
        assert_eq!(found.response.spoof_score, expected.response.spoof_score, "{orientation:?}");
        // To the rounding of the coordinates.
        let face = found.face.oriented(orientation, width, height).bounding_box;
        assert!(face.iou(&expected.face.bounding_box) > 0.999, "{face:?}");
    }
}
