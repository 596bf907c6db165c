//! Exif whose entries all point to the same bytes.

use crate::{Bounds, attack, auto_rotated, png};

/// A directory of entries that each claim 60,000 bytes from the start.
fn with_entries(entries: u16) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0".to_vec();
    exif.extend_from_slice(&entries.to_le_bytes());
    for tag in 0..entries {
        exif.extend_from_slice(&tag.to_le_bytes());
        // Type UNDEFINED, 60,000 values, offset 0.
        exif.extend_from_slice(&[7, 0, 0x60, 0xea, 0, 0, 0, 0, 0, 0]);
    }
    exif.resize(65_000, 0);
    exif
}

#[test]
fn many_long_entries() {
    let body = || auto_rotated(&png::with_chunks(b"eXIf", &with_entries(5_400), 1));
    let bounds = Bounds { megapixels: 0.3, megabytes: 5.0, seconds: 0.5 };
    attack("Exif: 5,400 entries of 60,000 bytes", body, 200, bounds);
}
