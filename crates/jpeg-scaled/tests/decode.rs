//! Which files are decoded, at which size, and which are refused. `jpeg_scaled` in the fuzzing
//! crate compares the pixels with a full decoder's.
#![allow(missing_docs, clippy::unwrap_used)]

use face_liveness_jpeg_scaled::{Decoder, Error, Scale};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Sides that are not multiples of 2.
const WIDTH: u16 = 101;
const HEIGHT: u16 = 67;

/// A smooth image with a different colour in each corner.
fn encode(colour: ColorType, configure: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let samples = (0..HEIGHT).flat_map(|y| {
        (0..WIDTH).flat_map(move |x| match colour {
            ColorType::Luma => vec![40 + x as u8],
            _ => vec![40 + x as u8, 60 + 2 * y as u8, 200 - x as u8],
        })
    });
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 95);
    configure(&mut encoder);
    encoder.encode(&samples.collect::<Vec<_>>(), WIDTH, HEIGHT, colour).unwrap();
    file
}

fn decode(file: &[u8], scale: Scale) -> Result<Vec<u8>, Error> {
    let decoder = Decoder::new(file, scale)?;
    let mut pixels = vec![0; decoder.rgb_len()];
    decoder.decode_rgb(&mut pixels).map(|()| pixels)
}

#[test]
fn every_sampling_at_every_scale() {
    use SamplingFactor::*;
    for sampling in [F_1_1, F_2_1, F_1_2, F_2_2] {
        let file = encode(ColorType::Rgb, |encoder| encoder.set_sampling_factor(sampling));
        for &scale in Scale::ALL {
            let decoder = Decoder::new(&file, scale).unwrap();
            let by = scale.divisor();
            let size = [decoder.width(), decoder.height()];
            assert_eq!(size, [u32::from(WIDTH), u32::from(HEIGHT)].map(|side| side.div_ceil(by)));
            let pixels = decode(&file, scale).unwrap();
            // Away from the right and the bottom edge, where blocks are padded.
            for (x, y) in [(0, 0), (5, 0), (0, 4), (6, 3)] {
                let at = 3 * (y * size[0] + x) as usize;
                let middle = |place: u32| (place * by) as f32 + (by as f32 - 1.0) / 2.0;
                let (mid_x, mid_y) = (middle(x), middle(y));
                let expected = [40.0 + mid_x, 60.0 + 2.0 * mid_y, 200.0 - mid_x];
                for (&sample, expected) in pixels[at..].iter().zip(expected) {
                    let difference = (f32::from(sample) - expected).abs();
                    assert!(difference < 4.0, "{sampling:?} {scale:?} ({x}, {y}): {difference}");
                }
            }
        }
    }
}

#[test]
fn greyscale_and_restarts() {
    let grey = decode(&encode(ColorType::Luma, |_| {}), Scale::Quarter).unwrap();
    assert!(grey.chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
    let plain = decode(&encode(ColorType::Rgb, |_| {}), Scale::Quarter).unwrap();
    let restarts = encode(ColorType::Rgb, |encoder| encoder.set_restart_interval(5));
    assert_eq!(decode(&restarts, Scale::Quarter).unwrap(), plain);
}

#[test]
fn other_kinds_need_a_full_decoder() {
    let progressive = encode(ColorType::Rgb, |encoder| encoder.set_progressive(true));
    let a_scan_per_component =
        encode(ColorType::Rgb, |encoder| encoder.set_optimized_huffman_tables(true));
    for file in [progressive, a_scan_per_component] {
        assert_eq!(decode(&file, Scale::Half), Err(Error::Unsupported));
    }
}

#[test]
fn a_file_of_another_kind_or_with_two_frame_headers_is_refused() {
    let file = encode(ColorType::Rgb, |_| {});
    let other = [b"\x89P".as_slice(), &file[2..]].concat();
    let at = file.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    let length = 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
    let twice = [&file[..at + length], &file[at..]].concat();
    for file in [other, twice] {
        assert_eq!(decode(&file, Scale::Half), Err(Error::Unsupported));
    }
}

#[test]
fn a_buffer_of_another_length_is_refused() {
    let file = encode(ColorType::Rgb, |_| {});
    let decoder = Decoder::new(&file, Scale::Eighth).unwrap();
    let expected = decoder.rgb_len();
    assert_eq!(
        decoder.decode_rgb(&mut vec![0; expected + 3]),
        Err(Error::BufferLength { expected, actual: expected + 3 })
    );
}

#[test]
fn a_file_truncated_anywhere_is_refused() {
    let file = encode(ColorType::Rgb, |encoder| encoder.set_restart_interval(7));
    for length in (0..file.len() - 2).step_by(13).chain([file.len() - 3]) {
        assert!(decode(&file[..length], Scale::Half).is_err(), "the first {length} bytes");
    }
    assert_eq!(decode(&file[..file.len() / 2], Scale::Half), Err(Error::Truncated));
    let without_end_of_image = &file[..file.len() - 2];
    assert!(decode(without_end_of_image, Scale::Half).is_ok());
}

#[test]
fn changed_bytes_do_not_panic() {
    let file = encode(ColorType::Rgb, |encoder| encoder.set_restart_interval(7));
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] = changed[at].wrapping_mul(5) ^ 0x5b;
        for scale in [Scale::Half, Scale::Eighth] {
            let _ = decode(&changed, scale);
        }
    }
}
