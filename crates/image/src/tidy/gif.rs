//! Renames the unknown extensions before the first frame of a GIF, which the `gif` crate refuses.

use crate::ZeroizeVec;

/// "GIF89a", the size and the colours of the screen.
const SCREEN_END: usize = 13;
const EXTENSION: u8 = 0x21;
/// The extensions of GIF89a: plain text, graphic control, comment, application.
const KNOWN: [u8; 4] = [0x01, 0xf9, COMMENT, 0xff];
const COMMENT: u8 = 0xfe;

/// A copy in which unknown extensions are comments.
pub(super) fn tidy(file: &[u8]) -> Option<ZeroizeVec<u8>> {
    let flags = *file.get(SCREEN_END - 3)?;
    let palette = if flags & 0x80 != 0 { 3 << ((flags & 7) + 1) } else { 0 };
    let mut at = SCREEN_END + palette;
    let mut copy: Option<ZeroizeVec<u8>> = None;
    while let Some(&[EXTENSION, label, ..]) = file.get(at..) {
        if !KNOWN.contains(&label) {
            copy.get_or_insert_with(|| file.to_vec().into())[at + 1] = COMMENT;
        }
        at += 2;
        // Blocks with their lengths, the last one empty.
        while let Some(&length @ 1..) = file.get(at) {
            at += 1 + usize::from(length);
        }
        at += 1;
    }
    copy
}
