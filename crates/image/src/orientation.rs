//! Reads the Exif orientation, tag 0x0112, and applies it.

use crate::format::Format;
#[cfg(feature = "webp")]
use crate::guards::webp_guard;
use crate::{ImageView, RgbImage, jpeg, png_exif};
use exif::{In, Reader, Tag};

/// How the stored image is rotated and mirrored: the value of the Exif tag 0x0112, 1 to 8.
///
/// ```
/// use face_liveness_image::{Orientation, RgbImage};
///
/// // Orientation 6: the top of the scene is at the right of the stored image.
/// let stored = RgbImage::new(2, 1, vec![1, 1, 1, 2, 2, 2])?;
/// let upright = Orientation::new(6).unwrap().apply(stored);
/// assert_eq!((upright.width(), upright.height()), (1, 2));
/// assert_eq!(upright.pixels(), [1, 1, 1, 2, 2, 2]);
/// # Ok::<(), face_liveness_image::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Orientation(u8);

impl Orientation {
    /// The stored image is upright.
    pub const UPRIGHT: Self = Self(1);

    /// The orientation with this Exif value; `None` outside 1 to 8.
    pub fn new(value: u32) -> Option<Self> {
        (1..=8).contains(&value).then_some(Self(value as u8))
    }

    /// The value of the Exif tag.
    pub fn value(self) -> u8 {
        self.0
    }

    /// Reads the tag from a JPEG, PNG (`eXIf`, or a raw profile as ImageMagick writes it) or WebP
    /// file. Without a readable tag, it is [`UPRIGHT`](Self::UPRIGHT): damaged metadata does not
    /// make a photo unusable.
    pub fn from_exif(file: &[u8]) -> Self {
        Self::read_exif(file).unwrap_or(Self::UPRIGHT)
    }

