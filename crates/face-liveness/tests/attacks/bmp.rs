//! A bitmap whose run-length encoding ends at once.

use crate::{Bounds, attack, file};

/// A bitmap of 256 colours whose header claims a size, and whose pixels end at once.
fn empty(width: u32, height: u32) -> Vec<u8> {
    let words =
        |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let pixels_at = 54 + 256 * 4;
    let head = [
        b"BM".to_vec(),
        words(&[pixels_at + 2, 0, pixels_at, 40, width, height, 8 << 16 | 1, 1, 2, 0, 0, 256, 0]),
    ];
    [head.concat(), vec![128; 256 * 4], vec![0, 1]].concat()
}

#[test]
fn empty_run_lengths() {
    let bounds = Bounds { megapixels: 50.0, megabytes: 75.0, seconds: 4.0 };
    attack("BMP: 16,384 × 3,050 without pixels", || file(&empty(16_384, 3_050)), 223, bounds);
}
