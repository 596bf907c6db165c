//! JPEG to RGB by zune-jpeg, the decoder behind the `image` crate, called directly: through `image` it
//! would first copy the whole file into a buffer that nobody wipes. At a part of its size by jpeg-decoder, which zune-jpeg
//! does not offer.

use zeroize::Zeroizing;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::{Error, Limits, Reduced, RgbImage};

const CORRUPT: Error = Error::Corrupt { format: "JPEG" };

/// What a JPEG must have more pixels than to be worth reducing: below, jpeg-decoder at a half takes as long as zune-jpeg in
/// full.
const LARGE: u64 = 2_500_000;

/// Every sampling and colour space to RGB. CMYK is taken as Adobe writes it, inverted. A large picture is reduced as far as
/// its longer side stays at least `longer_side`.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, longer_side: u32) -> Result<Reduced, Error> {
    let mut decoder = decoder(bytes);
    decoder.decode_headers().map_err(|_| CORRUPT)?;
    let info = decoder.info().ok_or(CORRUPT)?;

    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let size = u64::from(width) * u64::from(height);
    // A progressive file keeps the coefficients of all its components, two bytes each, to the last scan.
    limits.check(width, height, size * u64::from(info.components) * 2)?;

    let reduction = [8, 4, 2].into_iter().find(|by| width.max(height) / by >= longer_side);
    // jpeg-decoder is the pickier one, so what it refuses is decoded in full.
    if let Some(image) = reduction.filter(|_| size > LARGE).and_then(|by| reduced(bytes, limits, by)) {
        return Ok(Reduced { image, full_width: width, full_height: height });
    }
    let mut pixels = Zeroizing::new(vec![0; width as usize * height as usize * 3]);
    decoder.decode_into(&mut pixels).map_err(|_| CORRUPT)?;
    RgbImage::new(width, height, std::mem::take(&mut *pixels)).map(Reduced::in_full)
}

/// The picture with sides divided by 2, 4 or 8, rounded up.
fn reduced(bytes: &[u8], limits: &Limits, by: u32) -> Option<RgbImage> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(limits.max_memory).unwrap_or(usize::MAX));
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    let side = |side: u16| side.div_ceil(by as u16);
    let (width, height) = decoder.scale(side(info.width), side(info.height)).ok()?;
    let samples = Zeroizing::new(decoder.decode().ok()?);
    let mut pixels = match info.pixel_format {
        jpeg_decoder::PixelFormat::RGB24 => samples,
        jpeg_decoder::PixelFormat::L8 => Zeroizing::new(samples.iter().flat_map(|&grey| [grey; 3]).collect()),
        _ => return None,
    };
    RgbImage::new(width.into(), height.into(), std::mem::take(&mut *pixels)).ok()
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
