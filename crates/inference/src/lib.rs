#![doc = include_str!("../README.md")]

mod calibration;
mod crop;
mod minifasnet;
mod model;

pub use calibration::Calibration;
pub use crop::Crop;
pub use minifasnet::MiniFasNet;
pub use model::{Frame, LivenessModel};

pub use face_liveness_detection::{Error, Network};
