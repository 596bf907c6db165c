//! Bodies that are hard to parse.

use crate::{Bounds, attack};

/// Elements of `images`, separated by commas.
fn images(element: &str, bytes: usize) -> Vec<u8> {
    let images = vec![element; bytes / (element.len() + 1)].join(",");
    format!(r#"{{"images":[{images}]}}"#).into_bytes()
}

#[test]
fn nested_arrays() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 4.0, seconds: 0.1 };
    attack("JSON: 1,000,000 nested arrays", || vec![b'['; 1_000_000], 112, bounds);
}

#[test]
fn nested_objects() {
    let body = || [br#"{"a":"#.repeat(800_000), b"1".to_vec()].concat();
    let bounds = Bounds { megapixels: 0.0, megabytes: 4.0, seconds: 0.2 };
    attack("JSON: 800,000 nested objects", body, 112, bounds);
}

#[test]
fn many_images() {
    let body = || images(r#"{"index":1}"#, 4_900_000);
    let bounds = Bounds { megapixels: 0.0, megabytes: 60.0, seconds: 1.5 };
    attack("JSON: 400,000 images", body, 116, bounds);
}

#[test]
fn many_empty_objects() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 2.0, seconds: 0.5 };
    attack("JSON: 1,600,000 empty objects", || images("{}", 4_900_000), 110, bounds);
}

#[test]
fn commas() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 2.0, seconds: 0.1 };
    attack("JSON: 4.9 MB of commas", || images("", 4_900_000), 112, bounds);
}
