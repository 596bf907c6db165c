//! The public API: a file with its headers read, ready to decode into a caller's buffer.

use std::fmt;

use crate::Error;
use crate::headers::Headers;
use crate::scan::Scan;

/// How far an image is scaled down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scale {
    /// Sides divided by 2.
    Half,
    /// Sides divided by 4.
    Quarter,
    /// Sides divided by 8.
    Eighth,
}

impl Scale {
    /// All scales, the largest image first.
    pub const ALL: &[Self] = &[Self::Half, Self::Quarter, Self::Eighth];

    /// The divisor of the sides: 2, 4 or 8.
    pub const fn divisor(self) -> u32 {
        match self {
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }
}

/// A JPEG whose headers are read.
///
/// ```
/// use face_liveness_jpeg_scaled::{Decoder, Scale};
///
/// # let mut file = Vec::new();
/// # let encoder = jpeg_encoder::Encoder::new(&mut file, 90);
/// # encoder.encode(&[200; 100 * 50 * 3], 100, 50, jpeg_encoder::ColorType::Rgb).unwrap();
/// let decoder = Decoder::new(&file, Scale::Quarter)?;
/// assert_eq!((decoder.full_width(), decoder.full_height()), (100, 50));
/// assert_eq!((decoder.width(), decoder.height()), (25, 13));
/// let mut pixels = vec![0; decoder.rgb_len()];
/// decoder.decode_rgb(&mut pixels)?;
/// assert_eq!(pixels[..3], [200, 200, 200]);
/// # Ok::<(), face_liveness_jpeg_scaled::Error>(())
/// ```
pub struct Decoder<'a> {
    headers: Headers<'a>,
    divisor: usize,
}

impl<'a> Decoder<'a> {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// [`Error::Truncated`] if the file ends within them. [`Error::Unsupported`] if they are
    /// malformed, or the file is of a kind that this crate does not decode.
    pub fn new(file: &'a [u8], scale: Scale) -> Result<Self, Error> {
        Ok(Self { headers: Headers::read(file)?, divisor: scale.divisor() as usize })
    }

    /// The width of the scaled image in pixels, rounded up.
    pub fn width(&self) -> u32 {
        self.headers.frame.width.div_ceil(self.divisor) as u32
    }

    /// The height of the scaled image in pixels, rounded up.
    pub fn height(&self) -> u32 {
        self.headers.frame.height.div_ceil(self.divisor) as u32
    }

    /// The width of the image in the file in pixels.
    pub fn full_width(&self) -> u32 {
        self.headers.frame.width as u32
    }

    /// The height of the image in the file in pixels.
    pub fn full_height(&self) -> u32 {
        self.headers.frame.height as u32
    }

    /// The length of the scaled image in bytes: three for each pixel.
    pub fn rgb_len(&self) -> usize {
        3 * self.width() as usize * self.height() as usize
    }

    /// Decodes the image into `pixels`: R, G, B of each pixel, row by row, no padding.
    ///
    /// # Errors
    /// [`Error::BufferLength`] unless `pixels` has [`rgb_len`](Self::rgb_len) bytes;
    /// [`Error::Truncated`] and [`Error::Unsupported`], after which `pixels` may hold a part of the
    /// image.
    pub fn decode_rgb(&self, pixels: &mut [u8]) -> Result<(), Error> {
        let (expected, actual) = (self.rgb_len(), pixels.len());
        if actual != expected {
            return Err(Error::BufferLength { expected, actual });
        }
        Scan::new(&self.headers, self.divisor)?.decode(pixels)
    }
}

impl fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({} × {})", self.width(), self.height())
    }
}
