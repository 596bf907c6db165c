//! The smallest program: one photo to a spoof score. `cargo run --release --example hello`.
#![allow(clippy::print_stdout)]

use face_liveness::{Engine, ImageSource};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder().build()?;
    let bytes = std::fs::read("examples/photos/astronaut.jpg")?;
    let photo = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
    println!("{:?}", engine.detect_image(photo)?.response);
    Ok(())
}
