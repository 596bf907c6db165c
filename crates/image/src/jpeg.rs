//! JPEG to RGB by zune-jpeg, the decoder behind the `image` crate, called directly: through `image` it
//! would first copy the whole file into a buffer that nobody wipes.

use zeroize::Zeroizing;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::{Error, Limits, RgbImage};

const CORRUPT: Error = Error::Corrupt { format: "JPEG" };

/// Every sampling and colour space to RGB. CMYK is taken as Adobe writes it, inverted.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, Error> {
    let mut decoder = decoder(bytes);
    decoder.decode_headers().map_err(|_| CORRUPT)?;
    let info = decoder.info().ok_or(CORRUPT)?;

    let (width, height) = (u32::from(info.width), u32::from(info.height));
    // A progressive file keeps the coefficients of all its components, two bytes each, to the last scan.
    let coefficients = u64::from(width) * u64::from(height) * u64::from(info.components) * 2;
    limits.check(width, height, coefficients)?;

    let mut pixels = Zeroizing::new(vec![0; width as usize * height as usize * 3]);
    decoder.decode_into(&mut pixels).map_err(|_| CORRUPT)?;
    RgbImage::new(width, height, std::mem::take(&mut *pixels))
}

/// The Exif of a JPEG.
pub(crate) fn exif(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = decoder(bytes);
    decoder.decode_headers().ok()?;
    decoder.exif().cloned()
}

fn decoder(bytes: &[u8]) -> JpegDecoder<ZCursor<&[u8]>> {
    // Strict: a photo that was cut short is refused, not scored with grey where it ends. Sides have a limit
    // of their own.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    JpegDecoder::new_with_options(ZCursor::new(bytes), options)
}
