//! A given number of requests in sequence, for `.ci/instructions` to count instructions:
//!
//!     instructions 3
#![allow(clippy::unwrap_used)]

use face_liveness_test_support::{ENGINE, PORTRAIT_JPEG, image, request};

fn main() {
    let times = std::env::args().nth(1).and_then(|times| times.parse().ok()).unwrap_or(1);
    let body = request([image(0, PORTRAIT_JPEG.as_str())]).to_string();
    for _ in 0..times {
        assert_eq!(ENGINE.detect_json(body.as_bytes()).status, 200);
    }
}
