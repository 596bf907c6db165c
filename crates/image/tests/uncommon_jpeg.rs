//! JPEGs of kinds that zune-jpeg gets wrong have the pixels of libjpeg.
//!
//! The files in `uncommon_jpeg` are from libjpeg-turbo's `cjpeg -quality 90`, with `-sample` and
//! `-scans` as their names say. The PNGs beside them are from its `djpeg`.
#![allow(missing_docs)]

#[path = "support/photo.rs"]
mod photo;

use std::path::Path;

use face_liveness_image::{Error, Limits, RgbImage, decode, decode_scaled};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use photo::photo_with;

const KINDS: [&str; 6] = [
    "scan-for-each-component",
    "two-scans-with-restarts",
    "colour-finer-than-luma",
    "luma-3x1",
    "luma-1x4-colour-1x2",
    "progressive-3x2",
];

fn read(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/uncommon_jpeg");
    std::fs::read(folder.join(name)).expect("a file of the tests")
}

fn pixels(file: &[u8]) -> Result<RgbImage, Error> {
    decode(file, &Limits::default(), false)
}

#[test]
fn uncommon_files_have_the_pixels_of_libjpeg() {
    for kind in KINDS {
        let expected = pixels(&read(&format!("{kind}.png"))).expect("a PNG");
        let actual = pixels(&read(&format!("{kind}.jpg"))).expect(kind);
        assert_eq!((actual.width(), actual.height()), (expected.width(), expected.height()));
        let differences =
            || expected.pixels().iter().zip(actual.pixels()).map(|(a, b)| a.abs_diff(*b));
        let sum: u32 = differences().map(u32::from).sum();
        assert!(sum as usize * 4 < expected.pixels().len(), "{kind}: a mean above 0.25");
        assert!(differences().max() <= Some(4), "{kind}");
    }
}

#[test]
fn they_are_decoded_at_full_size_only() {
    for kind in KINDS {
        let file = read(&format!("{kind}.jpg"));
        let scaled = decode_scaled(&file, &Limits::default(), false, 1).expect(kind);
        assert_eq!((scaled.image.width(), scaled.full_width), (83, 83), "{kind}");
    }
}

#[test]
fn cut_off_anywhere_they_are_refused() {
    for kind in KINDS {
        let file = read(&format!("{kind}.jpg"));
        for length in (20..file.len() - 40).step_by(23) {
            let corrupt = Err(Error::Corrupt { format: "JPEG" });
            assert_eq!(pixels(&file[..length]).map(drop), corrupt, "{kind}: {length} bytes");
            // Progressive files decode partly, as with libjpeg: `docs/FORMATS.md`.
            if kind != "progressive-3x2" {
                let ended = [&file[..length], b"\xff\xd9"].concat();
                assert_eq!(pixels(&ended).map(drop), corrupt, "{kind}: {length} bytes, ended");
            }
        }
    }
}

#[test]
fn fill_bytes_before_markers_are_skipped() {
    for kind in KINDS {
        let file = read(&format!("{kind}.jpg"));
        let (body, end) = file.split_at(file.len() - 2);
        let filled = [body, b"\xff\xff", end].concat();
        assert!(pixels(&filled).expect(kind).pixels() == pixels(&file).expect(kind).pixels());
    }
}

#[test]
fn scans_after_the_last_are_not_decoded() {
    let file = read("colour-finer-than-luma.jpg");
    let scan = file.windows(2).position(|two| two == [0xff, 0xda]).expect("a scan");
    let again = [&file[..file.len() - 2], &file[scan..file.len() - 2].repeat(2_000)].concat();
    let [plain, again] = [file, [&again, b"\xff\xd9".as_slice()].concat()]
        .map(|file| pixels(&file).expect("a JPEG").pixels().to_vec());
    assert!(plain == again);
}

/// jpeg-encoder writes a scan for each component if it optimises the Huffman tables.
#[test]
fn optimised_files_of_jpeg_encoder_have_the_pixels_of_plain_ones() {
    for sampling in [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_2_2] {
        let [plain, optimised] = [false, true].map(|is_optimised| {
            let file = photo_with(|encoder| {
                encoder.set_sampling_factor(sampling);
                encoder.set_optimized_huffman_tables(is_optimised);
            });
            pixels(&file).expect("a JPEG")
        });
        let mut pairs = plain.pixels().iter().zip(optimised.pixels());
        assert!(pairs.all(|(a, b)| a.abs_diff(*b) <= 6), "{sampling:?}");
    }
}

/// Sampling factors have no meaning where there is one component.
#[test]
fn greyscale_with_odd_sampling_factors_is_read() {
    let mut file = Vec::new();
    let source: Vec<u8> = (0..64 * 64).map(|i| (i % 64 * 4) as u8).collect();
    Encoder::new(&mut file, 95).encode(&source, 64, 64, ColorType::Luma).expect("an image");
    let plain = pixels(&file).expect("a JPEG");
    let frame = file.windows(2).position(|two| two == [0xff, 0xc0]).expect("SOF");
    file[frame + 11] = 0x31;
    let odd = pixels(&file).expect("a JPEG");
    assert!(plain.pixels().iter().zip(odd.pixels()).all(|(a, b)| a.abs_diff(*b) <= 1));
}

#[test]
fn four_components_of_an_uncommon_kind_are_named() {
    let mut file = Vec::new();
    Encoder::new(&mut file, 95).encode(&[90; 64], 4, 4, ColorType::Cmyk).expect("an image");
    assert!(pixels(&file).is_ok());
    let frame = file.windows(2).position(|two| two == [0xff, 0xc0]).expect("SOF");
    file[frame + 11] = 0x31;
    assert_eq!(
        pixels(&file).map(drop).expect_err("CMYK").to_string(),
        "CMYK in several scans, or sampled unusually, is not supported in a JPEG"
    );
}
