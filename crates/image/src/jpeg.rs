//! JPEG to RGB by zune-jpeg, the decoder behind the `image` crate, called directly: through `image` it
//! would first copy the whole file into a buffer that nobody wipes. At a part of its size by `reduced`.

mod bits;
mod reduced;
mod scans;
mod transform;

use memchr::memmem;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use self::reduced::Refusal;
use crate::{Error, Limits, Reduced, RgbImage, Wiped};

/// What each part of a long XMP begins with. zune-jpeg looks through all of them at every marker, which takes minutes where a file has
/// many; of one that is as large as a segment may be, a file of 5 MB has 80.
const XMP_PART: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const MAX_XMP_PARTS: usize = 100;

const CORRUPT: Error = Error::Corrupt { format: "JPEG" };

/// Every sampling and colour space to RGB. CMYK is taken as Adobe writes it, inverted. The picture is reduced as far as its
/// longer side stays at least `longer_side`.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, longer_side: u32) -> Result<Reduced, Error> {
    let mut decoder = decoder(bytes).ok_or(CORRUPT)?;
    let info = decoder.info().ok_or(CORRUPT)?;

    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let size = u64::from(width) * u64::from(height);
    // A progressive file keeps the coefficients of all its components, two bytes each, to the last scan.
    limits.check(width, height, size * u64::from(info.components) * 2)?;

    let (scans, limit) = (scans::count(bytes), limits.scans(width, height));
    if scans > limit {
        return Err(Error::TooManyScans { scans, limit });
    }
    // It reads on where a file is not as it should be, and the count ends.
    decoder.set_options(decoder.options().jpeg_set_max_scans(limit));

    let reduction = [8, 4, 2].into_iter().find(|by| width.max(height) / by >= longer_side);
    match reduction.map(|by| reduced::decode(bytes, by as usize)) {
        Some(Ok(image)) => return Ok(Reduced { image, full_width: width, full_height: height }),
        Some(Err(Refusal::Cut)) => return Err(CORRUPT),
        Some(Err(Refusal::Unusual)) | None => {}
    }
    let mut pixels = Wiped::from(vec![0; width as usize * height as usize * 3]);
    decoder.decode_into(&mut pixels).map_err(|_| CORRUPT)?;
    RgbImage::new(width, height, std::mem::take(&mut *pixels)).map(Reduced::in_full)
}

/// The Exif of a JPEG.
pub(crate) fn exif(bytes: &[u8]) -> Option<Vec<u8>> {
    decoder(bytes)?.exif().cloned()
}

/// With the headers read.
fn decoder(bytes: &[u8]) -> Option<JpegDecoder<ZCursor<&[u8]>>> {
    if memmem::find_iter(bytes, XMP_PART).nth(MAX_XMP_PARTS).is_some() {
        return None;
    }
    // Strict: a photo that was cut short is refused, not scored with grey where it ends. Sides have a limit
    // of their own.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    Some(decoder)
}
