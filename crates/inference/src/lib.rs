#![doc = include_str!("../README.md")]

mod calibration;
mod crop;
mod minifasnet;
mod model;
mod motion;
mod rgb_burst;
mod rgb_single;

pub use calibration::Calibration;
pub use crop::Crop;
pub use minifasnet::MiniFasNet;
pub use model::{Frame, LivenessModel};
pub use motion::Motion;
pub use rgb_burst::{BurstParams, RgbBurst};
pub use rgb_single::{Fusion, RgbSingle};

pub use face_liveness_detection::{Error, Network};
