//! The heatmap detector on the portrait of the repository, made small and rotated.
#![allow(clippy::unwrap_used)]

use face_liveness_detection::{
    BoundingBox, Face, FaceDetector, HeatmapDetector, HeatmapDetectorParams, largest,
};
use face_liveness_image::{ImageView, Limits, RgbImage, decode, resize};
use face_liveness_models::face_detector_v1;

const GREY: u8 = 128;

fn detector() -> HeatmapDetector {
    HeatmapDetector::new(&face_detector_v1().unwrap()).unwrap()
}

fn portrait() -> RgbImage {
    let file = std::fs::read("../../examples/photos/astronaut.png").unwrap();
    decode(&file, &Limits::default(), false).unwrap()
}

fn face(detector: &HeatmapDetector, photo: ImageView<'_>) -> Option<Face> {
    largest(&detector.detect(photo).unwrap()).cloned()
}

#[test]
fn landmarks_lie_where_the_face_has_them() {
    let face = face(&detector(), portrait().view()).unwrap();
    // Both eyes, the tip of the nose, the corners of the mouth, as located by two other detectors.
    let expected = [[205.0, 102.0], [247.0, 104.0], [224.0, 125.0], [206.0, 142.0], [242.0, 145.0]];
    for (point, [x, y]) in face.landmarks.unwrap().iter().zip(expected) {
        assert!(
            (point.x - x).hypot(point.y - y) < 0.15 * face.bounding_box.width,
            "{point:?} is not ({x}, {y})"
        );
    }
}

#[test]
fn a_quick_pass_finds_what_a_longer_search_finds() {
    let mut params = HeatmapDetectorParams::default();
    params.quick_size = None;
    let bundle = face_detector_v1().unwrap();
    let thorough = HeatmapDetector::with_params(&bundle, params).unwrap();
    let portrait = portrait();
    let both = [&detector(), &thorough].map(|detector| face(detector, portrait.view()).unwrap());
    assert_ne!(both[0], both[1], "the quick pass was taken");
    assert!(both[0].bounding_box.iou(&both[1].bounding_box) > 0.9, "{both:?}");

    // Two portraits side by side are not a photo of one face.
    let [width, height] = [portrait.width(), portrait.height()];
    let row = |y| portrait.view().row(y).repeat(2);
    let pixels: Vec<u8> = (0..height).flat_map(row).collect();
    let pair = ImageView::new(2 * width, height, &pixels).unwrap();
    let faces = detector().detect(pair).unwrap();
    assert_eq!(faces.len(), 2);
    assert_eq!(faces, thorough.detect(pair).unwrap());
}

#[test]
fn a_face_32_pixels_wide_is_found_anywhere_in_small_and_in_large_photos() {
    let (detector, portrait) = (detector(), portrait());
    let full = face(&detector, portrait.view()).unwrap().bounding_box;
    let scale = 32.0 / full.width;
    let side = |side: u32| (side as f32 * scale).round() as u32;
    let small = resize(portrait.view(), side(portrait.width()), side(portrait.height())).unwrap();
    for (width, height) in [(640, 480), (4032, 3024)] {
        for place in 0..9 {
            let left = place % 3 * (width - small.width()) / 2;
            let top = place / 3 * (height - small.height()) / 2;
            let mut pixels = vec![GREY; (width * height * 3) as usize];
            for y in 0..small.height() {
                let row = small.view().row(y);
                pixels[((top + y) * width + left) as usize * 3..][..row.len()].copy_from_slice(row);
            }
            let truth = BoundingBox {
                left: left as f32 + full.left * scale,
                top: top as f32 + full.top * scale,
                width: full.width * scale,
                height: full.height * scale,
            };
            let found = face(&detector, ImageView::new(width, height, &pixels).unwrap());
            let iou = found.as_ref().map_or(0.0, |found| found.bounding_box.iou(&truth));
            assert!(iou >= 0.5, "{width} × {height}, place {place}: {found:?} is not {truth:?}");
        }
    }
}

#[test]
fn a_face_that_leans_by_up_to_40_degrees_is_found() {
    let (detector, portrait) = (detector(), portrait());
    let middle = |face: &BoundingBox| (face.left + face.width / 2.0, face.top + face.height / 2.0);
    let upright = face(&detector, portrait.view()).unwrap().bounding_box;
    let (x, y) = middle(&upright);
    for angle in (-40i16..=40).step_by(5) {
        let (sin, cos) = f32::from(angle).to_radians().sin_cos();
        let places = (0..portrait.height())
            .flat_map(|row| (0..portrait.width()).map(move |column| (column, row)));
        let leaning = places.flat_map(|(column, row)| {
            let (dx, dy) = (column as f32 - x, row as f32 - y);
            let (from_x, from_y) = (x + cos * dx + sin * dy, y - sin * dx + cos * dy);
            let inside = |at: f32, side: u32| (0.0..side as f32).contains(&at);
            match inside(from_x, portrait.width()) && inside(from_y, portrait.height()) {
                true => portrait.view().pixel(from_x as u32, from_y as u32),
                false => [GREY; 3],
            }
        });
        let pixels: Vec<u8> = leaning.collect();
        let found =
            face(&detector, ImageView::new(portrait.width(), portrait.height(), &pixels).unwrap());
        let found = middle(&found.unwrap_or_else(|| panic!("nothing at {angle}°")).bounding_box);
        assert!((found.0 - x).hypot(found.1 - y) < 0.2 * upright.width, "{found:?} at {angle}°");
    }
}
