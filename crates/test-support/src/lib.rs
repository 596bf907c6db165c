//! Shared by the tests of the workspace: an engine, a portrait, request bodies, and the rules of
//! the wire contract, which run against the engine, the HTTP server, the NATS worker and the
//! bindings.
#![allow(clippy::unwrap_used)]

mod contract;
mod piped;
mod rules;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use face_liveness::{Engine, JsonAnswer, Response};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

pub use contract::Contract;
pub use piped::Piped;

/// The default engine.
pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::builder().build().unwrap());

/// The portrait, 512 × 512, with one face of about 84 × 112.
pub static PORTRAIT: LazyLock<DynamicImage> =
    LazyLock::new(|| image::load_from_memory(&photo("astronaut.png")).unwrap());

/// The portrait's JPEG file in base64.
pub static PORTRAIT_JPEG: LazyLock<String> = LazyLock::new(|| base64(&photo("astronaut.jpg")));

/// Anything that answers request bodies: an engine, or a service in front of one.
pub trait Endpoint: Send + Sync {
    /// Answers a body.
    fn detect_json(&self, body: &[u8]) -> JsonAnswer;
}

impl Endpoint for Engine {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        self.detect_json(body)
    }
}

impl Endpoint for LazyLock<Engine> {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        (**self).detect_json(body)
    }
}

impl Endpoint for Box<dyn Endpoint> {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        (**self).detect_json(body)
    }
}

/// The content of a file in `examples/photos`.
pub fn photo(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../examples/photos/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Bytes in standard base64.
pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// An image as a file.
pub fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// One image of a request.
pub fn image(index: impl Into<Value>, data: impl Into<Value>) -> Value {
    json!({ "index": index.into(), "type": "RGB", "data": data.into() })
}

/// A request for the default model.
pub fn request(images: impl Into<Value>) -> Value {
    json!({ "images": images.into() })
}

/// The status and the body of an answer.
pub fn answer(endpoint: &impl Endpoint, body: &[u8]) -> (u16, Value) {
    let answer = endpoint.detect_json(body);
    (answer.status, serde_json::from_slice(&answer.body).expect("every answer is JSON"))
}

/// The code, the message and the description of the error that answers a body.
pub fn error(endpoint: &impl Endpoint, body: &[u8]) -> (u64, String, String) {
    let (status, answer) = answer(endpoint, body);
    assert_ne!(status, 200, "{answer}");
    let error = &answer["error"];
    let text = |field: &str| error[field].as_str().unwrap().to_owned();
    (error["code"].as_u64().unwrap(), text("message"), text("description"))
}

/// The response to a body that must be valid.
pub fn response(endpoint: &impl Endpoint, body: &Value) -> Response {
    let answer = endpoint.detect_json(body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// The response to a request for one image file.
pub fn response_to_file(endpoint: &impl Endpoint, file: &[u8]) -> Response {
    response(endpoint, &request([image(0, base64(file))]))
}

/// Asserts that two responses describe the same face: each side of the box within `pixels`, and the
/// scores within `score`.
#[track_caller]
pub fn assert_same_face(a: &Response, b: &Response, pixels: u32, score: f32, what: &str) {
    let sides = |response: &Response| {
        let position = response.position;
        [position.left, position.top, position.width, position.height]
    };
    let near = sides(a).into_iter().zip(sides(b)).all(|(a, b)| a.abs_diff(b) <= pixels);
    assert!(near, "{what}: {:?} against {:?}", a.position, b.position);
    let difference = (a.spoof_score - b.spoof_score).abs();
    assert!(difference <= score, "{what}: {} against {}", a.spoof_score, b.spoof_score);
}
