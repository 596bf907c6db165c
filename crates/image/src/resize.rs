//! Resizes an image.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::{Error, ImageView, RgbImage};

/// Resizes an image to `width × height`, first down, then across, by a triangle filter whose
/// support grows with the reduction. It averages like an area filter when it shrinks an image, and
/// is bilinear when it enlarges one.
///
/// ```
/// use face_liveness_image::{ImageView, resize};
///
/// let pixels = [10, 0, 0, 20, 0, 0, 30, 0, 0, 40, 0, 0];
/// let small = resize(ImageView::new(4, 1, &pixels)?, 2, 1)?;
/// assert_eq!((small.width(), small.view().pixel(0, 0)), (2, [17, 0, 0]));
/// # Ok::<(), face_liveness_image::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if `width` or `height` is 0.
pub fn resize(image: ImageView<'_>, width: u32, height: u32) -> Result<RgbImage, Error> {
    // One axis at a time: for both at once, the resizer uses an intermediate buffer that it does
    // not wipe.
    let lower = resize_once(image, image.width(), height)?;
    resize_once(lower.view(), width, height)
}

fn resize_once(image: ImageView<'_>, width: u32, height: u32) -> Result<RgbImage, Error> {
    let mut resized = RgbImage::black(width, height)?;
    let shape = Error::Shape { width, height, length: 0 };
    // Typed: the untyped call would compile the resizer for each of its 13 types of pixel.
    let from = TypedImageRef::<U8x3>::from_buffer(image.width(), image.height(), image.pixels());
    let to = TypedImage::<U8x3>::from_buffer(width, height, resized.pixels_mut());
    let (Ok(from), Ok(mut to)) = (from, to) else { return Err(shape) };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize_typed(&from, &mut to, &options).map_err(|_| shape)?;
    Ok(resized)
}
