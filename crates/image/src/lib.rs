#![doc = include_str!("../README.md")]

mod base64;
mod decode;
mod error;
mod jpeg;
mod limits;
mod orientation;
mod raster;
mod resize;
mod rgb;
mod webp;
mod wiped;

pub use base64::decode_base64;
pub use decode::{Reduced, decode, decode_reduced};
pub use error::Error;
pub use limits::Limits;
pub use orientation::Orientation;
pub use resize::resize;
pub use rgb::{ImageView, RgbImage};
pub use wiped::Wiped;
