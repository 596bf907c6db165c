//! The differential oracle of the scaled JPEG decoder, on photos, and proof that it detects faults.
#![allow(missing_docs, clippy::unwrap_used)]

use face_liveness_fuzz::jpeg_scaled::{
    Image, PHOTO_BOUND, compare_all, decode_full, decode_scaled, difference, jpeg_scaled,
};
use face_liveness_jpeg_scaled::Scale;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/photos");

fn portrait() -> Vec<u8> {
    std::fs::read(format!("{PHOTOS}/astronaut.jpg")).unwrap()
}

fn encode(image: &Image, sampling: SamplingFactor, restart_interval: u16) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 90);
    encoder.set_sampling_factor(sampling);
    encoder.set_restart_interval(restart_interval);
    let (width, height) = (image.width as u16, image.height as u16);
    encoder.encode(&image.pixels, width, height, ColorType::Rgb).unwrap();
    file
}

/// Moves Cb and Cr by pixels of the scaled image, where they are as large as luma.
fn with_chroma_shifted(image: &Image, right: usize, down: usize) -> Image {
    let chroma = |x: usize, y: usize| {
        let at = 3 * (y.saturating_sub(down) * image.width + x.saturating_sub(right));
        let [red, green, blue] = [0, 1, 2].map(|channel| f32::from(image.pixels[at + channel]));
        let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
        [red - luma, green - luma, blue - luma]
    };
    let mut shifted = image.clone();
    for (at, pixel) in shifted.pixels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (at % image.width, at / image.width);
        let luma =
            0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2]);
        for (sample, chroma) in pixel.iter_mut().zip(chroma(x, y)) {
            *sample = (luma + chroma).round().clamp(0.0, 255.0) as u8;
        }
    }
    shifted
}

fn with_channels_swapped(image: &Image, a: usize, b: usize) -> Image {
    let mut swapped = image.clone();
    swapped.pixels.chunks_exact_mut(3).for_each(|pixel| pixel.swap(a, b));
    swapped
}

#[test]
fn example_photos_agree() {
    let mut photos = 0;
    for entry in std::fs::read_dir(PHOTOS).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jpg") {
            compare_all(&std::fs::read(path).unwrap(), &PHOTO_BOUND);
            photos += 1;
        }
    }
    assert!(photos >= 9, "{photos} photos");
}

#[test]
fn every_sampling_and_restarts_agree() {
    let image = decode_full(&portrait()).unwrap();
    use SamplingFactor::{F_1_1, F_1_2, F_2_1, F_2_2};
    for sampling in [F_1_1, F_2_1, F_1_2, F_2_2] {
        for restart_interval in [0, 5] {
            compare_all(&encode(&image, sampling, restart_interval), &PHOTO_BOUND);
        }
    }
}

#[test]
fn generated_images_agree() {
    let mut state = 1u64;
    for _ in 0..500 {
        let bytes: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        jpeg_scaled(&bytes);
    }
}

#[test]
fn chroma_shifted_by_one_sample_is_detected() {
    let file = portrait();
    let full = decode_full(&file).unwrap();
    for &scale in Scale::ALL {
        let scaled = decode_scaled(&file, scale).unwrap();
        assert!(difference(&full, &scaled).unwrap().is_within(&PHOTO_BOUND));
        // Without a shift, the conversion is the identity.
        assert_eq!(with_chroma_shifted(&scaled, 0, 0), scaled);
        for (right, down) in [(1, 0), (0, 1)] {
            let shifted = with_chroma_shifted(&scaled, right, down);
            let difference = difference(&full, &shifted).unwrap();
            let message = format!("{scale:?}, {right} right, {down} down: {difference:?}");
            assert!(!difference.is_within(&PHOTO_BOUND), "{message}");
        }
    }
}

#[test]
fn swapped_channels_are_detected() {
    let file = portrait();
    let full = decode_full(&file).unwrap();
    for &scale in Scale::ALL {
        let scaled = decode_scaled(&file, scale).unwrap();
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            let swapped = with_channels_swapped(&scaled, a, b);
            let difference = difference(&full, &swapped).unwrap();
            assert!(!difference.is_within(&PHOTO_BOUND), "{scale:?} {a} {b}: {difference:?}");
        }
    }
}
