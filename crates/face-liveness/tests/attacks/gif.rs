//! GIF files: many frames, and large screens of small frames.

use image::codecs::gif::GifEncoder;
use image::{Frame, Rgba, RgbaImage};

use crate::{Bounds, attack, file, patched};

/// Where the header has the width and the height.
const SIZE: usize = 6;

/// Frames of 64 × 64 pixels.
fn gif(frames: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut file, 30);
    let frame = RgbaImage::from_pixel(64, 64, Rgba([90, 90, 90, 255]));
    encoder.encode_frames((0..frames).map(|_| Frame::new(frame.clone()))).unwrap();
    drop(encoder);
    file
}

#[test]
fn many_frames() {
    let bounds = Bounds { megapixels: 0.0, megabytes: 3.0, seconds: 0.2 };
    attack("GIF: 3,000 frames", || file(&gif(3_000)), 223, bounds);
}

#[test]
fn a_header_of_4_gigapixels() {
    let body = || file(&patched(gif(1), SIZE, &[255; 4]));
    let bounds = Bounds { megapixels: 0.0, megabytes: 1.0, seconds: 0.1 };
    attack("GIF: a header of 65,535 × 65,535", body, 215, bounds);
}

#[test]
fn a_large_screen_of_a_small_frame() {
    let body = || file(&patched(gif(1), SIZE, &[0, 64, 184, 11]));
    let bounds = Bounds { megapixels: 50.0, megabytes: 110.0, seconds: 7.0 };
    attack("GIF: a frame of 64 × 64 on a screen of 16,384 × 3,000", body, 223, bounds);
}
