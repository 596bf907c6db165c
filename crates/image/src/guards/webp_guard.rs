//! Reads the sizes and Huffman codes that a WebP declares, before image-webp allocates for them.
//!
//! image-webp 0.2.4 allocates what a file declares before it checks the declaration (see
//! image-rs/image-webp#21, open since 2023, on memory limits):
//!
//! - A lossy frame has a size of its own. One of 16,383 × 16,383 in a file of 30 bytes takes
//!   400 MB. The report to file: `docs/upstream/image-webp-frame-size.md`.
//! - An Exif chunk takes the length that it declares, up to 4 GB.
//!   `docs/upstream/image-webp-exif.md`.
//! - A lossless image may have 65,536 groups of Huffman codes, 4 GB of tables.
//!   `docs/upstream/image-webp-code-groups.md`.
//! - A still image takes chunks from an animation frame where it has none of its own.
//!   `docs/upstream/image-webp-anmf-in-still.md`.

use super::vp8l_budget;
use crate::format::Format;
use crate::{Error, Limits};

/// The maximum size of the Huffman tables, in bytes. libwebp writes at most 2,600 groups of codes
/// of about 20 KB.
const MAX_TABLE_BYTES: u64 = 64 << 20;

/// "RIFF", a length, "WEBP".
const RIFF_HEADER: usize = 12;
/// A name and a length.
const CHUNK_HEADER: usize = 8;
/// The position, the size and the duration of an animation frame.
const FRAME_HEADER: usize = 16;
/// Flags of VP8X.
const ANIMATION: u8 = 1 << 1;
const ALPHA: u8 = 1 << 4;

/// The Exif block.
pub(crate) fn exif(file: &[u8]) -> Option<&[u8]> {
    let (_, exif) = chunks(file.get(RIFF_HEADER..)?).find(|(name, _)| *name == b"EXIF")?;
    Some(exif)
}

/// Refuses a file of this size for which image-webp would allocate more than the limits allow, or
/// that it could not decode. `output` is the size in bytes of the buffer that it fills. image-webp
/// has read the file's chunks already.
pub(crate) fn check(
    file: &[u8],
    [width, height]: [u32; 2],
    output: u64,
    has_alpha: bool,
    limits: &Limits,
) -> Result<(), Error> {
    let image = Image::find(file, [width, height]).ok_or_else(|| Format::WebP.corrupt())?;
    if !image.lossy.is_none_or(|frame| frame_fits(frame, width, height)) {
        return Err(Format::WebP.corrupt());
    }
    let tables = image.table_bytes(MAX_TABLE_BYTES).ok_or_else(|| Format::WebP.corrupt())?;
    let canvas = 4 * u64::from(width) * u64::from(height);
    limits.check(width, height, output + tables + image.working_bytes(has_alpha, canvas))?;
    if tables > MAX_TABLE_BYTES {
        return Err(Error::TooMuchMemory { limit: MAX_TABLE_BYTES });
    }
    Ok(())
}

/// The chunks that image-webp decodes; in an animation, the chunks of its first frame.
#[derive(Debug, Clone, Copy, Default)]
struct Image<'a> {
    /// Width and height of the lossless or the alpha image.
    sides: [u32; 2],
    /// Whether it is a frame of an animation, which is drawn on a canvas.
    is_frame: bool,
    lossy: Option<&'a [u8]>,
    lossless: Option<&'a [u8]>,
    alpha: Option<&'a [u8]>,
}

impl<'a> Image<'a> {
    /// Finds the chunks as image-webp does. `None` if it fails on them.
    fn find(file: &'a [u8], sides: [u32; 2]) -> Option<Self> {
        let body = file.get(RIFF_HEADER..)?;
        let image = Self { sides, ..Default::default() };
        match chunks(body).next()? {
            (b"VP8 ", content) => Some(Self { lossy: Some(content), ..image }),
            (b"VP8L", content) => Some(Self { lossless: Some(content), ..image }),
            (b"VP8X", content) => image.find_extended(file, content),
            _ => None,
        }
    }

    fn find_extended(self, file: &'a [u8], header: &[u8]) -> Option<Self> {
        let flags = *header.first()?;
        // Chunks that begin past the declared length are not read.
        let riff_length = u32::from_le_bytes(*file.get(4..)?.first_chunk()?) as usize;
        let after_header = RIFF_HEADER + CHUNK_HEADER + header.len().next_multiple_of(2);
        // The sum may overflow 32 bits.
        let end = after_header.saturating_add(riff_length.saturating_sub(12));
        let offset = |content: &[u8]| content.as_ptr() as usize - file.as_ptr() as usize;
        let top_level = || {
            chunks(file.get(after_header..).unwrap_or_default())
                .take_while(move |(_, content)| offset(content) - CHUNK_HEADER < end)
        };
        let first = |name: &[u8; 4]| top_level().find(|chunk| chunk.0 == name);
        let frame = first(b"ANMF").map(|(_, frame)| frame);
        if flags & ANIMATION != 0 {
            return self.find_in_frame(frame?);
        }
        let in_frame =
            frame.map(|frame| stand_ins(&file[offset(frame)..], frame.len())).unwrap_or_default();
        let find = |name: &[u8; 4]| {
            let in_frame = || in_frame.iter().copied().find(|chunk| chunk.0 == name);
            first(name).or_else(in_frame).map(|(_, content)| content)
        };
        if let Some(lossless) = find(b"VP8L") {
            return Some(Self { lossless: Some(lossless), ..self });
        }
        let alpha = if flags & ALPHA != 0 { find(b"ALPH") } else { None };
        Some(Self { lossy: Some(find(b"VP8 ")?), alpha, ..self })
    }

