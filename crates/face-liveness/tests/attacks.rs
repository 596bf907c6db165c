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
    with_last_scan(&file, times)
}

/// A JPEG with its last scan so many times more.
fn with_last_scan(file: &[u8], times: usize) -> Vec<u8> {
    let (scans, end) = file.split_at(file.len() - 2);
    let last = &scans[memchr::memmem::rfind(scans, b"\xff\xda").unwrap()..];
    [scans, &last.repeat(times), end].concat()
}

/// A progressive JPEG, by hand: each block of the first component has one coefficient, and each of that many further scans goes over
/// all of them in a hundred bytes, by runs of blocks that it says nothing of (ITU-T T.81, G.1.2.3).
fn jpeg_of_runs(width: u16, height: u16, components: u8, scans: usize) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        [&[0xff, marker], (content.len() as u16 + 2).to_be_bytes().as_slice(), content].concat()
    };
    // One code, of one bit.
    let table = |class: u8, symbol: u8| {
        let lengths = [vec![1], vec![0; 15]].concat();
        segment(0xc4, &[[class << 4].as_slice(), &lengths, &[symbol]].concat())
    };
    let scan = |of: u8, band: [u8; 3]| {
        let each = (1..=of).flat_map(|id| [id, 0]);
        segment(
            0xda,
            &[[of].into_iter().collect(), each.collect::<Vec<_>>(), band.to_vec()].concat(),
        )
    };
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    let frame = (1..=components).flat_map(|id| [id, 0x11, 0]).collect::<Vec<_>>();
    let [height, width] = [height, width].map(u16::to_be_bytes);
    let mut file = vec![
        vec![0xff, 0xd8],
        segment(0xdb, &[vec![0], vec![1; 64]].concat()),
        segment(0xc2, &[[8].as_slice(), &height, &width, &[components], &frame].concat()),
        // No difference of means: a bit each.
        table(0, 0),
        scan(components, [0, 0, 0]),
        vec![0; (blocks * usize::from(components)).div_ceil(8)],
        // A coefficient of -1 in the second place: two bits each.
        table(1, 1),
        scan(1, [1, 1, 0]),
        vec![0; (blocks * 2).div_ceil(8)],
        table(1, 0xe0),
    ];
    // A run of 32,767 blocks: a bit, and fourteen of its length.
    let bits = "011111111111111".repeat(blocks.div_ceil(32_767));
    let bits = format!("{bits}{}", "1".repeat(8 - bits.len() % 8));
    let bytes = bits
        .as_bytes()
        .chunks(8)
        .map(|byte| u8::from_str_radix(str::from_utf8(byte).unwrap(), 2).unwrap());
    let runs = bytes
        .flat_map(|byte| if byte == 0xff { vec![byte, 0] } else { vec![byte] })
        .collect::<Vec<_>>();
    for _ in 0..scans {
        file.extend([scan(1, [2, 63, 0x10]), runs.clone()]);
    }
    file.push(vec![0xff, 0xd9]);
    file.concat()
}

