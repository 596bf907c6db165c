//! Finds the Exif block of a PNG.

use std::iter;

use crate::png_chunks::{Chunk, chunks};

/// A profile of this length holds an Exif block of 130 KB in hexadecimal. In a JPEG, a block has
/// 64 KB at most.
const MAX_PROFILE: usize = 1 << 18;

/// The Exif block: of the chunk `eXIf`, or of the text in which ImageMagick wrote it before that
/// chunk became standard in 2017.
pub(crate) fn exif(file: &[u8]) -> Option<Vec<u8>> {
    let chunk = chunks(file).find(|chunk| chunk.name == b"eXIf");
    let block = match chunk {
        Some(chunk) => chunk.content.to_vec(),
        // The first one alone: each may inflate to the maximum.
        None => chunks(file).find_map(Profile::of)?.decoded()?,
    };
    // Many writers put the mark of a JPEG's block before it.
    Some(block.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec).unwrap_or(block))
}

/// A text with Exif.
enum Profile<'a> {
    Plain(&'a [u8]),
    /// With a byte for the method before it: 0 for zlib.
    Compressed(&'a [u8]),
}

impl<'a> Profile<'a> {
    fn of(chunk: Chunk<'a>) -> Option<Self> {
        let name = chunk.content.strip_prefix(b"Raw profile type ")?;
        let text = name.strip_prefix(b"exif\0").or_else(|| name.strip_prefix(b"APP1\0"))?;
        match chunk.name {
            b"tEXt" => Some(Self::Plain(text)),
            b"zTXt" => Some(Self::Compressed(text)),
            _ => None,
        }
    }

    /// A line break, a name and the length, each on a line, then the bytes in hexadecimal.
    fn decoded(&self) -> Option<Vec<u8>> {
        let inflated;
        let text = match self {
            Self::Plain(text) => text,
            Self::Compressed(text) => {
                let zlib = text.strip_prefix(b"\0")?;
                inflated = fdeflate::decompress_to_vec_bounded(zlib, MAX_PROFILE).ok()?;
                &inflated[..]
            }
        };
        let digits = text.splitn(4, |&byte| byte == b'\n').nth(3)?;
        let mut digits = digits.iter().filter_map(|&digit| char::from(digit).to_digit(16));
        Some(iter::from_fn(|| Some((digits.next()? << 4 | digits.next()?) as u8)).collect())
    }
}
