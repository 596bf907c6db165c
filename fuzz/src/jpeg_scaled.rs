//! The scaled JPEG decoder against zune-jpeg's full decoder.
//!
//! A scaled IDCT keeps the mean of each block. So the means over 16 × 16 pixels of the full image,
//! the largest MCU, must agree, channel by channel, although single pixels do not. They agree only
//! as far as decoding is linear: blocks with a saturated sample, 0 or 255, are left out, and so are
//! blocks at the edge, because the file pads them.

use std::ops::RangeInclusive;

use arbitrary::{Arbitrary, Unstructured};
use face_liveness_jpeg_scaled::{Decoder, Scale};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The side of a compared block in pixels of the full image.
const BLOCK: usize = 16;
const UNSATURATED: RangeInclusive<u8> = 1..=254;
/// Larger files are skipped, so that many files are tried per second.
const MAX_PIXELS: u32 = 1 << 20;

/// The bound on the difference for photos. The largest differences over 855 decodes of the corpora
/// are 0.84 and 2.5: rounding, and zune-jpeg's interpolation of chroma across blocks.
pub const PHOTO_BOUND: Difference = Difference { mean: [1.0; 3], max: [3.0; 3] };
/// The bound on the difference for generated images. They are as smooth as photos, but may have
/// only a few blocks.
const GENERATED_BOUND: Difference = Difference { mean: [3.0; 3], max: [3.0; 3] };
/// The bound on the difference for arbitrary files. Between blocks of opposite colours,
/// interpolation carries a sixty-fourth of a chroma step of 255 over each side: up to 28 levels of
/// blue.
const ANY_BOUND: Difference = Difference { mean: [32.0; 3], max: [32.0; 3] };

/// 8-bit RGB, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Three bytes for each pixel.
    pub pixels: Vec<u8>,
}

/// How far the means of blocks are apart in R, G and B, in levels of 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The mean over all blocks of the absolute difference.
    pub mean: [f32; 3],
    /// The largest absolute difference.
    pub max: [f32; 3],
}

impl Difference {
    /// Whether no channel is beyond the bound.
    pub fn is_within(&self, bound: &Self) -> bool {
        let all =
            |values: [f32; 3], bounds: [f32; 3]| values.iter().zip(bounds).all(|(a, b)| *a <= b);
        all(self.mean, bound.mean) && all(self.max, bound.max)
    }
}

/// Checks that a scaled decode equals the full decode, scaled down. Bytes that are not a JPEG
/// describe an image to encode.
pub fn jpeg_scaled(data: &[u8]) {
    if data.starts_with(b"\xff\xd8") {
        let size =
            Decoder::new(data, Scale::Half).map(|jpeg| [jpeg.full_width(), jpeg.full_height()]);
        if size.is_ok_and(|[width, height]| width * height <= MAX_PIXELS) {
            compare_all(data, &ANY_BOUND);
        }
        return;
    }
    if let Ok(photo) = Photo::arbitrary_take_rest(Unstructured::new(data)) {
        compare_all(&photo.encode(), &GENERATED_BOUND);
    }
}

/// Compares a file at each scale at which the scaled decoder reads it.
///
/// # Panics
/// When a difference is beyond the bound.
pub fn compare_all(file: &[u8], bound: &Difference) {
    for &scale in Scale::ALL {
        let Some(scaled) = decode_scaled(file, scale) else { continue };
        let Some(full) = decode_full(file) else { return };
        if let Some(difference) = difference(&full, &scaled) {
            assert!(difference.is_within(bound), "{scale:?}: {difference:?}");
        }
    }
}

/// Decodes by the crate under test. `None` if it refuses the file.
pub fn decode_scaled(file: &[u8], scale: Scale) -> Option<Image> {
    let decoder = Decoder::new(file, scale).ok()?;
    let mut pixels = vec![0; decoder.rgb_len()];
    decoder.decode_rgb(&mut pixels).ok()?;
    Some(Image { width: decoder.width() as usize, height: decoder.height() as usize, pixels })
}

/// Decodes by zune-jpeg.
pub fn decode_full(file: &[u8]) -> Option<Image> {
    let options =
        DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let pixels = decoder.decode().ok()?;
    let info = decoder.info()?;
    Some(Image { width: info.width.into(), height: info.height.into(), pixels })
}

