//! Runs every target on the inputs that once broke it.
#![allow(missing_docs, clippy::unwrap_used)]

use face_liveness::network::Network;

/// Runs a target on every file of its folder.
fn all(target: &str, function: fn(&[u8])) {
    let folder = format!("{}/regressions/{target}", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    files.iter().for_each(|file| function(&std::fs::read(file).unwrap()));
}

#[test]
fn detect_json() {
    all("detect_json", face_liveness_fuzz::detect_json);
}

#[test]
fn decode() {
    all("decode", face_liveness_fuzz::decode);
}

#[test]
fn jpeg_scaled() {
    all("jpeg_scaled", face_liveness_fuzz::jpeg_scaled::jpeg_scaled);
}

#[test]
fn exif() {
    all("exif", face_liveness_fuzz::exif);
}

#[test]
fn crop() {
    all("crop", face_liveness_fuzz::crop);
}

#[test]
fn load_onnx() {
    all("load_onnx", face_liveness_fuzz::load_onnx);
    // Reading past the end of a shape faults only in the fuzzer's build: here the file must be
    // refused.
    all("load_onnx", |file| assert!(Network::from_onnx(file, [3, 8, 8]).is_err()));
}