/// A sequential JPEG whose scans have one component each and no codes.
fn jpeg_of_empty_scans(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let portrait = photo("astronaut.jpg");
    let at = |marker: &[u8]| memchr::memmem::find(&portrait, marker).unwrap();
    let frame = header(
        &portrait[..at(b"\xff\xda")],
        at(b"\xff\xc0") + 5,
        &[height.to_be_bytes(), width.to_be_bytes()].concat(),
    );
    [frame, b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\0".repeat(scans), b"\xff\xd9".to_vec()].concat()
}

/// A large sequential JPEG with so many Huffman tables of one code of one bit before its scan.
fn jpeg_of_tables(width: u16, height: u16, tables: usize) -> Vec<u8> {
    const IN_A_SEGMENT: usize = 3_600;
    let portrait = photo("astronaut.jpg");
    let at = |marker: &[u8]| memchr::memmem::find(&portrait, marker).unwrap();
    let size = [height.to_be_bytes(), width.to_be_bytes()].concat();
    let portrait = header(&portrait, at(b"\xff\xc0") + 5, &size);
    let table = [vec![0x13, 1], vec![0; 15], vec![1]].concat();
    let segment = [
        b"\xff\xc4".as_slice(),
        &(18 * IN_A_SEGMENT as u16 + 2).to_be_bytes(),
        &table.repeat(IN_A_SEGMENT),
    ];
    let (head, scan) = portrait.split_at(at(b"\xff\xda"));
    [head, &segment.concat().repeat(tables / IN_A_SEGMENT), scan].concat()
}

/// The portrait with so many parts of an extended XMP before its pixels, and then so many empty comments.
fn jpeg_of_parts(parts: u32, comments: usize) -> Vec<u8> {
    let part = |i: u32| {
        let numbers = [u32::MAX.to_be_bytes(), i.to_be_bytes()].concat();
        let name = b"http://ns.adobe.com/xmp/extension/\0";
        [b"\xff\xe1\0\x4e", name.as_slice(), &[b'0'; 32], &numbers, b"x"].concat()
    };
    let portrait = photo("astronaut.jpg");
    let (start, rest) = portrait.split_at(2);
    let parts = (0..parts).flat_map(part);
    [start, &parts.collect::<Vec<_>>(), &b"\xff\xfe\0\x02".repeat(comments), rest].concat()
}

/// A bitmap of 256 colours that says it is so large, and ends.
fn empty_bmp(width: u32, height: u32) -> Vec<u8> {
    let words =
        |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let pixels_at = 54 + 256 * 4;
    let head = [
        b"BM".to_vec(),
        words(&[pixels_at + 2, 0, pixels_at, 40, width, height, 8 << 16 | 1, 1, 2, 0, 0, 256, 0]),
    ];
    [head.concat(), vec![128; 256 * 4], vec![0, 1]].concat()
}

/// A lossless WebP of 64 × 64 pixels with 65,536 groups of codes, of which one in each has 2,048 codes of 11 bits.
fn webp_of_groups() -> Vec<u8> {
    // Values and their bits, the lowest first.
    let one_symbol = [(0b0001, 4)].as_slice();
    let of_255 = [(0b101, 3), (255, 8)].as_slice();
    // Fifteen lengths of codes for lengths, of which only that for 11 is there; 2,048 of those, then.
    let long = [(0, 1), (11, 4), (0, 42), (1, 3), (1, 1), (5, 3), (2_046, 12)].as_slice();
    let head = [(0x2f, 8), (63, 14), (63, 14), (0, 4)].as_slice();
    // No transforms; a cache of 2,048 colours; several groups, for blocks of 4 × 4 pixels; an image of their numbers.
    let start = [(0, 1), (1, 1), (11, 4), (1, 1), (0, 3), (0, 1)].as_slice();
    let numbers = [of_255, of_255, one_symbol, one_symbol, one_symbol].concat();
    let group = [long, one_symbol, one_symbol, one_symbol, one_symbol].concat();
    let fields = [head, start, &numbers, &group.repeat(65_536)].concat();
    let bits: Vec<u8> = fields
        .iter()
        .flat_map(|&(value, bits)| (0..bits).map(move |i| (value >> i & 1) as u8))
        .collect();
    let stream =
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |value, bit| value << 1 | bit));
    webp_of_chunk(b"VP8L", &stream.collect::<Vec<_>>())
}

/// 128 × 128 pixels, and an Exif chunk that ends with the file.
fn webp_of_long_exif() -> Vec<u8> {
    let mut simple = Vec::new();
    WebPEncoder::new_lossless(&mut simple)
        .encode(&[90; 128 * 128 * 3], 128, 128, ExtendedColorType::Rgb8)
        .unwrap();
    let head = [8, 0, 0, 0, 127, 0, 0, 127, 0, 0];
    let mut file = webp_of_chunk(b"VP8X", &head);
    file.extend_from_slice(&simple[12..]);
    file.extend_from_slice(b"EXIF\xf0\xff\xff\xff");
    let length = (file.len() as u32 - 8).to_le_bytes();
    header(&file, 4, &length)
}