    fn read_exif(file: &[u8]) -> Option<Self> {
        let of_png;
        let block = match Format::of(file).ok()? {
            Format::Jpeg => jpeg::exif(file)?,
            #[cfg(feature = "webp")]
            Format::WebP => webp_guard::exif(file)?,
            Format::Png => {
                of_png = png_exif::exif(file)?;
                &of_png
            }
            #[cfg(any(feature = "bmp", feature = "gif"))]
            _ => return None,
        };
        // Many writers put JPEG's mark before the block in other formats too. kamadak-exif does not
        // read past it.
        let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
        let mut reader = Reader::new();
        reader.continue_on_error(true);
        let exif = reader.read_raw(block.to_vec());
        let exif = exif.or_else(|error| error.distill_partial_result(|_| ())).ok()?;
        let value = exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0)?;
        Self::new(value)
    }

    /// The orientation that undoes this one.
    ///
    /// ```
    /// use face_liveness_image::Orientation;
    ///
    /// assert_eq!(Orientation::new(6).map(Orientation::inverse), Orientation::new(8));
    /// ```
    pub fn inverse(self) -> Self {
        match self.0 {
            6 => Self(8),
            8 => Self(6),
            _ => self,
        }
    }

    /// The width and height of a stored image of `width × height` after [`apply`](Self::apply).
    pub fn apply_to_size(self, width: u32, height: u32) -> [u32; 2] {
        if self.swaps_sides() { [height, width] } else { [width, height] }
    }

    /// The position after [`apply`](Self::apply) of a point in a stored image of `width × height`.
    /// x and y count from the left and the top edge; the first pixel covers 0 to 1 in both.
    ///
    /// ```
    /// use face_liveness_image::Orientation;
    ///
    /// let quarter = Orientation::new(6).unwrap();
    /// assert_eq!(quarter.apply_to_point([1.0, 2.0], 640, 480), [478.0, 1.0]);
    /// ```
    pub fn apply_to_point(self, [x, y]: [f32; 2], width: u32, height: u32) -> [f32; 2] {
        let (right, below) = (width as f32 - x, height as f32 - y);
        match self.0 {
            2 => [right, y],
            3 => [right, below],
            4 => [x, below],
            5 => [y, x],
            6 => [below, x],
            7 => [below, right],
            8 => [y, right],
            _ => [x, y],
        }
    }

    /// Rotates and mirrors a stored image so that it is upright. The stored image is wiped.
    pub fn apply(self, stored: RgbImage) -> RgbImage {
        if self == Self::UPRIGHT { stored } else { self.apply_to_view(stored.view()) }
    }

    /// An upright copy of a stored image, rotated and mirrored.
    ///
    /// ```
    /// use face_liveness_image::{ImageView, Orientation};
    ///
    /// let stored = ImageView::new(2, 1, &[1, 1, 1, 2, 2, 2])?;
    /// let upside_down = Orientation::new(3).unwrap().apply_to_view(stored);
    /// assert_eq!(upside_down.pixels(), [2, 2, 2, 1, 1, 1]);
    /// # Ok::<(), face_liveness_image::Error>(())
    /// ```
    pub fn apply_to_view(self, stored: ImageView<'_>) -> RgbImage {
        let (width, height) = (stored.width() as isize, stored.height() as isize);
        let (right, bottom) = (width - 1, (height - 1) * width);
        // The stored index of the first upright pixel, and the steps to the next one across and
        // down.
        let (first, across, down) = match self.0 {
            1 => (0, 1, width),
            2 => (right, -1, width),
            3 => (bottom + right, -1, -width),
            4 => (bottom, 1, -width),
            5 => (0, width, 1),
            6 => (bottom, -width, 1),
            7 => (bottom + right, -width, -1),
            _ => (right, width, -1),
        };
        let (stored_pixels, _) = stored.pixels().as_chunks::<3>();
        let mut upright = RgbImage::black_like(stored, self.swaps_sides());
        let stride = 3 * upright.width() as usize;
        let mut row_start = first;
        for row in upright.pixels_mut().chunks_exact_mut(stride) {
            let mut index = row_start;
            for pixel in row.as_chunks_mut::<3>().0 {
                *pixel = stored_pixels[index as usize];
                index += across;
            }
            row_start += down;
        }
        upright
    }

    fn swaps_sides(self) -> bool {
        self.0 >= 5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stored order of the pixels of the upright 3 × 2 image `abc / def`, by the table of the
    /// Exif standard: the 0th row and the 0th column of the file are these sides of the scene.
    #[test]
    fn all_eight_values() {
        let stored = [
            (1, 3, "abcdef"),
            (2, 3, "cbafed"), // top, right
            (3, 3, "fedcba"), // bottom, right
            (4, 3, "defabc"), // bottom, left
            (5, 2, "adbecf"), // left, top
            (6, 2, "cfbead"), // right, top
            (7, 2, "fcebda"), // right, bottom
            (8, 2, "daebfc"), // left, bottom
        ];
        for (value, width, letters) in stored {
            let pixels = letters.bytes().flat_map(|byte| [byte; 3]).collect();
            let image = RgbImage::new(width, 6 / width, pixels).expect("six pixels");
            let orientation = Orientation::new(value).expect("a valid value");
            let a = letters.find('a').expect("an a") as u32;
            let middle = [(a % width) as f32 + 0.5, (a / width) as f32 + 0.5];
            assert_eq!(
                orientation.apply_to_point(middle, width, 6 / width),
                [0.5, 0.5],
                "orientation {value}"
            );
            let copy = orientation.apply_to_view(image.view());
            let upright = orientation.apply(image);
            assert_eq!(copy.pixels(), upright.pixels(), "orientation {value}");
            assert_eq!(
                orientation.inverse().apply_to_point([0.5, 0.5], 3, 2),
                middle,
                "orientation {value}"
            );
            assert_eq!((upright.width(), upright.height()), (3, 2), "orientation {value}");
            let letters: String =
                upright.pixels().chunks(3).map(|pixel| char::from(pixel[0])).collect();
            assert_eq!(letters, "abcdef", "orientation {value}");
        }
    }

    #[test]
    fn values_outside_the_standard_are_upright() {
        assert_eq!([0, 9, 65_535].map(Orientation::new), [None; 3]);
        assert_eq!(Orientation::from_exif(b"no image at all"), Orientation::UPRIGHT);
    }
}
