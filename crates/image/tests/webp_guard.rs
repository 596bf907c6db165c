//! The WebP guard refuses no file that image-webp decodes: images of many kinds from image-webp's
//! own encoder, and files from libwebp with changed bytes.
#![cfg(feature = "webp")]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use face_liveness_image::{Error, Limits, decode};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use support::decode_unguarded;

/// Encoded by libwebp: all transforms and several code groups, a palette, alpha, an animation.
const FILES: [&[u8]; 4] = [
    include_bytes!("webp/lossless.webp"),
    include_bytes!("webp/palette.webp"),
    include_bytes!("webp/alpha.webp"),
    include_bytes!("webp/animation.webp"),
];

/// Numbers without a pattern (Knuth's linear congruential generator).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

fn encode(random: &mut Random) -> Vec<u8> {
    let (width, height) = (1 + random.below(200), 1 + random.below(200));
    let (color, channels) = [
        (ExtendedColorType::L8, 1),
        (ExtendedColorType::La8, 2),
        (ExtendedColorType::Rgb8, 3),
        (ExtendedColorType::Rgba8, 4),
    ][random.below(4)];
    // Flat, of few colours, a gradient with noise, or noise alone.
    let (noise, slope) = [(1, 0), (4, 0), (8, 1), (256, 1)][random.below(4)];
    let samples: Vec<u8> = (0..width * height * channels)
        .map(|at| (random.below(noise) * 31 + slope * (at / channels % width)) as u8)
        .collect();
    let mut file = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut file);
    encoder.write_image(&samples, width as u32, height as u32, color).unwrap();
    file
}

/// Whether the guard refuses a file. A side past the limits is refused by `Limits`, not by the
/// guard.
fn is_refused(file: &[u8]) -> bool {
    decode(file, &Limits::new(), false).is_err_and(|error| !matches!(error, Error::TooLarge { .. }))
}

#[test]
fn encoded_images_are_decoded() {
    let mut random = Random(1);
    for seed in 0..300 {
        let file = encode(&mut random);
        assert!(decode_unguarded(&file).is_some());
        assert!(!is_refused(&file), "image {seed}");
    }
}

#[test]
fn changed_files_are_decoded_if_image_webp_decodes_them() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut random = Random(2);
    let (mut decoded, mut refused) = (0, Vec::new());
    for change in 0..1_500 {
        let mut file = FILES[change % FILES.len()].to_vec();
        for _ in 0..=random.below(3) {
            // Every other change is in the headers and codes at the start.
            let span = [100, file.len() - 12][random.below(2)];
            let at = 12 + random.below(span);
            file[at] ^= 1 << random.below(8);
        }
        if decode_unguarded(&file).is_some() {
            decoded += 1;
            if is_refused(&file) {
                refused.push(change);
            }
        }
    }
    std::panic::set_hook(hook);
    assert!(decoded >= 200, "{decoded} files");
    assert!(refused.is_empty(), "changes {refused:?}");
}