fn webp_of_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = content.len() as u32;
    [b"RIFF", &(length + 12).to_le_bytes(), b"WEBP", name, &length.to_le_bytes(), content].concat()
}

/// The portrait's face, 64 pixels wide, side by side.
fn crowd(progressive: bool) -> Vec<u8> {
    let face = PORTRAIT
        .crop_imm(160, 30, 140, 160)
        .resize_exact(64, 64, image::imageops::FilterType::Triangle)
        .to_rgb8();
    let crowd = image::RgbImage::from_fn(1_920, 1_472, |x, y| *face.get_pixel(x % 64, y % 64));
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 20);
    if progressive {
        encoder.set_progressive_scans(4);
    }
    encoder.encode(&crowd, 1_920, 1_472, ColorType::Rgb).unwrap();
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
        WebPEncoder::new_lossless(&mut file)
            .encode(&pixels, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        file
    };
    let portrait = photo("astronaut.jpg");
    let jpeg_size = memchr::memmem::find(&portrait, b"\xff\xc0").unwrap() + 5;
    let entries = |entry: &str, bytes: usize| {
        let images = vec![entry; bytes / (entry.len() + 1)].join(",");
        format!(r#"{{"images":[{images}]}}"#).into_bytes()
    };
    let frame = |width, height| flat_png(width, height, png::ColorType::Rgb, png::BitDepth::Eight);
    // The first shows a face, or the others would not be looked at.
    let burst = |frame: &[u8]| {
        let others = (1..8).map(|index| image(index, base64(frame)));
        let images: Vec<_> = [image(0, base64(&portrait))].into_iter().chain(others).collect();
        json!({ "images": images, "model": "rgb-burst-v1" }).to_string().into_bytes()
    };
    // What it is, the body, the megapixels that it may decode, the code (0: a response).
    let attacks: Vec<(&str, Vec<u8>, f32, u64)> = vec![
        ("a crowd of 690 faces", file(&crowd(false)), 3.0, 0),
        ("eight frames of it", burst(&crowd(false)), 21.0, 0),
        ("eight frames of it, 44 scans each", burst(&with_last_scan(&crowd(true), 32)), 21.0, 0),
        ("a face, then seven frames of 6 megapixels", burst(&frame(2_048, 3_050)), 44.0, 0),
        ("a face, then seven frames of 50 megapixels", burst(&frame(16_384, 3_050)), 50.0, 215),
        (
            "a face, then seven frames of 6 megapixels, 20 scans of runs",
            burst(&jpeg_of_runs(2_048, 3_050, 3, 18)),
            44.0,
            0,
        ),
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
            format!(
                r#"{{"images":[{{"index":0,"type":"RGB","data":"{}"}}]}}"#,
                r"\u0041".repeat(800_000)
            )
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
            "PNG: the same of 16 bits",
            file(&flat_png(16_384, 3_050, png::ColorType::Rgb, png::BitDepth::Sixteen)),
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
            file(&png_with_chunk(
                b"zTXt",
                &[b"a\0\0".to_vec(), deflated_zeros(2 << 30)].concat(),
                1,
            )),
            0.3,
            0,
        ),
        (
            "PNG: 2 GB of zeros as a colour profile",
            file(&png_with_chunk(
                b"iCCP",
                &[b"a\0\0".to_vec(), deflated_zeros(2 << 30)].concat(),
                1,
            )),
            0.3,
            0,
        ),
        ("PNG: 200,000 texts", file(&png_with_chunk(b"tEXt", b"a\0b", 200_000)), 0.3, 0),
        ("GIF: 3,000 frames", file(&gif(3_000, 64, 64)), 0.1, 223),
        (
            "GIF: a header of 65,535 × 65,535",
            file(&header(&gif(1, 64, 64), 6, &[255; 4])),
            0.0,
            215,
        ),
        (
            "GIF: a screen of 16,384 × 3,000, a frame of 64 × 64",
            file(&header(&gif(1, 64, 64), 6, &[0, 64, 184, 11])),
            50.0,
            223,
        ),
        (
            "WebP: a frame of 16,383 × 16,383 in a file of 128 × 128",
            file(WEBP_OF_TWO_SIZES),
            0.1,
            215,
        ),
        ("WebP: 50 megapixels of one colour", file(&webp(16_383, 3_050)), 50.0, 223),
        (
            "JPEG: a header of 65,535 × 65,535",
            file(&header(&portrait, jpeg_size, &[255; 4])),
            0.0,
            215,
        ),
        (
            "JPEG: a header of 16,384 × 3,000 over 512 × 512",
            file(&header(&portrait, jpeg_size, &[11, 184, 64, 0])),
            50.0,
            223,
        ),
        (
            "JPEG: progressive, 16,384 × 3,000, 20 scans",
            file(&jpeg_of_scans(16_384, 3_000, 16)),
            50.0,
            223,
        ),
        (
            "JPEG: progressive, 16,384 × 3,000, 30 scans",
            file(&jpeg_of_scans(16_384, 3_000, 26)),
            50.0,
            215,
        ),
        (
            "JPEG: progressive, 2,048 × 1,500, 500 scans",
            file(&jpeg_of_scans(2_048, 1_500, 500)),
            50.0,
            215,
        ),
        (
            "JPEG: progressive, 16,384 × 3,050, 20 scans of runs",
            file(&jpeg_of_runs(16_384, 3_050, 1, 18)),
            50.0,
            223,
        ),
        ("JPEG: the same in colour", file(&jpeg_of_runs(16_384, 3_050, 3, 18)), 50.0, 223),
        ("JPEG: the same, 95 scans", file(&jpeg_of_runs(16_384, 3_050, 3, 93)), 50.0, 215),
        (
            "JPEG: sequential, 300,000 empty scans",
            file(&jpeg_of_empty_scans(16_384, 3_050, 300_000)),
            50.0,
            215,
        ),
        ("JPEG: 200,000 Huffman tables", file(&jpeg_of_tables(16_384, 3_050, 200_000)), 50.0, 223),
        (
            "JPEG: 20,000 parts of an XMP, 470,000 comments",
            file(&jpeg_of_parts(20_000, 470_000)),
            0.3,
            215,
        ),
        (
            "BMP: 16,384 × 3,050, run-length codes that end at once",
            file(&empty_bmp(16_384, 3_050)),
            50.0,
            223,
        ),
        ("WebP: 65,536 groups of codes for 64 × 64 pixels", file(&webp_of_groups()), 0.1, 215),
        ("WebP: Exif of 4 GB, as it says", rotated(&webp_of_long_exif()), 0.1, 223),
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
        assert!(body.len() <= ENGINE.limits().max_body_bytes, "{what}: {}", body.len());
        MEMORY.reset_peak_usage();
        let (before, began) = (MEMORY.current_usage_as_mb(), Instant::now());
        let answer = ENGINE.detect_json(&body);
        let (took, peak) = (began.elapsed(), MEMORY.peak_usage_as_mb() - before - 3.0 * megapixels);
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        let answered = value["error"]["code"].as_u64().unwrap_or(0);
        let kilobytes = body.len() / 1_000;
        let shown = if answered == 0 { 200 } else { answered };
        println!("| {what} | {kilobytes} KB | {shown} | {took:.1?} | {:.0} MB |", peak.max(0.0));
        assert_eq!(answered, code, "{what}: {value}");
        assert!(peak < MEGABYTES, "{what}: {peak} MB");
    }
}
