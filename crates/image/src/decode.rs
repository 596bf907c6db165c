//! An encoded image to upright 8-bit RGB.

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
    let image = match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg::decode(bytes, limits),
        Ok(format @ (ImageFormat::Png | ImageFormat::Gif | ImageFormat::WebP | ImageFormat::Bmp)) => {
            raster::decode(bytes, format, limits)
        }
        _ => Err(Error::UnsupportedFormat),
    }?;
    Ok(if auto_rotate { Orientation::from_exif(bytes).upright(image) } else { image })
}
