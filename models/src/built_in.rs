//! The bundles that this crate carries.

use crate::{Error, FaceDetectorBundle, RgbBurstBundle, RgbSingleBundle};

/// The files of a folder that are compiled in, by name.
macro_rules! files {
    ($folder:literal: $($file:literal),*) => {
        |file: &str| {
            let bytes: &'static [u8] = match file {
                $($file => include_bytes!(concat!("../", $folder, "/", $file)),)*
                _ => return None,
            };
            Some(bytes.into())
        }
    };
}

/// The face detector. Card: `face-detector-v1/README.md`.
///
/// # Errors
/// When a file was corrupted or replaced before it was compiled in.
pub fn face_detector_v1() -> Result<FaceDetectorBundle, Error> {
    FaceDetectorBundle::from_json(
        include_str!("../face-detector-v1/model.json"),
        files!("face-detector-v1": "detector.onnx", "refiner.onnx"),
    )
}

/// Liveness from one photo. Card: `rgb-single-v2/README.md`.
///
/// # Errors
/// When a file was corrupted or replaced before it was compiled in.
pub fn rgb_single_v2() -> Result<RgbSingleBundle, Error> {
    RgbSingleBundle::from_json(
        include_str!("../rgb-single-v2/model.json"),
        files!("rgb-single-v2": "context.onnx", "wide.onnx", "tight.onnx"),
    )
}

/// Liveness from two to eight frames, with the networks of [`rgb_single_v2`]. Card:
/// `rgb-single-v2/README.md`.
///
/// # Errors
/// When the manifest was corrupted before it was compiled in.
pub fn rgb_burst_v2() -> Result<RgbBurstBundle, Error> {
    RgbBurstBundle::from_json(include_str!("../rgb-burst-v2/model.json"))
}

/// The predecessor of [`rgb_single_v2`]; version 0.3 removes it. Card: `rgb-single-v1/README.md`.
///
/// # Errors
/// When a file was corrupted or replaced before it was compiled in.
pub fn rgb_single_v1() -> Result<RgbSingleBundle, Error> {
    RgbSingleBundle::from_json(
        include_str!("../rgb-single-v1/model.json"),
        files!("rgb-single-v1": "tight.onnx", "context.onnx"),
    )
}

/// The predecessor of [`rgb_burst_v2`], with the networks of [`rgb_single_v1`]; version 0.3 removes
/// it. Card: `rgb-single-v1/README.md`.
///
/// # Errors
/// When the manifest was corrupted before it was compiled in.
pub fn rgb_burst_v1() -> Result<RgbBurstBundle, Error> {
    RgbBurstBundle::from_json(include_str!("../rgb-burst-v1/model.json"))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn the_built_in_bundles_load() {
        for (single, burst) in
            [(rgb_single_v2(), rgb_burst_v2()), (rgb_single_v1(), rgb_burst_v1())]
        {
            assert_eq!(single.expect("single").name, burst.expect("burst").single);
        }
        assert_eq!(face_detector_v1().expect("face-detector-v1").name, "face-detector-v1");
    }

    #[test]
    fn one_flipped_bit_is_a_sha_256_mismatch() {
        let json = include_str!("../rgb-single-v2/model.json");
        let files = files!("rgb-single-v2": "context.onnx", "wide.onnx", "tight.onnx");
        let damaged = |name: &str| -> Option<Cow<'static, [u8]>> {
            let file: Option<Cow<'static, [u8]>> = files(name);
            let mut file = file?.into_owned();
            if name == "wide.onnx" {
                let middle = file.len() / 2;
                file[middle] ^= 1;
            }
            Some(file.into())
        };
        let error = RgbSingleBundle::from_json(json, damaged).expect_err("damaged");
        assert_eq!(error.to_string(), "wide.onnx: SHA-256 mismatch");
    }
}
