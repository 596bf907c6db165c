//! Decoding takes no more memory than was checked against `Limits::max_memory`, and not much less.
#![cfg(all(feature = "bmp", feature = "gif", feature = "webp"))]
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::io::Cursor;

use face_liveness_image::{Error, Limits, decode};
use image::codecs::gif::GifEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, Frame, ImageFormat, RgbaImage};
use jpeg_encoder::{Encoder, SamplingFactor};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const SIDES: [u32; 2] = [2400, 1600];
const PIXELS: u64 = 2400 * 1600;
/// Tables, rows, and what else a decoder takes however large the image is.
const SMALL: u64 = 3 << 19;

/// The least `max_memory` with which the file is decoded: what it is charged.
fn charge(file: &[u8]) -> u64 {
    let is_refused = |bytes| {
        let limits = Limits::new().with_max_memory(bytes);
        matches!(decode(file, &limits, true), Err(Error::TooMuchMemory { .. }))
    };
    let (mut refused, mut enough) = (0, 20 * PIXELS);
    assert!(!is_refused(enough));
    while enough - refused > PIXELS / 100 {
        let middle = u64::midpoint(refused, enough);
        *if is_refused(middle) { &mut refused } else { &mut enough } = middle;
    }
    enough
}

fn peak(file: &[u8]) -> u64 {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    decode(file, &Limits::new(), true).unwrap();
    (MEMORY.peak_usage() - before) as u64
}

fn jpeg(sampling: SamplingFactor, progressive: bool) -> Vec<u8> {
    jpeg_with(sampling, |encoder| encoder.set_progressive(progressive))
}

fn jpeg_with(sampling: SamplingFactor, set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 50);
    encoder.set_sampling_factor(sampling);
    set(&mut encoder);
    let [width, height] = SIDES.map(|side| side as u16);
    encoder
        .encode(&vec![90; PIXELS as usize * 3], width, height, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    file
}

/// A scan for each component: jpeg-encoder writes it with tables of its own.
fn split(sampling: SamplingFactor) -> Vec<u8> {
    jpeg_with(sampling, |encoder| encoder.set_optimized_huffman_tables(true))
}

/// A progressive file with components named R, G and B, though JFIF says YCbCr.
fn named_rgb(sampling: SamplingFactor) -> Vec<u8> {
    let mut file = jpeg(sampling, true);
    let frame = file.windows(2).position(|two| two == [0xff, 0xc2]).unwrap();
    let names: [u8; 3] = std::array::from_fn(|i| file[frame + 10 + 3 * i]);
    let rgb = |name: u8| b"RGB"[names.iter().position(|&known| known == name).unwrap()];
    (0..3).for_each(|i| file[frame + 10 + 3 * i] = b"RGB"[i]);
    for scan in
        (0..file.len() - 4).filter(|&at| file[at..].starts_with(b"\xff\xda")).collect::<Vec<_>>()
    {
        for i in 0..usize::from(file[scan + 4]) {
            file[scan + 5 + 2 * i] = rgb(file[scan + 5 + 2 * i]);
        }
    }
    file
}

/// The file with an Exif segment that says "rotate by 90°".
fn rotated(file: &[u8]) -> Vec<u8> {
    let entry = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let segment = [b"\xff\xe1\0\x22Exif\0\0".as_slice(), entry].concat();
    [&file[..2], &segment, &file[2..]].concat()
}

fn image(kind: fn(u32, u32) -> DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    kind(SIDES[0], SIDES[1]).write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn lossless_webp(color: ExtendedColorType, channels: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let pixels = vec![90; PIXELS as usize * channels];
    WebPEncoder::new_lossless(&mut file).encode(&pixels, SIDES[0], SIDES[1], color).unwrap();
    file
}

/// A GIF whose frame leaves one pixel of its width free.
fn gif() -> Vec<u8> {
    let mut file = Vec::new();
    let frame = RgbaImage::new(SIDES[0] - 1, SIDES[1]);
    GifEncoder::new_with_speed(&mut file, 30).encode_frame(Frame::new(frame)).unwrap();
    file[6..8].copy_from_slice(&(SIDES[0] as u16).to_le_bytes());
    file
}

#[test]
fn decoding_takes_what_is_charged() {
    use ImageFormat::{Bmp, Png};
    let sequential = jpeg(SamplingFactor::F_2_2, false);
    // Bytes a pixel, rounded up.
    let files = [
        ("JPEG", 3, sequential.clone()),
        ("JPEG, rotated", 6, rotated(&sequential)),
        ("JPEG, progressive, 4:2:0", 6, jpeg(SamplingFactor::F_2_2, true)),
        ("JPEG, progressive, 4:4:4", 9, jpeg(SamplingFactor::F_1_1, true)),
        // jpeg-decoder: its threads may lag behind, or not.
        ("JPEG, a scan for each component, 4:2:0", 8, split(SamplingFactor::F_2_2)),
        ("JPEG, a scan for each component, 4:4:4", 13, split(SamplingFactor::F_1_1)),
        ("JPEG, progressive, named RGB, 4:2:0", 11, named_rgb(SamplingFactor::F_2_2)),
        ("JPEG, progressive, named RGB, 4:4:4", 18, named_rgb(SamplingFactor::F_1_1)),
        ("PNG, 8-bit grey", 3, image(DynamicImage::new_luma8, Png)),
        ("PNG, 8-bit RGB", 3, image(DynamicImage::new_rgb8, Png)),
        ("PNG, 8-bit RGBA", 3, image(DynamicImage::new_rgba8, Png)),
        ("PNG, 16-bit RGB", 3, image(DynamicImage::new_rgb16, Png)),
        ("PNG, 16-bit RGBA", 3, image(DynamicImage::new_rgba16, Png)),
        ("BMP", 3, image(DynamicImage::new_rgb8, Bmp)),
        ("BMP, RGBA", 4, image(DynamicImage::new_rgba8, Bmp)),
        ("GIF, a smaller frame", 9, gif()),
        ("WebP, lossless RGB", 8, lossless_webp(ExtendedColorType::Rgb8, 3)),
        ("WebP, lossless RGBA", 5, lossless_webp(ExtendedColorType::Rgba8, 4)),
        ("WebP, lossy", 5, include_bytes!("webp/large_lossy.webp").to_vec()),
        ("WebP, lossy with alpha", 12, include_bytes!("webp/large_alpha.webp").to_vec()),
        ("WebP, animated", 16, include_bytes!("webp/large_animation.webp").to_vec()),
    ];
    for (what, bytes, file) in files {
        let (charge, peak) = (charge(&file), peak(&file));
        let per_pixel = |bytes: u64| bytes as f64 / PIXELS as f64;
        let [charged, taken] = [charge, peak].map(per_pixel);
        println!("{what}: {charged:.2} bytes a pixel charged, {taken:.2} taken");
        assert!(peak <= charge + SMALL, "{what}: {taken:.2} of {charged:.2}");
        assert!(charged <= f64::from(bytes) + 0.02, "{what}: {charged:.2}");
    }
}
