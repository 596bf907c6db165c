//! Bring your own networks: scores photos with the pair of Silent-Face-Anti-Spoofing, as ONNX
//! files, and with the built-in model.
//!
//! minivision-ai/Silent-Face-Anti-Spoofing (Apache-2.0) publishes the pair as PyTorch weights.
//! Export each with `torch.onnx.export`, for an input of 1 × 3 × 80 × 80.
//!
//!     cargo run --release --example minifasnet -- \
//!         2.7_80x80_MiniFASNetV2.onnx 4_0_0_80x80_MiniFASNetV1SE.onnx PHOTO...
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};

use face_liveness::inference::MiniFasNet;
use face_liveness::{Engine, ImageSource};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [scale_2_7, scale_4_0, photos @ ..] = &arguments[..] else {
        return Err("usage: minifasnet SCALE_2.7.onnx SCALE_4.0.onnx PHOTO...".into());
    };
    let networks = [std::fs::read(scale_2_7)?, std::fs::read(scale_4_0)?];
    let model = MiniFasNet::new("minifasnet", &networks[0], &networks[1])?;
    let engine = Engine::builder().model(model).build()?;
    for photo in photos {
        for model in ["rgb-single-v2", "minifasnet"] {
            println!("{} {model} {}", photo.display(), score(&engine, photo, model)?);
        }
    }
    Ok(())
}

/// The score of the largest face, or the error.
fn score(engine: &Engine, photo: &Path, model: &str) -> std::io::Result<String> {
    let bytes = std::fs::read(photo)?;
    let source = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
    Ok(match engine.detect_images(&[source], Some(model)) {
        Ok(detection) => format!("{:.4}", detection.response.spoof_score),
        Err(error) => error.to_string(),
    })
}
