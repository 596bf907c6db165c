//! Scores given face boxes with a pair of MiniFASNet networks, without the engine:
//! `.ci/minifasnet_parity.py` compares the scores with the original code.
//!
//!     minifasnet_boxes SCALE_2.7.onnx SCALE_4.0.onnx BOXES.jsonl
//!
//! A line of `BOXES.jsonl` is `{"file": "photo.jpg", "box": [left, top, width, height]}`.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use face_liveness::detection::BoundingBox;
use face_liveness::imaging::{Limits, decode};
use face_liveness::inference::{Frame, LivenessModel, MiniFasNet};
use serde::Deserialize;

#[derive(Deserialize)]
struct BoxedFace {
    file: PathBuf,
    #[serde(rename = "box")]
    face: [f32; 4],
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [scale_2_7, scale_4_0, boxes] = &arguments[..] else {
        return Err("usage: minifasnet_boxes SCALE_2.7.onnx SCALE_4.0.onnx BOXES.jsonl".into());
    };
    let networks = [std::fs::read(scale_2_7)?, std::fs::read(scale_4_0)?];
    let model = MiniFasNet::new("minifasnet", &networks[0], &networks[1])?;
    for line in std::fs::read_to_string(boxes)?.lines() {
        let BoxedFace { file, face: [left, top, width, height] } = serde_json::from_str(line)?;
        let photo = decode(&std::fs::read(&file)?, &Limits::default(), false)?;
        let face = BoundingBox { left, top, width, height };
        let score = model.spoof_score(&[Frame::new(photo.view(), face)])?;
        println!("{} {score}", file.display());
    }
    Ok(())
}
