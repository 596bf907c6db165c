//! Finds scans that have lost restart markers.
//!
//! If a file declares a restart interval and lacks restart markers, zune-jpeg continues without an
//! error, and the rest of the picture is wrong.
//!
//! The report to file: `docs/upstream/zune-jpeg-wrong-pixels.md`.

use super::jpeg_frame::Headers;
use crate::jpeg_segments::{
    self as segments, RESTART_INTERVAL, SCAN, entropy_coded_length, length_to_any_marker,
};

/// Whether one of the first `scans` scans has fewer restart markers than its restart interval
/// demands.
pub(crate) fn are_missing(file: &[u8], headers: &Headers, scans: usize) -> bool {
    let mut interval = 0;
    let mut rest = file.get(2..).unwrap_or_default();
    for _ in 0..scans {
        let mut data = None;
        for segment in segments::up_to_scan(rest) {
            match (segment.marker, segment.content()) {
                (RESTART_INTERVAL, &[high, low, ..]) => interval = u16::from_be_bytes([high, low]),
                (SCAN, header) => data = Some((headers.units(header), segment.after)),
                _ => {}
            }
        }
        let Some((units, data)) = data else { return false };
        let (data, after) = data.split_at(entropy_coded_length(data));
        if interval > 0 && restarts(data) < units.saturating_sub(1) / u64::from(interval) {
            return true;
        }
        rest = after;
    }
    false
}

/// The number of restart markers in the data of a scan.
fn restarts(mut data: &[u8]) -> u64 {
    let mut count = 0;
    loop {
        data = &data[length_to_any_marker(data)..];
        if data.len() < 2 {
            return count;
        }
        count += 1;
        data = &data[2..];
    }
}
