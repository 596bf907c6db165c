//! Shared by the tests of the workspace: an engine, a portrait, request bodies, and the rules of
//! the wire contract, which run against the engine, the HTTP server, the NATS worker and the
//! bindings.
#![allow(clippy::unwrap_used)]

mod contract;
mod piped;
mod rules;

use std::io::Write;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use face_liveness::{Engine, JsonAnswer, Response};
use image::imageops::rotate180;
use image::{DynamicImage, ImageFormat, RgbImage};
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

/// The portrait at a tenth of its contrast: its face is found, but is not certain.
pub fn faint_portrait() -> RgbImage {
    let mut picture = PORTRAIT.to_rgb8();
    let fade = |sample: u8| ((f32::from(sample) - 128.0) * 0.11 + 128.0) as u8;
    picture.pixels_mut().for_each(|pixel| pixel.0 = pixel.0.map(fade));
    picture
}

/// The faint portrait, and beside it the portrait upside down: the engine searches the picture
/// upside down, and finds no upright face.
pub fn faint_and_upside_down() -> RgbImage {
    let (faint, other) = (faint_portrait(), rotate180(&PORTRAIT.to_rgb8()));
    let pixel = |x, y| *if x < 512 { faint.get_pixel(x, y) } else { other.get_pixel(x - 512, y) };
    RgbImage::from_fn(1_024, 512, pixel)
}

/// A grey PNG of this width and height with a picture in it, of which each pixel is `zoom` pixels
/// wide and high. Rows that repeat take no room, so 50 megapixels fit in a request.
pub fn framed(
    picture: &RgbImage,
    place: [u32; 2],
    zoom: u32,
    [width, height]: [u32; 2],
) -> Vec<u8> {
    let grey = [128; 3].repeat(width as usize);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_filter(png::Filter::Up);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    for y in 0..height {
        let mut row = grey.clone();
        let line = y.checked_sub(place[1]).map(|y| y / zoom).filter(|&y| y < picture.height());
        let line = line.into_iter().flat_map(|y| (0..picture.width()).map(move |x| (x, y)));
        let samples = line.flat_map(|(x, y)| picture.get_pixel(x, y).0.repeat(zoom as usize));
        let inside = &mut row[3 * place[0] as usize..];
        inside.iter_mut().zip(samples).for_each(|(value, sample)| *value = sample);
        rows.write_all(&row).unwrap();
    }
    rows.finish().unwrap();
    writer.finish().unwrap();
    file
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
