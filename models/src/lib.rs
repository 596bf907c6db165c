#![doc = include_str!("../README.md")]

mod built_in;
mod bundle;
mod error;
mod manifest;
mod network_file;
mod operating_point;
mod origin;
mod params;

pub use built_in::{face_detector_v1, rgb_burst_v1, rgb_burst_v2, rgb_single_v1, rgb_single_v2};
pub use bundle::{FaceDetectorBundle, RgbBurstBundle, RgbSingleBundle};
pub use error::Error;
pub use network_file::{
    Channels, CropInput, HeatmapInput, MotionInput, NetworkFile, RefinerInput, Resize,
};
pub use operating_point::{MeasuredRates, OperatingPoint, Rate};
pub use origin::Origin;
pub use params::{BurstParams, CloseUp, Fusion, SecondOpinion};
