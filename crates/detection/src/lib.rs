#![doc = include_str!("../README.md")]

mod bounding_box;
mod detector;
mod heatmap;
mod network;
mod refiner;
mod resize;

pub use bounding_box::{BoundingBox, Point};
pub use detector::{Face, FaceDetector, largest};
pub use heatmap::{HeatmapDetector, HeatmapDetectorParams};
pub use network::{Error, Network};
pub use resize::write_planes;
