//! Finds the Exif block of a PNG.

use crate::ZeroizeVec;
use crate::png_chunks::{Chunk, chunks};

/// A profile of this length holds an Exif block of 130 KB in hexadecimal. In a JPEG, a block has
/// 64 KB at most.
const MAX_PROFILE: usize = 1 << 18;

/// The Exif block, from the chunk `eXIf`, or from the text in which ImageMagick wrote it before
/// that chunk became standard in 2017.
pub(crate) fn exif(file: &[u8]) -> Option<ZeroizeVec<u8>> {
    if let Some(chunk) = chunks(file).find(|chunk| chunk.name == b"eXIf") {
        return Some(chunk.content.to_vec().into());
    }
    // At most one is inflated. `APP1` may hold XMP instead.
    let profile = |kind| chunks(file).find_map(|chunk| Profile::of(chunk, kind));
    profile(b"exif\0").or_else(|| profile(b"APP1\0"))?.decoded()
}

/// A text with Exif.
enum Profile<'a> {
    Plain(&'a [u8]),
    /// With a byte for the method before it: 0 for zlib.
    Compressed(&'a [u8]),
}

impl<'a> Profile<'a> {
    fn of(chunk: Chunk<'a>, kind: &[u8; 5]) -> Option<Self> {
        let name = chunk.content.strip_prefix(b"Raw profile type ")?;
        let text = name.strip_prefix(kind)?;
        match chunk.name {
            b"tEXt" => Some(Self::Plain(text)),
            b"zTXt" => Some(Self::Compressed(text)),
            _ => None,
        }
    }

    /// A line break, a name and the length, each on a line, then the bytes in hexadecimal.
    fn decoded(&self) -> Option<ZeroizeVec<u8>> {
        let inflated;
        let text = match self {
            Self::Plain(text) => text,
            Self::Compressed(text) => {
                let zlib = text.strip_prefix(b"\0")?;
                inflated =
                    ZeroizeVec::from(fdeflate::decompress_to_vec_bounded(zlib, MAX_PROFILE).ok()?);
                &inflated[..]
            }
        };
        if text.len() > MAX_PROFILE {
            return None;
        }
        let digits = text.splitn(4, |&byte| byte == b'\n').nth(3)?;
        let mut digits = digits.iter().filter_map(|&digit| char::from(digit).to_digit(16));
        let mut block = ZeroizeVec::from(Vec::with_capacity(text.len() / 2));
        while let (Some(high), Some(low)) = (digits.next(), digits.next()) {
            block.push((high << 4 | low) as u8);
        }
        Some(block)
    }
}
