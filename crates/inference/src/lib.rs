#![doc = include_str!("../README.md")]

mod calibration;
mod crop;
mod crop_network;
mod minifasnet;
mod model;
mod motion;
mod rgb_burst;
mod rgb_single;

pub use calibration::Calibration;
pub use crop::Crop;
pub use minifasnet::MiniFasNet;
pub use model::{Frame, LivenessModel};
pub use rgb_burst::RgbBurst;
pub use rgb_single::RgbSingle;

pub use face_liveness_network::Error;
