//! JPEGs that zune-jpeg gets wrong, by jpeg-decoder: `guards/jpeg_frame.rs` lists them.
//!
//! jpeg-decoder does not have these faults, but it is slower, takes more memory and starts a thread
//! for each component of a larger image. So zune-jpeg decodes the files that both read. This file
//! can be deleted once zune-jpeg reads them all: its release candidate 0.5.16-rc3 reads some.

use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

use crate::{ZeroizeVec, to_rgb};

/// The R, G, B of a file with one component, or three: YCbCr or RGB. `None` if it does not decode,
/// or not to the size that was checked against the limits.
pub(crate) fn decode(
    file: &[u8],
    [width, height]: [u32; 2],
    is_ycbcr: bool,
) -> Option<ZeroizeVec<u8>> {
    let mut decoder = Decoder::new(file);
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    if [info.width, info.height].map(u32::from) != [width, height] {
        return None;
    }
    if info.pixel_format == PixelFormat::RGB24 {
        // By default, the names of the components count for more than JFIF.
        let transform = if is_ycbcr { ColorTransform::YCbCr } else { ColorTransform::RGB };
        decoder.set_color_transform(transform);
    }
    let decoded = ZeroizeVec::from(decoder.decode().ok()?);
    match info.pixel_format {
        PixelFormat::RGB24 => Some(decoded),
        PixelFormat::L8 => {
            let mut pixels = ZeroizeVec::from(vec![0; decoded.len() * 3]);
            pixels[..decoded.len()].copy_from_slice(&decoded);
            to_rgb::convert_in_place(&mut pixels, 1, decoded.len());
            Some(pixels)
        }
        _ => None,
    }
}