    fn find_in_frame(self, frame: &'a [u8]) -> Option<Self> {
        let header = frame.first_chunk::<FRAME_HEADER>()?;
        let side =
            |at: usize| 1 + u32::from_le_bytes([header[at], header[at + 1], header[at + 2], 0]);
        let sides = [side(6), side(9)];
        if sides[0] > self.sides[0] || sides[1] > self.sides[1] {
            return None;
        }
        let image = Self { sides, is_frame: true, ..self };
        let mut chunks = chunks(&frame[FRAME_HEADER..]);
        match chunks.next()? {
            (b"VP8 ", content) => Some(Self { lossy: Some(content), ..image }),
            (b"VP8L", content) => Some(Self { lossless: Some(content), ..image }),
            // The next chunk is decoded whatever its name.
            (b"ALPH", alpha) => {
                Some(Self { alpha: Some(alpha), lossy: Some(chunks.next()?.1), ..image })
            }
            _ => None,
        }
    }

    /// The memory that image-webp takes besides its output and the Huffman tables. `canvas` is the
    /// size of an animation's.
    fn working_bytes(&self, has_alpha: bool, canvas: u64) -> u64 {
        let [width, height] = self.sides.map(u64::from);
        let pixels = width * height;
        let rgba = 4 * pixels;
        // Two transforms and the numbers of the code groups, each with 4 bytes for a block of at
        // least 4 × 4 pixels.
        let lossless = 3 * 4 * width.div_ceil(4) * height.div_ceil(4);
        // A macroblock has 16 × 16 samples of luma, 2 × 64 of chroma, and a header.
        let lossy = (256 + 128 + 64) * width.div_ceil(16) * height.div_ceil(16);
        let decoding = match (self.lossless, self.alpha) {
            // Straight into an output with alpha.
            (Some(_), _) if has_alpha || self.is_frame => lossless,
            (Some(_), _) => rgba + lossless,
            // The alpha channel is decoded to RGBA, and copied from there.
            (None, Some(_)) => lossy + rgba + pixels + lossless,
            (None, None) => lossy,
        };
        // A frame is decoded to a buffer of its own, and then drawn on the canvas.
        if self.is_frame { rgba + decoding.max(canvas) } else { decoding }
    }

    /// The bytes of the Huffman tables. Counting stops when they exceed `max`. `None` if image-webp
    /// fails on the codes.
    fn table_bytes(&self, max: u64) -> Option<u64> {
        let stream = if let Some(content) = self.lossless {
            // A signature, 14 bits of each side, and 4 more bits.
            let (header, stream) = content.split_first_chunk::<5>()?;
            let bits = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
            if self.sides != [1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)] {
                return None;
            }
            stream
        } else if let Some(alpha) = self.alpha {
            // The lowest two bits of the first byte are 1 if the alpha channel is compressed.
            let (first, stream) = alpha.split_first()?;
            if first & 3 != 1 {
                return Some(0);
            }
            stream
        } else {
            return Some(0);
        };
        let [width, height] = self.sides.map(|side| side as usize);
        vp8l_budget::table_bytes(stream, width, height, max)
    }
}

/// Whether a lossy frame is at most `width × height`, the size that the file's header declares.
/// RFC 6386, 9.1: three bytes of a frame tag, three of a start code, then for each side 14 bits of
/// its length and 2 of a scale.
fn frame_fits(frame: &[u8], width: u32, height: u32) -> bool {
    let side = |at: usize| {
        let bytes = frame.get(at..)?.first_chunk::<2>()?;
        Some(u32::from(u16::from_le_bytes(*bytes) & 0x3fff))
    };
    side(6).is_none_or(|side| side <= width) && side(8).is_none_or(|side| side <= height)
}

/// The name and the content of each chunk up to the end of the file. A chunk of odd length is
/// padded by a byte.
fn chunks(mut rest: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (name, length, after) = chunk_header(rest)?;
        rest = after.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some((name, up_to(length, after)))
    })
}

