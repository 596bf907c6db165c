//! Images of 8-bit RGB pixels: owned and wiped when dropped, borrowed, or scaled down.

use std::fmt;

use crate::to_rgb::convert_in_place;
use crate::{Error, ZeroizeVec};

/// An image of 8-bit RGB pixels, row by row from the top, wiped when dropped.
pub struct RgbImage {
    width: u32,
    height: u32,
    pixels: ZeroizeVec<u8>,
}

impl RgbImage {
    /// Takes `width × height × 3` bytes: R, G, B of each pixel, row by row, no padding.
    ///
    /// # Errors
    /// [`Error::Shape`] if the buffer has another length or a side is 0.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, Error> {
        let pixels = ZeroizeVec::from(pixels);
        ImageView::new(width, height, &pixels)?;
        Ok(Self { width, height, pixels })
    }

    /// Takes `width × height × 4` bytes: R, G, B and alpha of each pixel, as a canvas has them.
    /// Alpha is blended over white, as in [`decode`](crate::decode).
    ///
    /// # Errors
    /// [`Error::Shape`] if the buffer has another length or a side is 0.
    ///
    /// ```
    /// use face_liveness_image::RgbImage;
    ///
    /// let image = RgbImage::from_rgba(2, 1, vec![255, 0, 0, 255, 0, 0, 0, 0])?;
    /// assert_eq!(image.pixels(), [255, 0, 0, 255, 255, 255]);
    /// # Ok::<(), face_liveness_image::Error>(())
    /// ```
    pub fn from_rgba(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, Error> {
        let mut pixels = ZeroizeVec::from(pixels);
        check_shape(width, height, 4, &pixels)?;
        let count = pixels.len() / 4;
        convert_in_place(&mut pixels, 4, count);
        pixels.truncate(3 * count);
        Ok(Self { width, height, pixels })
    }

    /// An image to write into.
    pub(crate) fn black(width: u32, height: u32) -> Result<Self, Error> {
        let Some(length) = length_of(width, height, 3) else {
            return Err(Error::Shape { width, height, length: 0 });
        };
        Self::new(width, height, vec![0; length])
    }

    /// An image to write into, of the size of another, or of that size rotated by 90°.
    pub(crate) fn black_like(image: ImageView<'_>, swap_sides: bool) -> Self {
        let ImageView { width, height, pixels } = image;
        let (width, height) = if swap_sides { (height, width) } else { (width, height) };
        Self { width, height, pixels: ZeroizeVec::from(vec![0; pixels.len()]) }
    }

    pub(crate) fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// The width in pixels; at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The height in pixels; at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// R, G, B of each pixel, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The memory that the image takes, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.pixels.capacity() as u64
    }

    /// The same image, borrowed.
    pub fn view(&self) -> ImageView<'_> {
        ImageView { width: self.width, height: self.height, pixels: &self.pixels }
    }
}

impl fmt::Debug for RgbImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RgbImage({} × {})", self.width, self.height)
    }
}

/// An upright image, perhaps scaled down, and the size of the image it was scaled from.
#[derive(Debug)]
#[non_exhaustive]
pub struct ScaledImage {
    /// The pixels.
    pub image: RgbImage,
    /// The width of the full image in pixels.
    pub full_width: u32,
    /// The height of the full image in pixels.
    pub full_height: u32,
}

impl ScaledImage {
    pub(crate) fn unscaled(image: RgbImage) -> Self {
        let (full_width, full_height) = (image.width(), image.height());
        Self { image, full_width, full_height }
    }
}

/// A borrowed image of 8-bit RGB pixels, row by row from the top. Detectors and models read it.
///
/// ```
/// use face_liveness_image::ImageView;
///
/// let view = ImageView::new(2, 1, &[255, 0, 0, 0, 0, 255])?;
/// assert_eq!(view.pixel(1, 0), [0, 0, 255]);
/// assert!(ImageView::new(2, 2, &[255, 0, 0, 0, 0, 255]).is_err());
/// # Ok::<(), face_liveness_image::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct ImageView<'a> {
    width: u32,
    height: u32,
    pixels: &'a [u8],
}

impl<'a> ImageView<'a> {
    /// Borrows `width × height × 3` bytes: R, G, B of each pixel, row by row, no padding.
    ///
    /// # Errors
    /// [`Error::Shape`] if the slice has another length or a side is 0.
    pub fn new(width: u32, height: u32, pixels: &'a [u8]) -> Result<Self, Error> {
        check_shape(width, height, 3, pixels)?;
        Ok(Self { width, height, pixels })
    }

    /// The width in pixels; at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The height in pixels; at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// R, G, B of each pixel, row by row.
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }

    /// R, G, B of one row.
    ///
    /// # Panics
    /// If `y` is outside the image.
    pub fn row(&self, y: u32) -> &'a [u8] {
        let stride = self.width as usize * 3;
        &self.pixels[y as usize * stride..][..stride]
    }

    /// R, G, B of one pixel.
    ///
    /// # Panics
    /// If the pixel is outside the image.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let start = x as usize * 3;
        let row = self.row(y);
        [row[start], row[start + 1], row[start + 2]]
    }

    /// Copies a part of the image.
    ///
    /// # Panics
    /// If the part is not inside the image, or a side of it is 0.
    pub fn crop(&self, left: u32, top: u32, width: u32, height: u32) -> RgbImage {
        let row = |y| &self.row(y)[left as usize * 3..][..width as usize * 3];
        let mut copy = ZeroizeVec::from(Vec::with_capacity(width as usize * height as usize * 3));
        (top..top + height).for_each(|y| copy.extend_from_slice(row(y)));
        assert!(width > 0 && height > 0, "the part has {width} × {height} pixels");
        RgbImage { width, height, pixels: copy }
    }
}

impl fmt::Debug for ImageView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageView({} × {})", self.width, self.height)
    }
}

/// Checks that a buffer holds an image of at least 1 × 1, without padding.
fn check_shape(width: u32, height: u32, channels: usize, pixels: &[u8]) -> Result<(), Error> {
    if length_of(width, height, channels) != Some(pixels.len()) {
        return Err(Error::Shape { width, height, length: pixels.len() });
    }
    Ok(())
}

/// The length in bytes of an image of at least 1 × 1; `None` if memory cannot hold it.
fn length_of(width: u32, height: u32, channels: usize) -> Option<usize> {
    let pixels = (width as usize).checked_mul(height as usize)?;
    pixels.checked_mul(channels).filter(|&length| (1..=isize::MAX as usize).contains(&length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_larger_than_memory_is_an_error() {
        assert!(ImageView::new(u32::MAX, u32::MAX, &[]).is_err());
        assert!(RgbImage::black(u32::MAX, u32::MAX).is_err());
        // 2^32 + 2 bytes: as 32 bits, they are 2.
        #[cfg(target_pointer_width = "32")]
        assert!(RgbImage::black(715_827_883, 2).is_err());
    }

    #[test]
    fn rgba_needs_four_bytes_a_pixel() {
        for (width, height, length) in [(2, 1, 6), (0, 1, 0), (2, 2, 12)] {
            assert!(RgbImage::from_rgba(width, height, vec![0; length]).is_err());
        }
    }

    #[test]
    fn debug_shows_no_pixel() {
        let image = RgbImage::new(1, 1, vec![201, 202, 203]).expect("a pixel");
        assert_eq!(format!("{image:?} {:?}", image.view()), "RgbImage(1 × 1) ImageView(1 × 1)");
    }
}
