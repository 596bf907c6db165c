#![doc = include_str!("../README.md")]

mod built_in;
mod bundle;
mod error;
mod manifest;
mod network_file;

pub use built_in::{face_detector_v1, rgb_burst_v1, rgb_single_v1};
pub use bundle::{BurstParams, FaceDetectorBundle, Fusion, RgbBurstBundle, RgbSingleBundle};
pub use error::Error;
pub use network_file::{
    Channels, CropInput, HeatmapInput, MotionInput, NetworkFile, RefinerInput, Resize,
};
