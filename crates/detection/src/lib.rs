#![doc = include_str!("../README.md")]

mod bounding_box;
mod detector;
mod heatmap;
mod refiner;

pub use bounding_box::{BoundingBox, Point};
pub use detector::{Face, FaceDetector, largest};
pub use heatmap::{HeatmapDetector, HeatmapDetectorParams};

pub use face_liveness_network::Error;
