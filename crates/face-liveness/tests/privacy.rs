//! No error, answer or `Debug` output holds image data.
#![allow(missing_docs, clippy::unwrap_used)]

use face_liveness::imaging::{ImageView, RgbImage, decode_base64};
use face_liveness::inference::Frame;
use face_liveness::schema::{ModelInputs, RequestDocument};
use face_liveness::{Error, Image, ImageSource, ImageType, Request};
use face_liveness_test_support::*;
use serde_json::json;

/// In place of an image: valid base64 of text.
const SECRET: &str = "c2VjcmV0IHBpY3R1cmUgb2YgYSBjdXN0b21lcidzIGZhY2UsIG5ldmVyIHRvIGJlIHNlZW4";

/// Fails when a text contains any eight characters of the secret, or of its bytes as text or
/// numbers.
#[track_caller]
fn assert_keeps_secret(text: &str) {
    let bytes = decode_base64(SECRET).unwrap();
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    for secret in [SECRET, str::from_utf8(&bytes).unwrap(), &numbers.join(", "), &numbers.join(",")]
    {
        for window in secret.as_bytes().windows(8) {
            let window = str::from_utf8(window).unwrap();
            assert!(!text.contains(window), "{text:?} contains {window:?}");
        }
    }
}

#[test]
fn no_error_answer_quotes_the_request() {
    let valid = json!({ "index": 0, "type": "RGB", "data": SECRET });
    let image = |field: &str, value: serde_json::Value| {
        let mut image = valid.clone();
        image[field] = value;
        json!({ "images": [image] })
    };
    let bodies = [
        json!(SECRET),
        json!([SECRET]),
        json!({ SECRET: SECRET }),
        json!({ "images": SECRET }),
        json!({ "images": [SECRET] }),
        json!({ "images": { "data": SECRET } }),
        json!({ "images": [], "model": SECRET }),
        json!({ "images": [valid], "autoRotate": SECRET }),
        json!({ "images": [valid], "model": { "name": SECRET } }),
        image("index", json!(SECRET)),
        image("type", json!(SECRET)),
        image("type", json!([SECRET])),
        image("autoRotate", json!(SECRET)),
        image("data", json!(format!("{SECRET}!"))),
        image("data", json!(format!("data:{SECRET};base64,{SECRET}"))),
        image("data", json!(SECRET)),
        image("data", json!([SECRET])),
        image("data", json!(base64(format!("\u{89}PNG{SECRET}").as_bytes()))),
        image("data", json!(base64(&[b"\xff\xd8\xff\xe0", SECRET.as_bytes()].concat()))),
        image("data", json!(base64(&[b"GIF89a", SECRET.as_bytes()].concat()))),
        image("data", json!(base64(&[b"RIFF\x40\0\0\0WEBPVP8 ", SECRET.as_bytes()].concat()))),
        image("data", json!(base64(&[b"BM", SECRET.as_bytes()].concat()))),
    ];
    let mut bodies: Vec<String> = bodies.iter().map(ToString::to_string).collect();
    bodies.extend([
        format!(r#"{{"images": [{{"index": 0, "data": "{SECRET}"#),
        format!(r#"{{"images": [{{"index": 0, "data": "{SECRET}\q"}}]}}"#),
        format!(r#"{{"images": {SECRET}}}"#),
        format!(r#"{{"{SECRET}": 1, "images": [], "images": "{SECRET}"}}"#),
        SECRET.to_owned(),
    ]);
    for body in bodies {
        let answer = ENGINE.detect_json(body.as_bytes());
        assert_eq!(answer.status, 400);
        assert_keeps_secret(str::from_utf8(&answer.body).unwrap());
    }
}

#[test]
fn no_debug_output_shows_image_data() {
    let bytes = decode_base64(SECRET).unwrap();
    let pixels = &bytes[..48];
    let view = ImageView::new(4, 4, pixels).unwrap();
    let rgb = RgbImage::new(4, 4, pixels.to_vec()).unwrap();
    let request = Request::new([Image::rgb(0, SECRET), Image::rgb(1, SECRET.to_owned())]);
    let body = serde_json::to_string(&request).unwrap();
    let document = RequestDocument::parse(body.as_bytes()).unwrap();
    let inputs = ModelInputs::burst(ImageType::Rgb, 1..=2);
    let face =
        face_liveness::detection::BoundingBox { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

    for text in [
        format!("{request:?} {request:#?}"),
        format!("{document:?}"),
        format!("{:?}", document.select(&inputs).unwrap()),
        format!("{:?}", request.select(&inputs).unwrap()),
        format!("{rgb:?} {view:?}"),
        format!("{:?}", ImageSource::Encoded { bytes: &bytes, auto_rotate: true }),
        format!("{:?}", ImageSource::Rgb(view)),
        format!("{:?}", Frame::new(view, face)),
        format!("{:?}", *ENGINE),
    ] {
        assert_keeps_secret(&text);
    }
}

#[test]
fn no_error_shows_image_data_however_it_is_printed() {
    let bytes = decode_base64(SECRET).unwrap();
    let files = [
        bytes.to_vec(),
        [b"\xff\xd8\xff\xe0".as_slice(), &bytes].concat(),
        [b"\x89PNG\r\n\x1a\n".as_slice(), &bytes].concat(),
        [b"GIF89a".as_slice(), &bytes].concat(),
        [b"BM".as_slice(), &bytes].concat(),
    ];
    for file in files {
        let error = ENGINE
            .detect_image(ImageSource::Encoded { bytes: &file, auto_rotate: true })
            .unwrap_err();
        assert_keeps_secret(&print_with_sources(&error));
    }
    let error = ENGINE.detect(&Request::new([Image::rgb(0, format!("{SECRET}!"))])).unwrap_err();
    assert_keeps_secret(&print_with_sources(&error));
    assert_keeps_secret(&format!("{:?}", RgbImage::new(1, 1, bytes.to_vec()).unwrap_err()));
}

fn print_with_sources(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(" {error} {error:?}");
        source = error.source();
    }
    text
}
