//! What a WebP's lossy frames say of their size, before image-webp takes memory for it.

/// Whether every lossy frame is at most `width × height`, the size that the file's head says.
///
/// A file has a size in its head and one in each frame. image-webp compares them once it has taken the frame's memory: 400 MB for a
/// file of 30 bytes.
pub(crate) fn frames_fit(file: &[u8], width: u32, height: u32) -> bool {
    // "RIFF", length, "WEBP".
    chunks(file.get(12..).unwrap_or_default()).all(|(name, content)| match &name {
        b"VP8 " => fits(content, width, height),
        // A frame of an animation: its place and length in time, then chunks.
        b"ANMF" => chunks(content.get(16..).unwrap_or_default())
            .all(|(name, content)| name != *b"VP8 " || fits(content, width, height)),
        _ => true,
    })
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
