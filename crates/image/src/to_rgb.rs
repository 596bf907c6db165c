//! Rows of grey, grey and alpha, RGB, or RGB and alpha to RGB over white.

/// Converts `pixels` pixels of `channels` samples, in place. The buffer has room for both.
pub(crate) fn convert_in_place(buffer: &mut [u8], channels: usize, pixels: usize) {
    match channels {
        1 => each(buffer, pixels, |[grey]| [grey; 3]),
        2 => each(buffer, pixels, |[grey, alpha]| over_white([grey; 3], alpha)),
        4 => each(buffer, pixels, |[r, g, b, alpha]| over_white([r, g, b], alpha)),
        _ => {}
    }
}

/// Replaces each pixel of `N` bytes by its RGB. The order keeps a pixel from being overwritten
/// before it is read.
fn each<const N: usize>(buffer: &mut [u8], pixels: usize, rgb: impl Fn([u8; N]) -> [u8; 3]) {
    let replace = |i: usize| {
        let mut pixel = [0; N];
        pixel.copy_from_slice(&buffer[i * N..][..N]);
        buffer[i * 3..][..3].copy_from_slice(&rgb(pixel));
    };
    if N < 3 { (0..pixels).rev().for_each(replace) } else { (0..pixels).for_each(replace) }
}

fn over_white(rgb: [u8; 3], alpha: u8) -> [u8; 3] {
    let alpha = u32::from(alpha);
    rgb.map(|sample| ((u32::from(sample) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pixels: the first opaque, the second transparent where there is alpha.
    #[test]
    fn pixels_are_converted_in_place() {
        for (channels, samples, expected) in [
            (1, &[1, 2][..], [1, 1, 1, 2, 2, 2]),
            (2, &[1, 255, 2, 0], [1, 1, 1, 255, 255, 255]),
            (3, &[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
            (4, &[1, 2, 3, 255, 4, 5, 6, 0], [1, 2, 3, 255, 255, 255]),
        ] {
            let mut buffer = samples.to_vec();
            buffer.resize(samples.len().max(6), 0);
            convert_in_place(&mut buffer, channels, 2);
            assert_eq!(buffer[..6], expected, "{channels} channels");
        }
    }
}
