//! Bounds the extended XMP segments of a JPEG.
//!
//! At every marker, zune-jpeg searches all extended XMP segments that it has read so far. A file
//! with many of them takes minutes.

use memchr::memmem;

/// What each extended XMP segment begins with.
const SIGNATURE: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// A file of 5 MB whose XMP fills its segments has 80.
const MAX_SEGMENTS: usize = 100;

/// Whether the file has few enough extended XMP segments to be decoded.
pub(crate) fn fits(file: &[u8]) -> bool {
    memmem::find_iter(file, SIGNATURE).nth(MAX_SEGMENTS).is_none()
}
