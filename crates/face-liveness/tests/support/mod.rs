//! What the tests share: one engine, the portrait, and requests written as JSON.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use face_liveness::{Engine, JsonAnswer, Response};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::builder().build().unwrap());

/// The portrait, 512 × 512, one face of about 84 × 112.
pub static PORTRAIT: LazyLock<DynamicImage> =
    LazyLock::new(|| image::load_from_memory(&photo("astronaut.png")).unwrap());

/// The portrait's file as base64.
pub static PORTRAIT_JPEG: LazyLock<String> = LazyLock::new(|| base64(&photo("astronaut.jpg")));

pub fn photo(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../examples/photos/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// One image of a request.
pub fn image(index: impl Into<Value>, data: impl Into<Value>) -> Value {
    json!({ "index": index.into(), "type": "RGB", "data": data.into() })
}

pub fn request(images: impl Into<Value>) -> Value {
    json!({ "images": images.into() })
}

/// What answers the body of a request: an engine, or a service around one.
pub trait Answers {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer;
}

impl Answers for Engine {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        self.detect_json(body)
    }
}

impl<S: Answers> Answers for LazyLock<S> {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        (**self).detect_json(body)
    }
}

/// The answer's status and body.
pub fn answer(service: &impl Answers, body: &[u8]) -> (u16, Value) {
    let answer = service.detect_json(body);
    (answer.status, serde_json::from_slice(&answer.body).expect("every answer is JSON"))
}

/// The code, the message and the description of the error with which a body is answered.
pub fn error(service: &impl Answers, body: &[u8]) -> (u64, String, String) {
    let (status, answer) = answer(service, body);
    assert_ne!(status, 200, "{answer}");
    let error = &answer["error"];
    let text = |field: &str| error[field].as_str().unwrap().to_owned();
    (error["code"].as_u64().unwrap(), text("message"), text("description"))
}

/// The response to a body that must have one.
pub fn response(service: &impl Answers, body: &Value) -> Response {
    let answer = service.detect_json(body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// The response to a request for one image file.
pub fn response_to_file(service: &impl Answers, file: &[u8]) -> Response {
    response(service, &request([image(0, base64(file))]))
}

/// The same face: the box within so many pixels and the score within so much.
pub fn assert_same_face(a: &Response, b: &Response, pixels: u32, score: f32, what: &str) {
    let near = |a: u32, b: u32| a.abs_diff(b) <= pixels;
    let (p, q) = (a.position, b.position);
    assert!(
        near(p.left, q.left)
            && near(p.top, q.top)
            && near(p.width, q.width)
            && near(p.height, q.height),
        "{what}: {p:?} against {q:?}"
    );
    assert!(
        (a.spoof_score - b.spoof_score).abs() <= score,
        "{what}: {} against {}",
        a.spoof_score,
        b.spoof_score
    );
}
