//! The answers that committed pictures had when their weights were measured: on every machine, in every version with those
//! weights. `.ci/golden_parity.py` says the same of ONNX Runtime. `GOLDEN=write` writes new ones.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;

use face_liveness::image::{Limits, decode};
use face_liveness::{Engine, ImageSource};
use serde::{Deserialize, Serialize};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
const PHOTOS: [&str; 4] = ["astronaut.png", "astronaut.jpg", "exif_6.jpg", "exif_7.jpg"];
const MADE: [&str; 10] = [
    "head",
    "mirrored",
    "small",
    "large",
    "dark",
    "pale",
    "blurred",
    "grey",
    "leaning",
    "in_a_frame",
];
/// Of a side of the box, in pixels: tract's kernels for other processors add in another order, and JPEG decoders round otherwise.
const BOX_TOLERANCE: f32 = 0.5;
/// For the same reasons; and because a score may cross a threshold only where no decision should hang on it.
const SCORE_TOLERANCE: f32 = 1e-3;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Left, top, width, height.
    face: [f32; 4],
    spoof_score: f32,
}

#[test]
fn the_answers_are_those_that_were_measured() {
    let engine = Engine::builder().build().unwrap();
    let photos = PHOTOS
        .map(|name| (name.to_owned(), format!("{FOLDER}/../../../../examples/photos/{name}")));
    let made = MADE.map(|name| (format!("{name}.png"), format!("{FOLDER}/{name}.png")));
    let answers: BTreeMap<String, Answer> = photos
        .into_iter()
        .chain(made)
        .map(|(name, path)| {
            // In full, as ONNX Runtime is given it.
            let image = decode(&std::fs::read(path).unwrap(), &Limits::default(), true).unwrap();
            let detection = engine.detect_image(ImageSource::Rgb(image.view())).unwrap();
            let face = detection.face.bounding_box;
            let face = [face.left, face.top, face.width, face.height];
            (name, Answer { face, spoof_score: detection.response.spoof_score })
        })
        .collect();
    let expected = format!("{FOLDER}/answers.json");
    if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(&expected, serde_json::to_string_pretty(&answers).unwrap() + "\n").unwrap();
    }
    let expected: BTreeMap<String, Answer> =
        serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    assert!(answers.keys().eq(expected.keys()));
    for (name, Answer { face, spoof_score }) in answers {
        let expected = &expected[&name];
        let off = face.iter().zip(expected.face).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off <= BOX_TOLERANCE, "{name}: the box is off by {off}");
        let off = (spoof_score - expected.spoof_score).abs();
        assert!(off <= SCORE_TOLERANCE, "{name}: {spoof_score} for {}", expected.spoof_score);
    }
}