/// The chunks of an animation frame that image-webp takes in place of missing ones of a still
/// image. `bytes` reach from the start of the frame to the end of the file.
///
/// There are at most two. image-webp reads the name and the length of the second where the content
/// of the first begins, and its content after both headers, as if the first chunk were empty.
fn stand_ins(bytes: &[u8], frame_length: usize) -> Vec<(&[u8; 4], &[u8])> {
    let mut found = Vec::new();
    if let Some((name, length, after)) = bytes.get(FRAME_HEADER..).and_then(chunk_header) {
        found.push((name, up_to(length, after)));
        // Where the second header should be.
        let second = length.saturating_add(length % 2 + FRAME_HEADER + CHUNK_HEADER);
        let content = second.saturating_add(CHUNK_HEADER);
        if content <= frame_length
            && let Some((name, length, _)) = chunk_header(after)
        {
            found.push((name, up_to(length, bytes.get(content..).unwrap_or_default())));
        }
    }
    found
}

/// The name and the length of a chunk, and the bytes after both.
fn chunk_header(bytes: &[u8]) -> Option<(&[u8; 4], usize, &[u8])> {
    let (name, after) = bytes.split_first_chunk::<4>()?;
    let (&length, after) = after.split_first_chunk::<4>()?;
    Some((name, u32::from_le_bytes(length) as usize, after))
}

fn up_to(length: usize, bytes: &[u8]) -> &[u8] {
    &bytes[..length.min(bytes.len())]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The portrait encoded by libwebp: with all transforms and several code groups, with a
    /// palette, lossy with alpha, and animated.
    const FILES: [(&[u8], u32, std::ops::Range<u64>); 4] = [
        (include_bytes!("../../tests/webp/lossless.webp"), 96, 10_000..300_000),
        (include_bytes!("../../tests/webp/palette.webp"), 96, 1_000..50_000),
        (include_bytes!("../../tests/webp/alpha.webp"), 96, 1_000..50_000),
        (include_bytes!("../../tests/webp/animation.webp"), 64, 1_000..50_000),
    ];

    fn table_bytes(file: &[u8], side: u32, max: u64) -> Option<u64> {
        Image::find(file, [side, side])?.table_bytes(max)
    }

    #[test]
    fn tables_are_counted_as_far_as_image_webp_reads_them() {
        for (file, side, bytes) in FILES {
            let tables = table_bytes(file, side, u64::MAX).unwrap();
            assert!(bytes.contains(&tables), "{tables}");
            let limited = table_bytes(file, side, 0).unwrap();
            assert!((1..=tables).contains(&limited), "stops at the limit");
            assert!(crate::decode(file, &Limits::new(), false).is_ok());
        }
        let [(lossless, ..), ..] = FILES;
        assert_eq!(table_bytes(&lossless[..100], 96, u64::MAX), None);
    }

    fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u32).to_le_bytes();
        let padding = &[0][..content.len() % 2];
        [name, &length[..], content, padding].concat()
    }

    fn extended(flags: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
        let header = chunk(b"VP8X", &[flags, 0, 0, 0, 95, 0, 0, 95, 0, 0]);
        chunk(b"RIFF", &[b"WEBP".to_vec(), header, chunks.concat()].concat())
    }

    /// A still image without a lossless chunk takes the second chunk of an animation frame, whose
    /// header image-webp reads in the content of the first.
    #[test]
    fn a_lossless_chunk_hidden_in_a_frame_is_counted() {
        let [(lossless, ..), ..] = FILES;
        let hidden = &lossless[RIFF_HEADER..];
        let (header, content) = hidden.split_at(CHUNK_HEADER);
        let after_an_empty_chunk = [chunk(b"junk", b""), hidden.to_vec()].concat();
        let named_by_the_chunk_before = [chunk(b"junk", header), chunk(b"more", content)].concat();
        for chunks in [after_an_empty_chunk, named_by_the_chunk_before] {
            let frame = [vec![0; FRAME_HEADER], chunks].concat();
            let lossy = chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\x60\0\x60\0");
            let file = extended(0, &[lossy, chunk(b"ANMF", &frame)]);
            assert!(image::load_from_memory(&file).is_ok(), "decodes the hidden chunk");
            assert_eq!(table_bytes(&file, 96, u64::MAX), table_bytes(lossless, 96, u64::MAX));
        }
    }

    #[test]
    fn chunks_that_are_not_decoded_are_not_checked() {
        let [(lossless, ..), ..] = FILES;
        let still = lossless[RIFF_HEADER..].to_vec();
        let too_large = chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f");
        let frame = chunk(b"ANMF", &[vec![0; FRAME_HEADER], too_large].concat());
        let mut file = extended(0, &[still, frame]);
        assert!(crate::decode(&file, &Limits::new(), false).is_ok(), "a frame of a still image");
        // Past the declared length, a chunk does not exist.
        let length = file.len() as u32;
        file.extend(chunk(b"ALPH", &[1]));
        file[4..8].copy_from_slice(&(length - 8).to_le_bytes());
        assert!(crate::decode(&file, &Limits::new(), false).is_ok(), "a chunk after the end");
        // The longest length that can be declared ends where the file does.
        file.truncate(length as usize);
        file[4..8].fill(0xff);
        assert!(crate::decode(&file, &Limits::new(), false).is_ok(), "a length past the end");
    }
}
