//! Bring your own networks: the two files of Silent-Face-Anti-Spoofing, as ONNX, beside the built-in model.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};

use clap::Parser;
use face_liveness::detection::BoundingBox;
use face_liveness::image::{Limits, decode};
use face_liveness::inference::{Frame, LivenessModel, MiniFasNet};
use face_liveness::{Engine, ImageSource};
use serde::Deserialize;

/// Scores photos with a pair of MiniFASNet networks and with the built-in model.
#[derive(Parser)]
struct Arguments {
    /// The network for the crop of 2.7 times the face: 2.7_80x80_MiniFASNetV2.
    near: PathBuf,

    /// The network for the crop of 4.0 times the face: 4_0_0_80x80_MiniFASNetV1SE.
    wide: PathBuf,

    /// JPEG, PNG, GIF, WebP or BMP files.
    #[arg(required_unless_present = "boxes")]
    photos: Vec<PathBuf>,

    /// Do not look for faces: read files and boxes from this file, a line each, as
    /// {"file": "photo.jpg", "box": [left, top, width, height]}, and score those by the pair alone.
    #[arg(long, value_name = "BOXES.jsonl", conflicts_with = "photos")]
    boxes: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let Arguments { near, wide, photos, boxes } = Arguments::parse();
    let model = MiniFasNet::new("minifasnet", &std::fs::read(near)?, &std::fs::read(wide)?)?;
    match boxes {
        Some(boxes) => score_boxes(&model, &boxes),
        None => score_photos(model, &photos),
    }
}

/// The model beside the built-in one, each by its name.
fn score_photos(model: MiniFasNet, photos: &[PathBuf]) -> Result<(), Failure> {
    let engine = Engine::builder().model(model).build()?;
    for photo in photos {
        let bytes = std::fs::read(photo)?;
        for name in engine.model_names().filter(|name| takes_one_image(&engine, name)) {
            let source = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
            match engine.detect_images(&[source], Some(name)) {
                Ok(detection) => {
                    println!("{} {name} {:.4}", photo.display(), detection.response.spoof_score)
                }
                Err(error) => println!("{} {name} {error}", photo.display()),
            }
        }
    }
    Ok(())
}

fn takes_one_image(engine: &Engine, model: &str) -> bool {
    engine.model_inputs(model).is_ok_and(|inputs| inputs.required() == 1)
}

#[derive(Deserialize)]
struct BoxedFace {
    file: PathBuf,
    #[serde(rename = "box")]
    face: [f32; 4],
}

/// The model by itself: decoding and scoring, without an engine.
fn score_boxes(model: &MiniFasNet, boxes: &Path) -> Result<(), Failure> {
    for line in std::fs::read_to_string(boxes)?.lines() {
        let BoxedFace { file, face: [left, top, width, height] } = serde_json::from_str(line)?;
        let photo = decode(&std::fs::read(&file)?, &Limits::default(), false)?;
        let face = BoundingBox { left, top, width, height };
        let score = model.spoof_score(&[Frame { index: 0, image: photo.view(), face }])?;
        println!("{} {score}", file.display());
    }
    Ok(())
}
