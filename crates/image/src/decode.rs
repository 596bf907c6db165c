//! Decodes an image file to upright 8-bit RGB.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::format::Format;
#[cfg(any(feature = "bmp", feature = "gif", feature = "webp"))]
use crate::other_formats;
use crate::{Error, Limits, Orientation, RgbImage, ScaledImage, jpeg, png};

/// Decodes an image file. With `auto_rotate`, its Exif orientation is applied.
///
/// The format is read from the first bytes. A file without a readable orientation counts as
/// upright.
///
/// # Errors
/// [`Error::UnsupportedFormat`], [`Error::OtherFormat`], [`Error::Corrupt`],
/// [`Error::UnsupportedJpeg`], and, before the memory or the time is spent, [`Error::TooLarge`],
/// [`Error::TooMuchMemory`] and [`Error::TooManyScans`].
///
/// ```no_run
/// use face_liveness_image::{decode, Limits};
///
/// let image = decode(&std::fs::read("photo.jpg")?, &Limits::default(), true)?;
/// println!("{} × {}", image.width(), image.height());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode(file: &[u8], limits: &Limits, auto_rotate: bool) -> Result<RgbImage, Error> {
    decode_scaled(file, limits, auto_rotate, u32::MAX).map(|scaled| scaled.image)
}

/// Decodes a JPEG at a half, a quarter or an eighth of its size: the smallest of them whose longer
/// side has at least `min_longer_side` pixels.
///
/// This is several times faster than [`decode`], because most of the IDCT is skipped. Files of
/// other formats, JPEGs too small to be scaled, and JPEGs that the scaled decoder does not read are
/// decoded at full size.
///
/// # Errors
/// Those of [`decode`].
///
/// ```
/// use face_liveness_image::{decode_scaled, Limits};
///
/// let file = std::fs::read("examples/photos/astronaut.jpg")?;
/// let scaled = decode_scaled(&file, &Limits::default(), true, 200)?;
/// assert_eq!((scaled.full_width, scaled.image.width()), (512, 256));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode_scaled(
    file: &[u8],
    limits: &Limits,
    auto_rotate: bool,
    min_longer_side: u32,
) -> Result<ScaledImage, Error> {
    let format = Format::of(file)?;
    let decode = || {
        let ScaledImage { image, full_width, full_height } = match format {
            Format::Jpeg => jpeg::decode(file, limits, min_longer_side)?,
            Format::Png => ScaledImage::unscaled(png::decode(file, limits)?),
            #[cfg(any(feature = "bmp", feature = "gif", feature = "webp"))]
            _ => ScaledImage::unscaled(other_formats::decode(file, format, limits)?),
        };
        let orientation =
            if auto_rotate { Orientation::from_exif(file) } else { Orientation::UPRIGHT };
        if orientation != Orientation::UPRIGHT {
            let rotated = image.pixels().len() as u64;
            limits.check(image.width(), image.height(), image.memory() + rotated)?;
        }
        let [full_width, full_height] = orientation.apply_to_size(full_width, full_height);
        Ok(ScaledImage { image: orientation.apply(image), full_width, full_height })
    };
    // Decoders may panic: image-rs/image-webp#182, etemesi254/zune-image#331. Unwinding wipes the
    // partly decoded image.
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err(format.corrupt()))
}
