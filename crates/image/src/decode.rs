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
    // A file on which somebody's decoder panics (image-rs/image-webp#182, etemesi254/zune-image#331) is a file
    // that does not decode. What was decoded of it is dropped, and so wiped, on the way.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode_upright(bytes, format, limits, auto_rotate)));
    decoded.unwrap_or_else(|_| Err(Error::Corrupt { format: name(format) }))
}

fn decode_upright(
    bytes: &[u8],
    format: ImageFormat,
    limits: &Limits,
    auto_rotate: bool,
) -> Result<RgbImage, Error> {
    let image = match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, limits),
        _ => raster::decode(bytes, format, limits),
    }?;
    Ok(if auto_rotate { Orientation::from_exif(bytes).upright(image) } else { image })
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
