//! A photo shrunk to what a detector reads.

use face_liveness_image::{ImageView, RgbImage, resize};

use crate::Error;

/// Scales an image so that its longer side is `side` pixels.
pub(crate) fn to_longer_side(image: ImageView<'_>, side: u32) -> Result<RgbImage, Error> {
    let scale = f64::from(side) / f64::from(image.width().max(image.height()));
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, side);
    resize(image, scaled(image.width()), scaled(image.height()))
        .map_err(|cause| Error::new("cannot be given the image", cause))
}
