//! A photo shrunk to what a detector reads, and laid into its input.

use face_liveness_image::{ImageView, RgbImage, resize};
use ndarray::ArrayViewMut3;

use crate::Error;

/// Scales an image so that its longer side is `side` pixels.
pub(crate) fn to_longer_side(image: ImageView<'_>, side: u32) -> Result<RgbImage, Error> {
    let scale = f64::from(side) / f64::from(image.width().max(image.height()));
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, side);
    resize(image, scaled(image.width()), scaled(image.height()))
        .map_err(|cause| Error::new("cannot be given the image", cause))
}

/// Writes the picture's samples at the top left of a network's planes, 0 to 255.
pub(crate) fn fill(planes: ArrayViewMut3<'_, f32>, small: &RgbImage) {
    fill_at(planes, small, [0, 0]);
}

/// Writes the picture's samples into a network's planes, its corner at a column and row.
pub(crate) fn fill_at(mut planes: ArrayViewMut3<'_, f32>, small: &RgbImage, [left, top]: [usize; 2]) {
    for (channel, mut plane) in planes.outer_iter_mut().enumerate() {
        for (y, mut row) in (0..small.height()).zip(plane.outer_iter_mut().skip(top)) {
            let samples = small.view().row(y).chunks_exact(3).map(|pixel| pixel[channel]);
            row.iter_mut().skip(left).zip(samples).for_each(|(value, sample)| *value = f32::from(sample));
        }
    }
}
