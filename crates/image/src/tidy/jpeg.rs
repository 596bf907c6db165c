//! Removes the parts of a JPEG's headers that libjpeg skips and zune-jpeg does not, and adds the
//! Huffman tables that libjpeg takes for granted.
//!
//! - Stray bytes and markers without a segment before the first scan: zune-jpeg takes them for
//!   segments, or refuses them.
//! - Adobe's segment if it is too short, or if libjpeg ignores it and reads YCbCr.
//! - Extended XMP: zune-jpeg searches all its segments at each further marker (since
//!   etemesi254/zune-image#364). A file of 3.5 MB with 20,000 of them and 470,000 comments took
//!   45 s. The report to file: `docs/upstream/zune-jpeg-extended-xmp.md`.

use super::standard_tables::STANDARD_TABLES;
use crate::ZeroizeVec;
use crate::guards::jpeg_frame::{Headers, adobe_transform};
use crate::jpeg_segments::{
    self as segments, APP0, APP1, APP14, APP15, COMMENT, HUFFMAN_TABLES, SCAN, Segment,
};

/// A copy of the file that decoders read as libjpeg reads the file, without application data and
/// comments. `None` where no copy is needed.
pub(crate) fn tidy(file: &[u8], headers: &Headers) -> Option<ZeroizeVec<u8>> {
    let is_misread = |segment: Segment<'_>| {
        segment.follows_stray_bytes
            || match segment.marker {
                APP1 => segment.content().starts_with(b"http://ns.adobe.com/xmp/extension/\0"),
                APP14 => segment.content().starts_with(b"Adobe") && !is_needed(&segment, headers),
                _ => false,
            }
    };
    // As libjpeg-turbo, which fills in the tables of sequential files alone.
    let lacks_tables = headers.is_sequential
        && segments::of_headers(file).all(|segment| segment.marker != HUFFMAN_TABLES);
    if !lacks_tables && !segments::of_headers(file).any(is_misread) {
        return None;
    }
    let mut copy = ZeroizeVec::from(Vec::with_capacity(file.len() + STANDARD_TABLES.len()));
    copy.extend_from_slice(b"\xff\xd8");
    if lacks_tables {
        copy.extend_from_slice(&STANDARD_TABLES);
    }
    for segment in segments::of_headers(file).filter(|segment| is_needed(segment, headers)) {
        copy.extend_from_slice(segment.bytes);
        if segment.marker == SCAN {
            copy.extend_from_slice(segment.after);
        }
    }
    Some(copy)
}

/// Whether the pixels depend on a segment.
fn is_needed(segment: &Segment<'_>, headers: &Headers) -> bool {
    match segment.marker {
        APP14 => !headers.overrules_adobe() && adobe_transform(segment.content()).is_some(),
        APP0..=APP15 | COMMENT => false,
        _ => true,
    }
}
