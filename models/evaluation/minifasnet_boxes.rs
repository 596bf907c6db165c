//! Scores given face boxes with a pair of MiniFASNet networks, without the engine:
//! `.ci/minifasnet_parity.py` compares the scores with the original code.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use clap::Parser;
use face_liveness::detection::BoundingBox;
use face_liveness::imaging::{Limits, decode};
use face_liveness::inference::{Frame, LivenessModel, MiniFasNet};
use serde::Deserialize;

/// Scores face boxes with a pair of MiniFASNet networks, and prints a line for each: the file and
/// the spoof score.
#[derive(Parser)]
struct Arguments {
    /// The network for 2.7 × the face, as ONNX.
    scale_2_7: PathBuf,

    /// The network for 4 × the face, as ONNX.
    scale_4_0: PathBuf,

    /// Lines of `{"file": "photo.jpg", "box": [left, top, width, height]}`.
    boxes: PathBuf,
}

#[derive(Deserialize)]
struct BoxedFace {
    file: PathBuf,
    #[serde(rename = "box")]
    face: [f32; 4],
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { scale_2_7, scale_4_0, boxes } = Arguments::parse();
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
