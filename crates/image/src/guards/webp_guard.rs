//! What a WebP says of its sizes and codes, before image-webp takes memory for them.

use super::vp8l_budget;

/// The Exif, without the `Exif\0\0` of JPEG that many writers put before it: the format has no place for it, and kamadak-exif finds no
/// Exif behind it. image-webp would take as much memory as the file says that it has.
pub(crate) fn exif(file: &[u8]) -> Option<&[u8]> {
    let (_, exif) = chunks(after_head(file)).find(|(name, _)| name == b"EXIF")?;
    Some(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))
}

/// Whether every lossy frame is at most `width × height`, the size that the file's head says.
///
/// A file has a size in its head and one in each frame. image-webp compares them once it has taken the frame's memory: 400 MB for a
/// file of 30 bytes.
pub(crate) fn frames_fit(file: &[u8], width: u32, height: u32) -> bool {
    chunks(after_head(file)).all(|(name, content)| match &name {
        b"VP8 " => fits(content, width, height),
        b"ANMF" => chunks(content.get(FRAME_HEAD..).unwrap_or_default())
            .all(|(name, content)| name != *b"VP8 " || fits(content, width, height)),
        _ => true,
    })
}

/// The bytes of tables that image-webp makes of the codes in a picture of this size, at most: none of its parts has over `most`, or
/// it is the first that has. `None` where image-webp fails too.
pub(crate) fn table_bytes(file: &[u8], width: u32, height: u32, most: u64) -> Option<u64> {
    // image-webp reads the first of each kind.
    let first = |kind| chunks(after_head(file)).find(|(name, _)| *name == kind);
    let of_still =
        |kind| first(kind).map_or(Some(0), |chunk| of_chunk(chunk, [width, height], most));
    let of_frame = first(*b"ANMF").map_or(Some(0), |(_, frame)| {
        let head = frame.first_chunk::<FRAME_HEAD>()?;
        let side = |at: usize| 1 + u32::from_le_bytes([head[at], head[at + 1], head[at + 2], 0]);
        let sides = [side(6), side(9)];
        let chunk = chunks(&frame[FRAME_HEAD..]).next()?;
        if sides[0] > width || sides[1] > height { None } else { of_chunk(chunk, sides, most) }
    });
    Some(of_still(*b"VP8L")? + of_still(*b"ALPH")? + of_frame?)
}

fn of_chunk((name, content): ([u8; 4], &[u8]), sides: [u32; 2], most: u64) -> Option<u64> {
    let stream = match &name {
        // A signature, twice 14 bits of a side, and 4 bits.
        b"VP8L" => {
            let (head, stream) = content.split_first_chunk::<5>()?;
            let said = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
            if sides != [1 + (said & 0x3fff), 1 + (said >> 14 & 0x3fff)] {
                return None;
            }
            stream
        }
        // Two bits of the first byte say whether it is compressed.
        b"ALPH" if content.first()? & 3 == 1 => &content[1..],
        _ => return Some(0),
    };
    let [width, height] = sides.map(|side| side as usize);
    vp8l_budget::table_bytes(stream, width, height, most)
}

/// What a frame of an animation begins with: its place, its size, its length in time.
const FRAME_HEAD: usize = 16;

/// "RIFF", length, "WEBP".
fn after_head(file: &[u8]) -> &[u8] {
    file.get(12..).unwrap_or_default()
}

/// Name and content of each chunk, as far as there are any. Chunks of odd length have a byte of padding.
fn chunks(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (&name, after) = rest.split_first_chunk::<4>()?;
        let (&length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(length) as usize;
        let content = &after[..length.min(after.len())];
        rest = after.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some((name, content))
    })
}

/// RFC 6386, 9.1: three bytes of a frame tag, three of a start code, then twice 14 bits of a side and 2 of a scale.
fn fits(frame: &[u8], width: u32, height: u32) -> bool {
    let side = |at: usize| {
        let bytes = frame.get(at..)?.first_chunk::<2>()?;
        Some(u32::from(u16::from_le_bytes(*bytes) & 0x3fff))
    };
    side(6).is_none_or(|side| side <= width) && side(8).is_none_or(|side| side <= height)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::table_bytes;

    /// The portrait by libwebp: with all transforms and groups of codes, of few colours, of two parts, of two frames.
    const FILES: [(&[u8], u32, std::ops::Range<u64>); 4] = [
        (include_bytes!("../../tests/webp/lossless.webp"), 96, 10_000..300_000),
        (include_bytes!("../../tests/webp/palette.webp"), 96, 1_000..50_000),
        (include_bytes!("../../tests/webp/alpha.webp"), 96, 1_000..50_000),
        (include_bytes!("../../tests/webp/animation.webp"), 64, 1_000..50_000),
    ];

    #[test]
    fn codes_are_read_as_far_as_image_webp_reads_them() {
        for (file, side, bytes) in FILES {
            let tables = table_bytes(file, side, side, u64::MAX).unwrap();
            assert!(bytes.contains(&tables), "{tables}");
            let at_most = table_bytes(file, side, side, 0).unwrap();
            assert!((1..=tables).contains(&at_most), "stops where it is too much");
            assert!(crate::decode(file, &crate::Limits::default(), false).is_ok());
        }
        let [(lossless, ..), ..] = FILES;
        assert_eq!(table_bytes(&lossless[..100], 96, 96, u64::MAX), None);
    }
}
