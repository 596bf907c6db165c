//! Lets zune-jpeg notice that the scan of a sequential JPEG ends before its image does.
//!
//! After a marker, zune-jpeg reads zeros, which decode as valid codes: a photo that is cut off and
//! then ended by a marker decodes to one colour where data is missing. A code of ones alone is not
//! allowed (ITU-T T.81, C): with ones after the data of the scan, zune-jpeg fails where it would
//! read on.
//!
//! Progressive files are left alone. zune-jpeg expects a marker directly after their first scan.
//!
//! The report to file: `docs/upstream/zune-jpeg-wrong-pixels.md`.

use crate::ZeroizeVec;
use crate::jpeg_segments::{
    self as segments, RESTART_INTERVAL, entropy_coded_length, length_to_any_marker,
};

/// 64 ones: longer than the longest code, its longest value and one more code together.
const ONES: [u8; 16] = *b"\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0";

/// A copy of a sequential file with ones where the data of its scan ends: at a restart marker, if
/// the file has no restart interval.
pub(crate) fn with_ones(file: &[u8]) -> Option<ZeroizeVec<u8>> {
    let (mut data, mut has_restarts) = (None, false);
    for segment in segments::of_headers(file) {
        if segment.marker == RESTART_INTERVAL {
            has_restarts = segment.content() != [0, 0];
        }
        data = Some(segment.after);
    }
    let data = data?;
    let length = if has_restarts { entropy_coded_length(data) } else { length_to_any_marker(data) };
    let (before, after) = file.split_at(file.len() - data.len() + length);
    let mut copy = ZeroizeVec::from(Vec::with_capacity(file.len() + ONES.len()));
    copy.extend_from_slice(before);
    copy.extend_from_slice(&ONES);
    copy.extend_from_slice(after);
    Some(copy)
}
