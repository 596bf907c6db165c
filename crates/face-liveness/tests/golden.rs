//! The answers for committed images, as measured with the current weights: the same on every
//! machine and in every version with these weights. `GOLDEN=write` writes new ones.
//!
//! `answers.json` holds the face and the score for decoded pixels at full size;
//! `.ci/golden_parity.py` compares it with ONNX Runtime. `responses.json` holds the responses to
//! request bodies with the encoded files.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use face_liveness::imaging::{Limits, decode};
use face_liveness::{Engine, ImageSource, Response};
use face_liveness_test_support::{base64, image};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
const PHOTOS: [&str; 4] = ["astronaut.png", "astronaut.jpg", "exif_6.jpg", "exif_7.jpg"];
const MADE: [&str; 10] = [
    "head.png",
    "mirrored.png",
    "small.png",
    "large.png",
    "dark.png",
    "pale.png",
    "blurred.png",
    "grey.png",
    "leaning.png",
    "in_a_frame.png",
];
/// A JPEG that the engine decodes at half its size.
const SCALED: &str = "scaled.jpg";
/// Pixels, for each side of the box. tract's kernels for other processors add in another order, and
/// JPEG decoders round differently.
const BOX_TOLERANCE: f32 = 0.5;
/// For the same reasons. A score may cross a threshold only where no decision should depend on it.
const SCORE_TOLERANCE: f32 = 1e-3;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Left, top, width, height.
    face: [f32; 4],
    spoof_score: f32,
}

#[test]
fn pixels_have_the_measured_answers() {
    let engine = Engine::builder().build().unwrap();
    let answers: BTreeMap<_, _> = files()
        .map(|(name, path)| {
            // At full size, as for ONNX Runtime.
            let image = decode(&std::fs::read(path).unwrap(), &Limits::default(), true).unwrap();
            let detection = engine.detect_image(ImageSource::Rgb(image.view())).unwrap();
            let face = detection.face.bounding_box;
            let face = [face.left, face.top, face.width, face.height];
            (name, Answer { face, spoof_score: detection.response.spoof_score })
        })
        .collect();
    for (name, [answer, expected]) in compare("answers.json", answers) {
        let differences = answer.face.iter().zip(expected.face).map(|(a, b)| (a - b).abs());
        let difference = differences.fold(0.0, f32::max);
        assert!(difference <= BOX_TOLERANCE, "{name}: the box differs by {difference}");
        assert_score(&name, answer.spoof_score, expected.spoof_score);
    }
}

#[test]
fn encoded_files_have_the_measured_responses() {
    let engine = Engine::builder().build().unwrap();
    let scaled = (SCALED, Path::new(FOLDER).join(SCALED));
    let responses: BTreeMap<_, _> = files()
        .chain([scaled])
        .map(|(name, path)| {
            let image = image(0, base64(&std::fs::read(path).unwrap()));
            let body = json!({ "images": [image], "autoRotate": true }).to_string();
            (name, engine.detect_body(body.as_bytes()).unwrap())
        })
        .collect();
    for (name, [response, expected]) in compare("responses.json", responses) {
        let sides = |Response { position, .. }: &Response| {
            [position.left, position.top, position.width, position.height]
        };
        let near = sides(&response).into_iter().zip(sides(&expected));
        assert!(near.clone().all(|(a, b)| a.abs_diff(b) <= 1), "{name}: {:?}", response.position);
        assert_score(&name, response.spoof_score, expected.spoof_score);
        assert_eq!(response.warnings, expected.warnings, "{name}");
        assert_eq!(response.model, expected.model, "{name}");
    }
}

/// The files that are tested both as pixels and as encoded files.
fn files() -> impl Iterator<Item = (&'static str, PathBuf)> {
    let photos = Path::new(FOLDER).join("../../../../examples/photos");
    let photos = PHOTOS.into_iter().map(move |name| (name, photos.join(name)));
    photos.chain(MADE.into_iter().map(|name| (name, Path::new(FOLDER).join(name))))
}

/// Pairs each measured answer with the committed one.
fn compare<T: Serialize + DeserializeOwned>(
    file: &str,
    measured: BTreeMap<&str, T>,
) -> Vec<(String, [T; 2])> {
    let path = Path::new(FOLDER).join(file);
    if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(&path, serde_json::to_string_pretty(&measured).unwrap() + "\n").unwrap();
    }
    let expected: BTreeMap<String, T> =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(measured.keys().eq(expected.keys()));
    let pairs = measured.into_values().zip(expected);
    pairs.map(|(measured, (name, expected))| (name, [measured, expected])).collect()
}

#[track_caller]
fn assert_score(name: &str, score: f32, expected: f32) {
    let difference = (score - expected).abs();
    assert!(difference <= SCORE_TOLERANCE, "{name}: {score} instead of {expected}");
}
