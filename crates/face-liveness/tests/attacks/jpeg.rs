//! JPEG files: many scans, many tables, many segments.

use face_liveness_test_support::photo;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use memchr::memmem;

use crate::{Bounds, attack, file, patched};

const START_OF_FRAME: &[u8] = b"\xff\xc0";
const START_OF_SCAN: &[u8] = b"\xff\xda";

fn position(file: &[u8], marker: &[u8]) -> usize {
    memmem::find(file, marker).unwrap()
}

/// The portrait, with another size in its header.
fn resized(width: u16, height: u16) -> Vec<u8> {
    let portrait = photo("astronaut.jpg");
    let at = position(&portrait, START_OF_FRAME) + 5;
    patched(portrait, at, &[height.to_be_bytes(), width.to_be_bytes()].concat())
}

/// A progressive image of one colour, with its last scan repeated.
fn with_scans(width: u16, height: u16, repetitions: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 50);
    encoder.set_progressive_scans(4);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    let pixels = vec![90; usize::from(width) * usize::from(height)];
    encoder.encode(&pixels, width, height, ColorType::Luma).unwrap();
    with_last_scan_repeated(&file, repetitions)
}

/// A file with its last scan repeated.
pub(crate) fn with_last_scan_repeated(file: &[u8], repetitions: usize) -> Vec<u8> {
    let (scans, end) = file.split_at(file.len() - 2);
    let last = &scans[memmem::rfind(scans, START_OF_SCAN).unwrap()..];
    [scans, &last.repeat(repetitions), end].concat()
}

/// A progressive image in which each block of the first component has one coefficient. Each further
/// scan refines nothing: end-of-band runs skip all blocks in a hundred bytes (ITU-T T.81, G.1.2.3).
pub(crate) fn with_empty_bands(width: u16, height: u16, components: u8, scans: usize) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        [&[0xff, marker], (content.len() as u16 + 2).to_be_bytes().as_slice(), content].concat()
    };
    // A table of one symbol, whose code has one bit.
    let table = |class: u8, symbol: u8| {
        let lengths = [vec![1], vec![0; 15]].concat();
        segment(0xc4, &[[class << 4].as_slice(), &lengths, &[symbol]].concat())
    };
    let scan = |components: u8, band: [u8; 3]| {
        let tables: Vec<u8> = (1..=components).flat_map(|id| [id, 0]).collect();
        segment(0xda, &[[components].as_slice(), &tables, &band].concat())
    };
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    let frame: Vec<u8> = (1..=components).flat_map(|id| [id, 0x11, 0]).collect();
    let [height, width] = [height, width].map(u16::to_be_bytes);
    let mut file = vec![
        vec![0xff, 0xd8],
        segment(0xdb, &[vec![0], vec![1; 64]].concat()),
        segment(0xc2, &[[8].as_slice(), &height, &width, &[components], &frame].concat()),
        // DC coefficients without a difference: one bit each.
        table(0, 0),
        scan(components, [0, 0, 0]),
        vec![0; (blocks * usize::from(components)).div_ceil(8)],
        // The first AC coefficient is -1: two bits each.
        table(1, 1),
        scan(1, [1, 1, 0]),
        vec![0; (blocks * 2).div_ceil(8)],
        table(1, 0xe0),
    ];
    // A run of 32,767 blocks: a code of one bit, and fourteen bits of length.
    let bits = "011111111111111".repeat(blocks.div_ceil(32_767));
    let bits = format!("{bits}{}", "1".repeat(8 - bits.len() % 8));
    let bytes = bits
        .as_bytes()
        .chunks(8)
        .map(|byte| u8::from_str_radix(str::from_utf8(byte).unwrap(), 2).unwrap());
    let runs: Vec<u8> =
        bytes.flat_map(|byte| if byte == 0xff { vec![byte, 0] } else { vec![byte] }).collect();
    for _ in 0..scans {
        file.extend([scan(1, [2, 63, 0x10]), runs.clone()]);
    }
    file.push(vec![0xff, 0xd9]);
    file.concat()
}

/// The same in grey, sampled 3 × 1: jpeg-decoder reads it.
fn with_empty_bands_3x1(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let file = with_empty_bands(width, height, 1, scans);
    let at = position(&file, b"\xff\xc2") + 11;
    patched(file, at, &[0x31])
}

/// A sequential image of one colour, with a scan for each component: jpeg-decoder reads it.
fn with_three_scans(width: u16, height: u16) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 50);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let pixels = [90, 120, 30].repeat(usize::from(width) * usize::from(height));
    encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
    file
}