/// Compares the means of blocks. `None` if no block can be compared.
///
/// # Panics
/// When the scaled image does not have a half, a quarter or an eighth of the full one's sides.
pub fn difference(full: &Image, scaled: &Image) -> Option<Difference> {
    let sides = |divisor| [full.width.div_ceil(divisor), full.height.div_ceil(divisor)];
    // An image of one pixel has all scales, and no whole block.
    let divisor = [2, 4, 8].into_iter().find(|&by| sides(by) == [scaled.width, scaled.height]);
    let divisor = divisor.expect("a half, a quarter or an eighth of the sides");
    let mut differences = Difference { mean: [0.0; 3], max: [0.0; 3] };
    let mut blocks = 0;
    for y in 0..full.height / BLOCK {
        for x in 0..full.width / BLOCK {
            let means = (full.block_mean(x, y, BLOCK), scaled.block_mean(x, y, BLOCK / divisor));
            let (Some(full), Some(scaled)) = means else { continue };
            blocks += 1;
            for channel in 0..3 {
                let difference = (full[channel] - scaled[channel]).abs();
                differences.mean[channel] += difference;
                differences.max[channel] = differences.max[channel].max(difference);
            }
        }
    }
    differences.mean = differences.mean.map(|sum| sum / blocks as f32);
    (blocks > 0).then_some(differences)
}

impl Image {
    /// The mean colour of the block in this column and row. `None` if a sample is saturated.
    fn block_mean(&self, column: usize, row: usize, side: usize) -> Option<[f32; 3]> {
        let mut sums = [0; 3];
        for y in row * side..(row + 1) * side {
            let start = 3 * (y * self.width + column * side);
            for pixel in self.pixels[start..][..3 * side].chunks_exact(3) {
                if !pixel.iter().all(|sample| UNSATURATED.contains(sample)) {
                    return None;
                }
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(sample);
                }
            }
        }
        Some(sums.map(|sum| sum as f32 / (side * side) as f32))
    }
}

/// An image as smooth as photos are, and how it is encoded.
#[derive(Arbitrary)]
struct Photo {
    sides: [u8; 2],
    /// Spread evenly over the image, four to a row; between them, colours are interpolated.
    colours: [[u8; 3]; 16],
    sampling: u8,
    quality: u8,
    restart_interval: u8,
    is_grey: bool,
}

impl Photo {
    fn encode(&self) -> Vec<u8> {
        use SamplingFactor::{F_1_1, F_1_2, F_2_1, F_2_2};
        let [width, height] = self.sides.map(|side| usize::from(side) + 64);
        let at = |x: usize, y: usize| {
            let (u, v) = (x as f32 * 3.0 / width as f32, y as f32 * 3.0 / height as f32);
            let (column, row) = (u as usize, v as usize);
            let (right, below) = (u - column as f32, v - row as f32);
            let colour = |column: usize, row: usize, channel: usize| {
                // Less than the whole range, so that most samples stay unsaturated.
                f32::from(self.colours[4 * row + column][channel]) * 0.75 + 32.0
            };
            std::array::from_fn::<_, 3, _>(|channel| {
                let across = |row| {
                    colour(column, row, channel) * (1.0 - right)
                        + colour(column + 1, row, channel) * right
                };
                (across(row) * (1.0 - below) + across(row + 1) * below) as u8
            })
        };
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels = pixels.map(|(x, y)| at(x, y));
        let (samples, colour): (Vec<u8>, _) = if self.is_grey {
            (pixels.map(|[red, ..]| red).collect(), ColorType::Luma)
        } else {
            (pixels.flatten().collect(), ColorType::Rgb)
        };
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 20 + self.quality % 81);
        encoder.set_sampling_factor([F_1_1, F_2_1, F_1_2, F_2_2][usize::from(self.sampling % 4)]);
        if self.restart_interval > 0 {
            encoder.set_restart_interval(self.restart_interval.into());
        }
        encoder.encode(&samples, width as u16, height as u16, colour).expect("a JPEG");
        file
    }
}
