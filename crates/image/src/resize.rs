//! Resizes an image, or a part of one.

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
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
    resize_part(image, [0, 0, image.width(), image.height()], width, height)
}

/// Resizes a part of an image, as [`resize`] does [`ImageView::crop`], but without a copy of the
/// part. `part` has its left, top, width and height.
///
/// ```
/// use face_liveness_image::{ImageView, resize_part};
///
/// let pixels = [10, 0, 0, 20, 0, 0, 30, 0, 0, 40, 0, 0];
/// let right_half = resize_part(ImageView::new(4, 1, &pixels)?, [2, 0, 2, 1], 1, 1)?;
/// assert_eq!(right_half.pixels(), [35, 0, 0]);
/// # Ok::<(), face_liveness_image::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if `width` or `height` is 0, or the part is not inside the image.
pub fn resize_part(
    image: ImageView<'_>,
    part: [u32; 4],
    width: u32,
    height: u32,
) -> Result<RgbImage, Error> {
    // One axis at a time: for both at once, the resizer uses an intermediate buffer that it does
    // not wipe.
    let [_, _, part_width, _] = part;
    let lower = resize_once(image, part, part_width, height)?;
    resize_once(lower.view(), [0, 0, part_width, height], width, height)
}

fn resize_once(
    image: ImageView<'_>,
    [left, top, part_width, part_height]: [u32; 4],
    width: u32,
    height: u32,
) -> Result<RgbImage, Error> {
    let mut resized = RgbImage::black(width, height)?;
    let shape = Error::Shape { width, height, length: 0 };
    // Typed: the untyped call would compile the resizer for each of its 13 types of pixel.
    let from = TypedImageRef::<U8x3>::from_buffer(image.width(), image.height(), image.pixels());
    let to = TypedImage::<U8x3>::from_buffer(width, height, resized.pixels_mut());
    let (Ok(from), Ok(mut to)) = (from, to) else { return Err(shape) };
    let part = TypedCroppedImage::new(from, left, top, part_width, part_height);
    let Ok(from) = part else { return Err(shape) };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize_typed(&from, &mut to, &options).map_err(|_| shape)?;
    Ok(resized)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_resized_as_its_copy_is() {
        let pixels: Vec<u8> = (0..3 * 97 * 61u32).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect();
        let image = ImageView::new(97, 61, &pixels).expect("pixels");
        for part in [[0, 0, 97, 61], [5, 7, 80, 50], [90, 0, 7, 61], [0, 60, 97, 1], [13, 9, 1, 1]]
        {
            let [left, top, width, height] = part;
            let copy = image.crop(left, top, width, height);
            for (to_width, to_height) in [(16, 16), (width, height), (120, 9), (1, 1)] {
                let direct = resize_part(image, part, to_width, to_height).expect("inside");
                let expected = resize(copy.view(), to_width, to_height).expect("sides above 0");
                assert_eq!(direct.pixels(), expected.pixels(), "{part:?} to {to_width}");
            }
        }
    }

    #[test]
    fn a_part_outside_the_image_is_an_error() {
        let image = ImageView::new(2, 1, &[0; 6]).expect("two pixels");
        for part in [[1, 0, 2, 1], [0, 1, 2, 1], [2, 0, 1, 1], [u32::MAX, 0, 2, 1]] {
            assert!(resize_part(image, part, 1, 1).is_err(), "{part:?}");
        }
    }
}
