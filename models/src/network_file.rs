//! One network of a bundle: its bytes, the hash that pins them, and the format of its input.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use crate::Error;

/// An ONNX file whose SHA-256 matched, and the format of the network's input.
#[derive(Clone)]
#[non_exhaustive]
pub struct NetworkFile<I> {
    /// The file's name within the bundle.
    pub file: String,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The format of the network's input.
    pub input: I,
    /// The file.
    pub onnx: Cow<'static, [u8]>,
}

/// The input of a network that reads a crop around the face: `1 × 3 × side × side`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CropInput {
    /// The width and height in pixels.
    pub side: u32,
    /// The sides of the crop, as multiples of the face box's.
    pub crop_scale: f64,
    /// Whether the longer side of the box counts for both: the crop is then square, unless the
    /// photo ends.
    #[serde(default)]
    pub square: bool,
    /// How the crop is resized.
    pub resize: Resize,
    /// The order of the planes.
    pub channels: Channels,
}

impl CropInput {
    /// For a network that has no manifest.
    pub const fn new(side: u32, crop_scale: f64, resize: Resize, channels: Channels) -> Self {
        Self { side, crop_scale, square: false, resize, channels }
    }
}

/// The input of a heatmap network: the whole image, `1 × 3 × H × W`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HeatmapInput {
    /// The width in pixels of a frame of zeros around the image, which the network's first
    /// convolution uses as its padding.
    pub frame: u32,
    /// The width and height of a cell of the output, in pixels of the input.
    pub stride: u32,
    /// How the image is resized.
    pub resize: Resize,
    /// The order of the planes.
    pub channels: Channels,
}

/// The input of a refiner: a square crop around a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RefinerInput {
    /// The width in pixels of a frame of zeros around the crop.
    pub frame: u32,
    /// The sides in pixels, without the frame.
    pub side: u32,
    /// The side of the crop, as a multiple of the proposal's longer side.
    pub crop_scale: f32,
    /// How the crop is resized.
    pub resize: Resize,
    /// The order of the planes.
    pub channels: Channels,
}

/// How the face's motion between two frames is measured, on luma grids of one crop, and how it
/// changes the score.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MotionInput {
    /// The side of the grids, in cells.
    pub side: u32,
    /// The sides of the crop, as multiples of the face box's.
    pub crop_scale: f64,
    /// How the crop is resized to a grid.
    pub resize: Resize,
    /// How far the background may have moved between two frames, in cells.
    pub reach: u32,
    /// Added to both differences of luma, so that identical frames do not divide by 0.
    pub noise: f32,
    /// The minimum number of face cells, and of background cells, for a comparison.
    pub min_cells: usize,
    /// The log-odds of an attack per unit of independent motion; below 0.
    pub slope: f32,
    /// The independent motion that does not change the score.
    pub neutral: f32,
    /// Motion changes the log-odds by at most this much: a person who sits still is not an attack.
    pub limit: f32,
}

/// How pixels are resized to a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Resize {
    /// Every source pixel is weighted by its distance, as in Pillow's `BILINEAR`: no aliasing.
    Area,
    /// OpenCV's `INTER_LINEAR` for 8-bit images: two source pixels along each axis.
    OpencvLinear,
}

/// The order of a network's planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// The bounds of a side in pixels: wide enough for any network that is practical on a CPU.
const SIDES: std::ops::RangeInclusive<u32> = 8..=1024;
/// The bounds of a crop, as multiples of the box's sides.
const CROP_SCALES: std::ops::RangeInclusive<f64> = 1.0..=10.0;

/// A network as the manifest describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkEntry<I> {
    file: String,
    sha256: String,
    input: I,
}

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(file: &[u8]) -> String {
    hmac_sha256::Hash::hash(file).map(|byte| format!("{byte:02x}")).concat()
}

/// An input whose ranges [`NetworkEntry::load`] checks.
pub(crate) trait Input {
    /// The first field that is out of range.
    fn out_of_range(&self) -> Option<&'static str>;
}

impl<I: Input> NetworkEntry<I> {
    /// `role` is the network's name in the manifest.
    pub(crate) fn load(
        self,
        role: &str,
        files: impl Fn(&str) -> Option<Cow<'static, [u8]>>,
    ) -> Result<NetworkFile<I>, Error> {
        let Self { file, sha256, input } = self;
        if let Some(field) = input.out_of_range() {
            return Err(Error::OutOfRange { field: format!("networks.{role}.input.{field}") });
        }
        let Some(onnx) = files(&file) else { return Err(Error::Missing { file }) };
        if self::sha256(&onnx) != sha256 {
            return Err(Error::Sha256 { file });
        }
        Ok(NetworkFile { file, sha256, input, onnx })
    }
}

impl Input for CropInput {
    fn out_of_range(&self) -> Option<&'static str> {
        first_false([
            ("side", SIDES.contains(&self.side)),
            ("crop_scale", CROP_SCALES.contains(&self.crop_scale)),
        ])
    }
}

impl Input for HeatmapInput {
    fn out_of_range(&self) -> Option<&'static str> {
        first_false([
            ("frame", self.frame <= 8),
            ("stride", (1..=64).contains(&self.stride)),
            // The detector has no other filter.
            ("resize", self.resize == Resize::Area),
        ])
    }
}

impl Input for RefinerInput {
    fn out_of_range(&self) -> Option<&'static str> {
        first_false([
            ("frame", self.frame <= 8),
            ("side", SIDES.contains(&self.side)),
            ("crop_scale", CROP_SCALES.contains(&self.crop_scale.into())),
            ("resize", self.resize == Resize::Area),
        ])
    }
}

impl Input for MotionInput {
    fn out_of_range(&self) -> Option<&'static str> {
        first_false([
            ("side", SIDES.contains(&self.side)),
            ("crop_scale", CROP_SCALES.contains(&self.crop_scale)),
            ("reach", self.reach < self.side / 2),
            ("noise", self.noise.is_finite() && self.noise > 0.0),
            ("min_cells", self.min_cells >= 1),
            ("slope", self.slope.is_finite()),
            ("neutral", self.neutral.is_finite()),
            ("limit", self.limit.is_finite() && self.limit >= 0.0),
        ])
    }
}

fn first_false<const N: usize>(fields: [(&'static str, bool); N]) -> Option<&'static str> {
    fields.into_iter().find(|(_, in_range)| !in_range).map(|(field, _)| field)
}

impl<I: fmt::Debug> fmt::Debug for NetworkFile<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkFile")
            .field("file", &self.file)
            .field("sha256", &self.sha256)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}
