//! Image data that is hard to decode from base64.

use face_liveness_test_support::{image, request};

use crate::{Bounds, attack};

fn text(data: String) -> Vec<u8> {
    request([image(0, data)]).to_string().into_bytes()
}

#[test]
fn white_space() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 2.0, seconds: 0.1 };
    attack("base64: 4.9 MB of white space", || text(" ".repeat(4_900_000)), 112, bounds);
}

#[test]
fn spaced_out() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 12.0, seconds: 0.1 };
    attack("base64: a space after each letter", || text("A ".repeat(2_400_000)), 215, bounds);
}

#[test]
fn escapes() {
    let body = || {
        let data = r"\u0041".repeat(800_000);
        format!(r#"{{"images":[{{"index":0,"type":"RGB","data":"{data}"}}]}}"#).into_bytes()
    };
    let bounds = Bounds { megapixels: 0.0, megabytes: 8.0, seconds: 0.3 };
    attack("base64: escaped letters only", body, 215, bounds);
}
