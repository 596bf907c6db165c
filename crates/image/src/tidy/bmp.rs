//! Replaces the header of OS/2 2.x in a BMP, which `image` does not read.

use crate::ZeroizeVec;

/// Where the header begins, after the file's own.
const HEADER: usize = 14;
/// The length of the header of OS/2 2.x, and of the start that it shares with Windows' header.
const OS2_LENGTH: usize = 64;
const WINDOWS_LENGTH: usize = 40;
/// The highest compression code that both share: run lengths of 4 bits. In OS/2, 3 and 4 are
/// Huffman codes and run lengths of 24 bits.
const LAST_COMMON_COMPRESSION: u32 = 2;

/// A copy with Windows' header, for a file with the header of OS/2 2.x.
pub(super) fn tidy(file: &[u8]) -> Option<ZeroizeVec<u8>> {
    let u32_at = |at: usize| file.get(at..)?.first_chunk().map(|&bytes| u32::from_le_bytes(bytes));
    let compression = u32_at(HEADER + 16)?;
    if u32_at(HEADER)? != OS2_LENGTH as u32 || compression > LAST_COMMON_COMPRESSION {
        return None;
    }
    let pixels_at = u32_at(10)?.checked_sub((OS2_LENGTH - WINDOWS_LENGTH) as u32)?;
    let mut copy = ZeroizeVec::from(Vec::with_capacity(file.len()));
    copy.extend_from_slice(file.get(..HEADER + WINDOWS_LENGTH)?);
    copy.extend_from_slice(file.get(HEADER + OS2_LENGTH..)?);
    copy[10..14].copy_from_slice(&pixels_at.to_le_bytes());
    copy[HEADER..HEADER + 4].copy_from_slice(&(WINDOWS_LENGTH as u32).to_le_bytes());
    Some(copy)
}
