//! Bring your own networks: the two files of Silent-Face-Anti-Spoofing, as ONNX, beside the built-in model.
//!
//!     cargo run --release --example minifasnet -- MiniFASNetV2.onnx MiniFASNetV1SE.onnx PHOTO…
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use clap::Parser;
use face_liveness::inference::MiniFasNet;
use face_liveness::{Engine, ImageSource};

/// Scores photos with a pair of MiniFASNet networks and with the built-in model.
#[derive(Parser)]
struct Arguments {
    /// The network for the crop of 2.7 times the face: 2.7_80x80_MiniFASNetV2.
    near: PathBuf,
    /// The network for the crop of 4.0 times the face: 4_0_0_80x80_MiniFASNetV1SE.
    wide: PathBuf,
    /// JPEG, PNG, GIF, WebP or BMP files.
    #[arg(required = true)]
    photos: Vec<PathBuf>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { near, wide, photos } = Arguments::parse();
    let model = MiniFasNet::new("minifasnet", &std::fs::read(near)?, &std::fs::read(wide)?)?;
    let engine = Engine::builder().model(model).build()?;

    for photo in photos {
        let bytes = std::fs::read(&photo)?;
        for name in engine.model_names() {
            let source = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
            match engine.detect_images(&[source], Some(name)) {
                Ok(detection) => println!("{} {name} {:.4}", photo.display(), detection.response.spoof_score),
                Err(error) => println!("{} {name} {error}", photo.display()),
            }
        }
    }
    Ok(())
}
