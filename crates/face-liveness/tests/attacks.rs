//! Requests that are made to cost much: what each answers, and how much memory it takes beside the picture. The times are printed
//! (`cargo test --release --test attacks -- --nocapture`), not asserted.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::time::Instant;

use image::codecs::gif::GifEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, Rgba, RgbaImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};
use support::*;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The frame says more than the head, and holds nothing.
const WEBP_OF_TWO_SIZES: &[u8] = b"RIFF\x28\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\0\0\x7f\0\0\
    VP8 \x0a\0\0\0\xb0\x33\0\x9d\x01\x2a\xff\x3f\xff\x3f";

/// What a request may take beside the body and the decoded picture.
const MEGABYTES: f32 = 300.0;

fn file(bytes: &[u8]) -> Vec<u8> {
    request([image(0, base64(bytes))]).to_string().into_bytes()
}

fn rotated(bytes: &[u8]) -> Vec<u8> {
    json!({ "images": [image(0, base64(bytes))], "autoRotate": true }).to_string().into_bytes()
}

/// A PNG of one colour: some kilobytes for as many pixels as one likes.
fn flat_png(width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::High);
    let row = vec![0; width as usize * colour.samples() * depth as usize / 8];
    let mut writer = encoder.write_header().unwrap();
    let mut pixels = writer.stream_writer().unwrap();
    for _ in 0..height {
        std::io::Write::write_all(&mut pixels, &row).unwrap();
    }
    pixels.finish().unwrap();
    writer.finish().unwrap();
    file
}

/// A portrait with that chunk in front of its pixels.
fn png_with_chunk(kind: &[u8; 4], data: &[u8], times: usize) -> Vec<u8> {
    let rgb = PORTRAIT.to_rgb8();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 512, 512);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    for _ in 0..times {
        writer.write_chunk(png::chunk::ChunkType(*kind), data).unwrap();
    }
    writer.write_image_data(&rgb).unwrap();
    writer.finish().unwrap();
    file
}

/// A thousand to one, as deflate shrinks zeros.
fn deflated_zeros(length: usize) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..length >> 20 {
        std::io::Write::write_all(&mut encoder, &zeros).unwrap();
    }
    encoder.finish().unwrap()
}

fn gif(frames: usize, width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut file, 30);
    let frame = RgbaImage::from_pixel(width, height, Rgba([90, 90, 90, 255]));
    encoder.encode_frames((0..frames).map(|_| image::Frame::new(frame.clone()))).unwrap();
    drop(encoder);
    file
}

/// A progressive JPEG of one colour whose scans after the first are there so many times.
fn jpeg_of_scans(width: u16, height: u16, times: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 50);
    encoder.set_progressive_scans(4);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    let pixels = vec![90; usize::from(width) * usize::from(height)];
    encoder.encode(&pixels, width, height, ColorType::Luma).unwrap();
    let scans: Vec<_> = memchr::memmem::find_iter(&file, b"\xff\xda").collect();
    let last = file[*scans.last().unwrap()..file.len() - 2].to_vec();
    let end = file.split_off(file.len() - 2);
    for _ in 0..times {
        file.extend_from_slice(&last);
    }
    file.extend(end);
    file
}

/// Exif whose directory has as many entries as fit, each of which points at all of it.
fn exif_of_entries(entries: u16) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0".to_vec();
    exif.extend_from_slice(&entries.to_le_bytes());
    for tag in 0..entries {
        // UNDEFINED, 60,000 bytes from the start.
        exif.extend_from_slice(&tag.to_le_bytes());
        exif.extend_from_slice(&[7, 0, 0x60, 0xea, 0, 0, 0, 0, 0, 0]);
    }
    exif.resize(65_000, 0);
    exif
}

