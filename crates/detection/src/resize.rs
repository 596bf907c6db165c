//! A photo shrunk to what a detector reads.

use face_liveness_image::{ImageView, RgbImage};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use zeroize::Zeroizing;

use crate::Error;

/// Scales an image so that its longer side is `side` pixels, by a triangle filter whose support grows with
/// the reduction (area-like: no pixel of the photo is skipped).
///
/// One axis at a time: asked for both, the resizer keeps the rows in between in a buffer that it does not
/// wipe.
pub(crate) fn to_longer_side(image: ImageView<'_>, side: u32) -> Result<RgbImage, Error> {
    let scale = f64::from(side) / f64::from(image.width().max(image.height()));
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, side);
    let lower = resize(image, image.width(), scaled(image.height()))?;
    resize(lower.view(), scaled(image.width()), lower.height())
}

fn resize(image: ImageView<'_>, width: u32, height: u32) -> Result<RgbImage, Error> {
    let error = |cause: &dyn std::fmt::Display| Error::new("cannot be given the image", cause);
    let mut pixels = Zeroizing::new(vec![0; width as usize * height as usize * 3]);
    let from = ImageRef::new(image.width(), image.height(), image.pixels(), PixelType::U8x3);
    let to = Image::from_slice_u8(width, height, &mut pixels, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new()
        .resize(&from.map_err(|e| error(&e))?, &mut to.map_err(|e| error(&e))?, &options)
        .map_err(|e| error(&e))?;
    RgbImage::new(width, height, std::mem::take(&mut *pixels)).map_err(|e| error(&e))
}
