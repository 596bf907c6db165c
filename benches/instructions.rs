//! A given number of requests in sequence, for `.ci/instructions` to count instructions.
#![allow(missing_docs, clippy::unwrap_used)]

use face_liveness::Engine;
use face_liveness_benches::body;

fn main() {
    // With the arguments that `cargo bench` passes, one request is made.
    let times = std::env::args().nth(1).and_then(|times| times.parse().ok()).unwrap_or(1);
    let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/photos/astronaut.jpg");
    let body = body(&std::fs::read(photo).unwrap());
    let engine = Engine::builder().build().unwrap();
    for _ in 0..times {
        assert_eq!(engine.detect_json(&body).status, 200);
    }
}