fn header(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

#[test]
fn no_request_costs_more_than_it_may() {
    let webp = |width, height| {
        let mut file = Vec::new();
        let pixels = vec![90; width as usize * height as usize * 3];
        WebPEncoder::new_lossless(&mut file).encode(&pixels, width, height, ExtendedColorType::Rgb8).unwrap();
        file
    };
    let portrait = photo("astronaut.jpg");
    let jpeg_size = memchr::memmem::find(&portrait, b"\xff\xc0").unwrap() + 5;
    let entries = |entry: &str, bytes: usize| {
        let images = vec![entry; bytes / (entry.len() + 1)].join(",");
        format!(r#"{{"images":[{images}]}}"#).into_bytes()
    };
    // What it is, the body, the megapixels that it may decode, the code (0: a response).
    let attacks: Vec<(&str, Vec<u8>, f32, u64)> = vec![
        ("JSON: 1,000,000 arrays in each other", vec![b'['; 1_000_000], 0.0, 112),
        (
            "JSON: 800,000 unknown objects in each other",
            [br#"{"a":"#.repeat(800_000), b"1".to_vec()].concat(),
            0.0,
            112,
        ),
        ("JSON: 400,000 images", entries(r#"{"index":1}"#, 4_900_000), 0.0, 116),
        ("JSON: 1,600,000 images that are none", entries("{}", 4_900_000), 0.0, 110),
        ("JSON: 4.9 MB of commas", entries("", 4_900_000), 0.0, 112),
        (
            "base64: 4.9 MB of white space",
            request([image(0, " ".repeat(4_900_000))]).to_string().into_bytes(),
            0.0,
            112,
        ),
        (
            "base64: a letter on every second place",
            request([image(0, "A ".repeat(2_400_000))]).to_string().into_bytes(),
            0.0,
            215,
        ),
        (
            "base64: escapes only",
            format!(r#"{{"images":[{{"index":0,"type":"RGB","data":"{}"}}]}}"#, r"\u0041".repeat(800_000))
                .into_bytes(),
            0.0,
            215,
        ),
        (
            "PNG: 50 megapixels of one colour",
            file(&flat_png(16_384, 3_050, png::ColorType::Rgb, png::BitDepth::Eight)),
            50.0,
            223,
        ),
        (
            "PNG: the same of 16 bits and alpha",
            file(&flat_png(16_384, 3_050, png::ColorType::Rgba, png::BitDepth::Sixteen)),
            50.0,
            215,
        ),
        (
            "PNG: a side past the limit",
            file(&flat_png(16_385, 8, png::ColorType::Rgb, png::BitDepth::Eight)),
            0.0,
            215,
        ),
        (
            "PNG: 2 GB of zeros as a text",
            file(&png_with_chunk(b"zTXt", &[b"a\0\0".to_vec(), deflated_zeros(2 << 30)].concat(), 1)),
            0.3,
            0,
        ),
        (
            "PNG: 2 GB of zeros as a colour profile",
            file(&png_with_chunk(b"iCCP", &[b"a\0\0".to_vec(), deflated_zeros(2 << 30)].concat(), 1)),
            0.3,
            0,
        ),
        ("PNG: 200,000 texts", file(&png_with_chunk(b"tEXt", b"a\0b", 200_000)), 0.3, 0),
        ("GIF: 3,000 frames", file(&gif(3_000, 64, 64)), 0.1, 223),
        ("GIF: a header of 65,535 × 65,535", file(&header(&gif(1, 64, 64), 6, &[255; 4])), 0.0, 215),
        (
            "GIF: a screen of 16,384 × 3,000, a frame of 64 × 64",
            file(&header(&gif(1, 64, 64), 6, &[0, 64, 184, 11])),
            50.0,
            223,
        ),
        ("WebP: a frame of 16,383 × 16,383 in a file of 128 × 128", file(WEBP_OF_TWO_SIZES), 0.1, 215),
        ("WebP: 50 megapixels of one colour", file(&webp(16_383, 3_050)), 50.0, 223),
        ("JPEG: a header of 65,535 × 65,535", file(&header(&portrait, jpeg_size, &[255; 4])), 0.0, 215),
        (
            "JPEG: a header of 16,384 × 3,000 over 512 × 512",
            file(&header(&portrait, jpeg_size, &[11, 184, 64, 0])),
            50.0,
            223,
        ),
        ("JPEG: progressive, 16,384 × 3,000, 30 scans", file(&jpeg_of_scans(16_384, 3_000, 26)), 50.0, 223),
        ("JPEG: progressive, 2,048 × 1,500, 500 scans", file(&jpeg_of_scans(2_048, 1_500, 500)), 50.0, 215),
        (
            "Exif: 5,400 entries of 60,000 bytes",
            rotated(&png_with_chunk(b"eXIf", &exif_of_entries(5_400), 1)),
            0.3,
            0,
        ),
    ];
    println!("| attack | body | answer | time | memory beside the picture |");
    println!("|---|---|---|---|---|");
    ENGINE.detect_json(&file(&photo("astronaut.jpg")));
    for (what, body, megapixels, code) in attacks {
        assert!(body.len() <= ENGINE.max_body_bytes(), "{what}: {}", body.len());
        MEMORY.reset_peak_usage();
        let (before, began) = (MEMORY.current_usage_as_mb(), Instant::now());
        let answer = ENGINE.detect_json(&body);
        let (took, peak) = (began.elapsed(), MEMORY.peak_usage_as_mb() - before - 3.0 * megapixels);
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        let answered = value["error"]["code"].as_u64().unwrap_or(0);
        let kilobytes = body.len() / 1_000;
        let shown = if answered == 0 { 200 } else { answered };
        println!("| {what} | {kilobytes} KB | {shown} | {took:.0?} | {:.0} MB |", peak.max(0.0));
        assert_eq!(answered, code, "{what}: {value}");
        assert!(peak < MEGABYTES, "{what}: {peak} MB");
    }
}
