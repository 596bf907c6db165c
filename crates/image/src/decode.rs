//! An encoded image to upright 8-bit RGB.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::ImageFormat;

use crate::{Error, Limits, Orientation, RgbImage, jpeg, raster};

/// Decodes an image file; with `auto_rotate`, turns it upright as its Exif orientation says.
///
/// The format is read from the bytes. A file without a readable orientation is taken as upright.
///
/// # Errors
/// [`Error::UnsupportedFormat`], [`Error::Corrupt`], or, before the memory is spent, [`Error::TooLarge`]
/// and [`Error::TooMuchMemory`].
///
/// ```no_run
/// use face_liveness_image::{decode, Limits};
///
/// let image = decode(&std::fs::read("photo.jpg")?, &Limits::default(), true)?;
/// println!("{} × {}", image.width(), image.height());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode(bytes: &[u8], limits: &Limits, auto_rotate: bool) -> Result<RgbImage, Error> {
    decode_reduced(bytes, limits, auto_rotate, u32::MAX).map(|reduced| reduced.image)
}

/// An upright image, and the sides of the one that it is a reduced copy of.
#[derive(Debug)]
pub struct Reduced {
    /// The pixels.
    pub image: RgbImage,
    /// The width of the image in full.
    pub full_width: u32,
    /// The height of the image in full.
    pub full_height: u32,
}

/// Decodes as [`decode`] does, but a JPEG at a half, a quarter or an eighth of its size, the smallest that leaves the longer
/// side at least `longer_side` pixels: much faster, as the transform of each block is cut short. What is not JPEG, small
/// JPEGs, and JPEGs of which only [`decode`] can make sense come in full.
///
/// # Errors
/// Those of [`decode`].
///
/// ```
/// use face_liveness_image::{decode_reduced, Limits, Reduced};
///
/// let file = std::fs::read("../../examples/photos/astronaut.jpg")?;
/// let Reduced { image, full_width, .. } = decode_reduced(&file, &Limits::default(), true, 800)?;
/// assert!(image.width() <= full_width);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode_reduced(
    bytes: &[u8],
    limits: &Limits,
    auto_rotate: bool,
    longer_side: u32,
) -> Result<Reduced, Error> {
    let format = match image::guess_format(bytes) {
        Ok(
            format @ (ImageFormat::Jpeg
            | ImageFormat::Png
            | ImageFormat::Gif
            | ImageFormat::WebP
            | ImageFormat::Bmp),
        ) => format,
        _ => return Err(Error::UnsupportedFormat),
    };
    let stored = || match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, limits, longer_side),
        _ => raster::decode(bytes, format, limits).map(Reduced::in_full),
    };
    let upright = || {
        let Reduced { image, full_width, full_height } = stored()?;
        let orientation =
            if auto_rotate { Orientation::from_exif(bytes) } else { Orientation::UPRIGHT };
        let [full_width, full_height] = orientation.upright_sides(full_width, full_height);
        Ok(Reduced { image: orientation.upright(image), full_width, full_height })
    };
    // A file on which somebody's decoder panics (image-rs/image-webp#182, etemesi254/zune-image#331) is a file
    // that does not decode. What was decoded of it is dropped, and so wiped, on the way.
    let decoded = catch_unwind(AssertUnwindSafe(upright));
    decoded.unwrap_or_else(|_| Err(Error::Corrupt { format: name(format) }))
}

impl Reduced {
    pub(crate) fn in_full(image: RgbImage) -> Self {
        let (full_width, full_height) = (image.width(), image.height());
        Self { image, full_width, full_height }
    }
}

/// The format's usual name, for errors.
pub(crate) fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::Gif => "GIF",
        ImageFormat::WebP => "WebP",
        _ => "BMP",
    }
}
