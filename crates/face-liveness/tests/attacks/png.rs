//! PNG files: small files of large images, and large chunks.

use std::io::Write;

use face_liveness_test_support::PORTRAIT;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use png::{BitDepth, ColorType, Encoder};

use crate::{Bounds, attack, file};

/// A PNG of one colour: a few kilobytes whatever its size.
pub(crate) fn flat(width: u32, height: u32, colour: ColorType, depth: BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::High);
    let row = vec![0; width as usize * colour.samples() * depth as usize / 8];
    let mut writer = encoder.write_header().unwrap();
    let mut pixels = writer.stream_writer().unwrap();
    for _ in 0..height {
        pixels.write_all(&row).unwrap();
    }
    pixels.finish().unwrap();
    writer.finish().unwrap();
    file
}

/// The portrait, with copies of a chunk before its pixels.
pub(crate) fn with_chunks(kind: &[u8; 4], data: &[u8], copies: usize) -> Vec<u8> {
    let rgb = PORTRAIT.to_rgb8();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 512, 512);
    encoder.set_color(ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    for _ in 0..copies {
        writer.write_chunk(png::chunk::ChunkType(*kind), data).unwrap();
    }
    writer.write_image_data(&rgb).unwrap();
    writer.finish().unwrap();
    file
}

/// 2 GB of zeros, which deflate shrinks to a thousandth.
fn compressed_zeros() -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(b"a\0\0".to_vec(), Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..2_048 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn large() {
    let body = || file(&flat(16_384, 3_050, ColorType::Rgb, BitDepth::Eight));
    let bounds = Bounds { megapixels: 50.0, megabytes: 75.0, seconds: 4.0 };
    attack("PNG: 50 megapixels of one colour", body, 223, bounds);
}

#[test]
fn large_16_bit() {
    let body = || file(&flat(16_384, 3_050, ColorType::Rgb, BitDepth::Sixteen));
    let bounds = Bounds { megapixels: 50.0, megabytes: 75.0, seconds: 8.0 };
    attack("PNG: the same with 16 bits a sample", body, 223, bounds);
}

#[test]
fn large_16_bit_with_alpha() {
    let body = || file(&flat(16_384, 3_050, ColorType::Rgba, BitDepth::Sixteen));
    let bounds = Bounds { megapixels: 50.0, megabytes: 75.0, seconds: 12.0 };
    attack("PNG: the same with 16 bits a sample and alpha", body, 223, bounds);
}

#[test]
fn a_side_past_the_limit() {
    let body = || file(&flat(16_385, 8, ColorType::Rgb, BitDepth::Eight));
    let bounds = Bounds { megapixels: 0.0, megabytes: 1.0, seconds: 0.1 };
    attack("PNG: a side past the limit", body, 215, bounds);
}

#[test]
fn compressed_text() {
    let body = || file(&with_chunks(b"zTXt", &compressed_zeros(), 1));
    let bounds = Bounds { megapixels: 0.3, megabytes: 12.0, seconds: 0.5 };
    attack("PNG: a text of 2 GB of zeros", body, 200, bounds);
}

#[test]
fn compressed_colour_profile() {
    let body = || file(&with_chunks(b"iCCP", &compressed_zeros(), 1));
    let bounds = Bounds { megapixels: 0.3, megabytes: 40.0, seconds: 0.5 };
    attack("PNG: a colour profile of 2 GB of zeros", body, 200, bounds);
}

#[test]
fn many_texts() {
    let body = || file(&with_chunks(b"tEXt", b"a\0b", 200_000));
    let bounds = Bounds { megapixels: 0.3, megabytes: 35.0, seconds: 0.8 };
    attack("PNG: 200,000 texts", body, 200, bounds);
}
