//! Counts the scans of a JPEG before zune-jpeg decodes them.
//!
//! A scan of a hundred bytes may cover the whole image, which takes zune-jpeg 0.08 s at 50
//! megapixels. A file of 3.3 MB with 300,000 scans took 182 s. zune-jpeg has a limit on the number
//! of scans, but only for progressive files.
//!
//! The report to file: `docs/upstream/zune-jpeg-scans.md`.

use crate::jpeg_segments::{SCAN, Segment, entropy_coded_length};

const SEQUENTIAL: std::ops::RangeInclusive<u8> = 0xc0..=0xc1;
const PROGRESSIVE: u8 = 0xc2;
const END: u8 = 0xd9;

/// The number of scans; `None` for a file with a malformed segment, after which zune-jpeg
/// may read on. In a sequential file, a scan of all components is the last.
pub(crate) fn count(file: &[u8]) -> Option<usize> {
    let mut scans = 0;
    let mut components = None;
    let mut rest = file.get(2..)?;
    while rest.len() > 1 && !is_end(rest) {
        let segment = Segment::read(rest)?;
        rest = segment.after;
        if SEQUENTIAL.contains(&segment.marker) {
            components = segment.content().get(5);
        }
        if segment.marker == PROGRESSIVE {
            components = None;
        }
        if segment.marker == SCAN {
            scans += 1;
            if components.is_some() && segment.content().first() == components {
                break;
            }
            rest = &rest[entropy_coded_length(rest)..];
        }
    }
    Some(scans)
}

/// Whether the file ends here. Any number of `FF` may precede a marker.
fn is_end(rest: &[u8]) -> bool {
    rest[0] == 0xff && rest.iter().find(|&&byte| byte != 0xff) == Some(&END)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counts_scans_and_nothing_inside_segments_and_codes() {
        let start = b"\xff\xd8\xff\xe1\0\x06\xff\xda\xff\xda";
        let frame = |marker, components| [0xff, marker, 0, 8, 8, 0, 1, 0, 1, components];
        let scan = b"\xff\xda\0\x03\x01codes\xff\0\xff\xd3\xda";
        let file =
            |frame: [u8; 10]| [start, frame.as_slice(), scan, scan, b"\xff\xd9", scan].concat();
        assert_eq!(count(&file(frame(0xc2, 1))), Some(2));
        assert_eq!(count(&file(frame(0xc0, 3))), Some(2));
        assert_eq!(count(&file(frame(0xc0, 1))), Some(1));
        assert_eq!(count(&[]), None);
    }

    #[test]
    fn a_stray_byte_or_a_marker_without_a_segment_is_malformed() {
        let comment = b"\xff\xfe\0\x03c";
        for between in [&b""[..], b"\xff"] {
            let file = [&b"\xff\xd8"[..], comment, between, comment, b"\xff\xd9"].concat();
            assert_eq!(count(&file), Some(0), "{between:?}");
        }
        for between in [&b"\0"[..], b"\xff\0", b"\xff\xd0", b"\xff\x01"] {
            let file = [&b"\xff\xd8"[..], comment, between, comment, b"\xff\xd9"].concat();
            assert_eq!(count(&file), None, "{between:?}");
        }
    }
}
