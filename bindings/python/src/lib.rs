#![doc = include_str!("../README.md")]
// The macros write the glue that Python calls.
#![allow(unsafe_code)]

mod engine;
mod images;

use pyo3::prelude::*;

/// Face presentation attack detection: a photo to a spoof score and the position of the face.
#[pymodule]
mod face_liveness {
    #[pymodule_export]
    use crate::engine::{Engine, LivenessError};
}
