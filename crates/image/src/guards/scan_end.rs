//! Lets the decoders notice that a scan of a sequential JPEG ends before its image does.
//!
//! After a marker, they read zeros, which decode as valid codes: a photo that is cut off and then
//! ended by a marker decodes to one colour where data is missing. A code of ones alone is not
//! allowed (ITU-T T.81, C): with ones after the data of each scan, a decoder fails where it would
//! read on.
//!
//! Progressive files are left alone. zune-jpeg expects a marker directly after their first scan.
//!
//! The report to file: `docs/upstream/zune-jpeg-wrong-pixels.md`.

use crate::ZeroizeVec;
use crate::jpeg_segments::{
    self as segments, RESTART_INTERVAL, entropy_coded_length, length_to_any_marker,
};

const END: [u8; 2] = *b"\xff\xd9";

/// 64 ones: longer than the longest code, its longest value and one more code together.
const ONES: [u8; 16] = *b"\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0";

/// A copy of a sequential file with ones where the data of each of its first `scans` scans ends: at
/// a restart marker, if the file has no restart interval. The copy ends there, with EOI:
/// jpeg-decoder insists on it, and would decode any number of scans after those of all components.
pub(crate) fn with_ones(file: &[u8], scans: usize) -> Option<ZeroizeVec<u8>> {
    let capacity = file.len() + scans * ONES.len() + END.len();
    let mut copy = ZeroizeVec::from(Vec::with_capacity(capacity));
    let (start, mut rest) = file.split_at_checked(2)?;
    copy.extend_from_slice(start);
    let mut has_restarts = false;
    for _ in 0..scans {
        let mut data = None;
        for segment in segments::up_to_scan(rest) {
            if segment.marker == RESTART_INTERVAL {
                has_restarts = segment.content() != [0, 0];
            }
            data = Some(segment.after);
        }
        let data = data?;
        let length =
            if has_restarts { entropy_coded_length(data) } else { length_to_any_marker(data) };
        let (scan, after) = rest.split_at(rest.len() - data.len() + length);
        // Any number of FF may precede the marker. One before a zero would be data.
        let fill_bytes = scan.iter().rev().take_while(|&&byte| byte == 0xff).count();
        copy.extend_from_slice(&scan[..scan.len() - fill_bytes]);
        copy.extend_from_slice(&ONES);
        rest = after;
    }
    copy.extend_from_slice(&END);
    Some(copy)
}
