#![doc = include_str!("../README.md")]

mod base64;
mod decode;
mod error;
mod format;
mod guards;
mod jpeg;
mod jpeg_segments;
mod limits;
mod orientation;
#[cfg(any(feature = "bmp", feature = "gif", feature = "webp"))]
mod other_formats;
mod png;
mod png_chunks;
mod png_exif;
mod resize;
mod rgb;
mod tidy;
mod to_rgb;
mod uncommon_jpeg;
mod zeroize_vec;

pub use base64::decode_base64;
pub use decode::{decode, decode_scaled};
pub use error::Error;
pub use limits::Limits;
pub use orientation::Orientation;
pub use resize::{resize, resize_part};
pub use rgb::{ImageView, RgbImage, ScaledImage};
pub use zeroize_vec::ZeroizeVec;