/// A sequential image whose scans have one component each and no data.
fn with_empty_scans(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let mut file = resized(width, height);
    file.truncate(position(&file, START_OF_SCAN));
    file.extend(b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\0".repeat(scans));
    file.extend(b"\xff\xd9");
    file
}

/// A sequential image with copies of a Huffman table of one symbol before its scan.
fn with_huffman_tables(width: u16, height: u16, tables: usize) -> Vec<u8> {
    const PER_SEGMENT: usize = 3_600;
    let file = resized(width, height);
    let table = [vec![0x13, 1], vec![0; 15], vec![1]].concat();
    let length = (18 * PER_SEGMENT as u16 + 2).to_be_bytes();
    let segment = [b"\xff\xc4".as_slice(), &length, &table.repeat(PER_SEGMENT)].concat();
    let (head, scan) = file.split_at(position(&file, START_OF_SCAN));
    [head, &segment.repeat(tables / PER_SEGMENT), scan].concat()
}

/// The portrait, with parts of an extended XMP and then empty comments before its pixels.
fn with_xmp_parts(parts: u32, comments: usize) -> Vec<u8> {
    let part = |i: u32| {
        let numbers = [u32::MAX.to_be_bytes(), i.to_be_bytes()].concat();
        let name = b"http://ns.adobe.com/xmp/extension/\0";
        [b"\xff\xe1\0\x4e", name.as_slice(), &[b'0'; 32], &numbers, b"x"].concat()
    };
    let portrait = photo("astronaut.jpg");
    let (start, rest) = portrait.split_at(2);
    let parts: Vec<u8> = (0..parts).flat_map(part).collect();
    [start, &parts, &b"\xff\xfe\0\x02".repeat(comments), rest].concat()
}

#[test]
fn a_header_of_4_gigapixels() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 1.0, seconds: 0.1 };
    attack("JPEG: a header of 65,535 × 65,535", || file(&resized(65_535, 65_535)), 215, bounds);
}

#[test]
fn a_large_header_of_a_small_image() {
    let bounds = Bounds { megapixels: 50.0, megabytes: 10.0, seconds: 2.0 };
    let what = "JPEG: a header of 16,384 × 3,000 over 512 × 512";
    attack(what, || file(&resized(16_384, 3_000)), 215, bounds);
}

#[test]
fn progressive_in_20_scans() {
    let bounds = Bounds { megapixels: 50.0, megabytes: 110.0, seconds: 6.0 };
    let what = "JPEG: progressive, 16,384 × 3,000, 20 scans";
    attack(what, || file(&with_scans(16_384, 3_000, 16)), 223, bounds);
}

#[test]
fn progressive_in_30_scans() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 4.0, seconds: 0.1 };
    let what = "JPEG: progressive, 16,384 × 3,000, 30 scans";
    attack(what, || file(&with_scans(16_384, 3_000, 26)), 215, bounds);
}

#[test]
fn progressive_in_500_scans() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 4.0, seconds: 0.1 };
    let what = "JPEG: progressive, 2,048 × 1,500, 500 scans";
    attack(what, || file(&with_scans(2_048, 1_500, 500)), 215, bounds);
}

#[test]
fn empty_bands_of_greyscale() {
    let bounds = Bounds { megapixels: 50.0, megabytes: 110.0, seconds: 10.0 };
    let what = "JPEG: progressive, 16,384 × 3,050, 20 scans of empty bands";
    attack(what, || file(&with_empty_bands(16_384, 3_050, 1, 18)), 223, bounds);
}

#[test]
fn empty_bands_of_colour() {
    let bounds = Bounds { megapixels: 34.0, megabytes: 215.0, seconds: 12.0 };
    let body = || file(&with_empty_bands(16_384, 2_080, 3, 27));
    let what = "JPEG: in colour, 16,384 × 2,080, 29 scans of empty bands";
    attack(what, body, 223, bounds);
}

#[test]
fn empty_bands_of_more_colour() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 4.0, seconds: 0.1 };
    let body = || file(&with_empty_bands(16_384, 3_050, 3, 18));
    attack("JPEG: in colour, 16,384 × 3,050", body, 215, bounds);
}

#[test]
fn empty_bands_of_colour_in_95_scans() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 4.0, seconds: 0.1 };
    let body = || file(&with_empty_bands(16_384, 2_080, 3, 93));
    attack("JPEG: in colour, 16,384 × 2,080, 95 scans", body, 215, bounds);
}

#[test]
fn empty_bands_of_an_uncommon_kind() {
    let bounds = Bounds { megapixels: 39.2, megabytes: 200.0, seconds: 30.0 };
    let what = "JPEG: progressive, sampled 3 × 1, 16,384 × 2,390, 25 scans of empty bands";
    attack(what, || file(&with_empty_bands_3x1(16_384, 2_390, 23)), 223, bounds);
}

#[test]
fn three_scans() {
    let bounds = Bounds { megapixels: 40.9, megabytes: 200.0, seconds: 15.0 };
    let what = "JPEG: sequential, 16,384 × 2,496, a scan for each component";
    attack(what, || file(&with_three_scans(16_384, 2_496)), 223, bounds);
}

#[test]
fn scans_without_data() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 6.0, seconds: 0.1 };
    let body = || file(&with_empty_scans(16_384, 3_050, 300_000));
    attack("JPEG: sequential, 300,000 empty scans", body, 215, bounds);
}

#[test]
fn huffman_tables() {
    let bounds = Bounds { megapixels: 50.0, megabytes: 20.0, seconds: 8.0 };
    let body = || file(&with_huffman_tables(16_384, 3_050, 200_000));
    attack("JPEG: 200,000 Huffman tables", body, 215, bounds);
}

#[test]
fn xmp_parts() {
    let bounds = Bounds { megapixels: 0.3, megabytes: 20.0, seconds: 0.5 };
    let body = || file(&with_xmp_parts(20_000, 470_000));
    attack("JPEG: 20,000 parts of XMP, 470,000 comments", body, 200, bounds);
}
