//! Decodes picture files, for programs that compare the pixels: `.ci/pixel_parity.py`.
//!
//!     cargo run --release --example decode_pixels -- [--scaled N] < PATHS
//!
//! Standard input has a path a line. Each path is answered on standard output at once: by
//! `error TEXT`, or by the width and the height of the image, those of the file, and a line break,
//! followed by R, G, B of each pixel. The Exif orientation is not applied. With `--scaled N`, large
//! JPEGs are scaled down while their longer side has at least N pixels.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, Read, Write, stdin, stdout};

use face_liveness::imaging::{Limits, ScaledImage, decode_scaled};

/// Larger files are refused. A request has at most 5 MB.
const MAX_FILE_BYTES: u64 = 64 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    face_liveness_fuzz::abort_on_our_panic();
    let min_longer_side = min_longer_side()?;
    let mut out = stdout().lock();
    for path in stdin().lock().lines() {
        match decode(&path?, min_longer_side) {
            Ok(ScaledImage { image, full_width, full_height, .. }) => {
                writeln!(out, "{} {} {full_width} {full_height}", image.width(), image.height())?;
                out.write_all(image.pixels())?;
            }
            Err(error) => writeln!(out, "error {error}")?,
        }
        out.flush()?;
    }
    Ok(())
}

/// The N of `--scaled N`. Without it, images are decoded at full size.
fn min_longer_side() -> Result<u32, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => Ok(u32::MAX),
        [option, side] if option == "--scaled" => Ok(side.parse()?),
        _ => Err("usage: decode_pixels [--scaled N] < PATHS".into()),
    }
}

fn decode(path: &str, min_longer_side: u32) -> Result<ScaledImage, Box<dyn Error>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("the file has more than {MAX_FILE_BYTES} bytes").into());
    }
    Ok(decode_scaled(&bytes, &Limits::default(), false, min_longer_side)?)
}
