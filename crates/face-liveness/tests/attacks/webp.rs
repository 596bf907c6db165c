//! WebP files: sizes that disagree, and Huffman tables.

use image::ExtendedColorType;
use image::codecs::webp::WebPEncoder;

use crate::{Bounds, attack, auto_rotated, file, patched};

/// The frame's header claims more pixels than the file's, and no pixels follow.
const TWO_SIZES: &[u8] = b"RIFF\x28\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\0\0\x7f\0\0\
    VP8 \x0a\0\0\0\xb0\x33\0\x9d\x01\x2a\xff\x3f\xff\x3f";

/// An image of one colour.
fn flat(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let pixels = vec![90; width as usize * height as usize * 3];
    let encoder = WebPEncoder::new_lossless(&mut file);
    encoder.encode(&pixels, width, height, ExtendedColorType::Rgb8).unwrap();
    file
}

fn with_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = content.len() as u32;
    [b"RIFF", &(length + 12).to_le_bytes(), b"WEBP", name, &length.to_le_bytes(), content].concat()
}

/// A lossless image of 64 × 64 pixels with 65,536 groups of Huffman codes. One code of each group
/// has 2,048 symbols of 11 bits.
fn with_code_groups() -> Vec<u8> {
    // Values and their number of bits, the lowest bit first.
    let one_symbol = [(0b0001, 4)].as_slice();
    let symbol_255 = [(0b101, 3), (255, 8)].as_slice();
    // Fifteen code lengths of which only 11 is used; then 2,048 symbols of that length.
    let long = [(0, 1), (11, 4), (0, 42), (1, 3), (1, 1), (5, 3), (2_046, 12)].as_slice();
    let head = [(0x2f, 8), (63, 14), (63, 14), (0, 4)].as_slice();
    // No transforms; a cache of 2,048 colours; groups for blocks of 4 × 4 pixels; their numbers.
    let start = [(0, 1), (1, 1), (11, 4), (1, 1), (0, 3), (0, 1)].as_slice();
    let numbers = [symbol_255, symbol_255, one_symbol, one_symbol, one_symbol].concat();
    let group = [long, one_symbol, one_symbol, one_symbol, one_symbol].concat();
    let fields = [head, start, &numbers, &group.repeat(65_536)].concat();
    let bits: Vec<u8> = fields
        .iter()
        .flat_map(|&(value, bits)| (0..bits).map(move |i| (value >> i & 1) as u8))
        .collect();
    let bytes = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |value, bit| value << 1 | bit));
    with_chunk(b"VP8L", &bytes.collect::<Vec<_>>())
}

/// 128 × 128 pixels, and an Exif chunk that claims 4 GB and has no content.
fn with_long_exif() -> Vec<u8> {
    let mut file = with_chunk(b"VP8X", &[8, 0, 0, 0, 127, 0, 0, 127, 0, 0]);
    file.extend_from_slice(&flat(128, 128)[12..]);
    file.extend_from_slice(b"EXIF\xf0\xff\xff\xff");
    let length = (file.len() as u32 - 8).to_le_bytes();
    patched(file, 4, &length)
}

#[test]
fn a_frame_larger_than_its_file() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 1.0, seconds: 0.1 };
    let what = "WebP: a frame of 16,383 × 16,383 in a file of 128 × 128";
    attack(what, || file(TWO_SIZES), 215, bounds);
}

#[test]
fn large() {
    let bounds = Bounds { megapixels: 39.8, megabytes: 170.0, seconds: 6.0 };
    attack("WebP: 40 megapixels of one colour", || file(&flat(16_383, 2_430)), 223, bounds);
}

#[test]
fn too_large() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 2.0, seconds: 0.3 };
    attack("WebP: 50 megapixels of one colour", || file(&flat(16_383, 3_050)), 215, bounds);
}

#[test]
fn many_groups_of_codes() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 2.0, seconds: 0.3 };
    let what = "WebP: 65,536 groups of Huffman codes for 64 × 64 pixels";
    attack(what, || file(&with_code_groups()), 215, bounds);
}

#[test]
fn a_long_exif_chunk() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 3.0, seconds: 0.2 };
    attack("WebP: an Exif chunk that claims 4 GB", || auto_rotated(&with_long_exif()), 223, bounds);
}
