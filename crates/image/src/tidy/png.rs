//! Ends a PNG that was cut off after its pixels. The crate png reads on until the next chunk.

use crate::ZeroizeVec;
use crate::png_chunks::{SIGNATURE, chunks};

const END: [u8; 12] = *b"\0\0\0\0IEND\xaeB`\x82";

/// A copy that ends after its last whole chunk, for a file without an end. It decodes only if its
/// pixels are complete.
pub(super) fn tidy(file: &[u8]) -> Option<ZeroizeVec<u8>> {
    let mut length = SIGNATURE;
    for chunk in chunks(file) {
        if chunk.name == b"IEND" {
            return None;
        }
        length += chunk.length();
    }
    let mut copy = ZeroizeVec::from(Vec::with_capacity(length + END.len()));
    copy.extend_from_slice(file.get(..length)?);
    copy.extend_from_slice(&END);
    Some(copy)
}
