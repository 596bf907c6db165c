//! The `image` crate without our guards, to compare with.
#![allow(missing_docs)]

use std::io::Cursor;
use std::panic::catch_unwind;

use image::{DynamicImage, ImageFormat, ImageReader};

/// Decodes a WebP by image-webp alone. `None` if it fails or panics.
pub fn decode_unguarded(file: &[u8]) -> Option<DynamicImage> {
    catch_unwind(|| ImageReader::with_format(Cursor::new(file), ImageFormat::WebP).decode().ok())
        .ok()?
}
