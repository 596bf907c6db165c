//! A model: its networks, and the numbers that were measured with them.

use std::borrow::Cow;

use crate::manifest::{
    FaceDetectorManifest, FaceDetectorNetworks, RgbBurstManifest, RgbSingleManifest,
    RgbSingleNetworks, parse,
};
use crate::network_file::Input;
use crate::{
    BurstParams, CropInput, Error, Fusion, HeatmapInput, MotionInput, NetworkFile, RefinerInput,
};

/// A face detector: a heatmap that proposes faces, and a refiner that checks each proposal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FaceDetectorBundle {
    /// The model's name.
    pub name: String,
    /// Counts the releases of a model of this name.
    pub version: u32,
    /// Proposes faces.
    pub heatmap: NetworkFile<HeatmapInput>,
    /// Checks a proposal.
    pub refiner: NetworkFile<RefinerInput>,
}

/// Two networks on one photo: one sees a tight crop of the face, the other the face with its
/// surroundings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RgbSingleBundle {
    /// The name by which requests choose the model.
    pub name: String,
    /// Counts the releases of a model of this name.
    pub version: u32,
    /// Sees a tight crop of the face.
    pub tight: NetworkFile<CropInput>,
    /// Sees the face with its surroundings.
    pub context: NetworkFile<CropInput>,
    /// Combines the log-odds of both into one score.
    pub fusion: Fusion,
    /// The recommended threshold, 0 to 1: a face with at least this score is an attack.
    pub threshold: f32,
}

/// Frames of one capture, each scored by the model of a [`RgbSingleBundle`], and the face's motion.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RgbBurstBundle {
    /// The name by which requests choose the model.
    pub name: String,
    /// Counts the releases of a model of this name.
    pub version: u32,
    /// The name of the model that scores each frame.
    pub single: String,
    /// The minimum number of frames in a request.
    pub min_frames: usize,
    /// The maximum number of frames that are used.
    pub max_frames: usize,
    /// How motion is measured.
    pub motion: MotionInput,
    /// How motion changes the score.
    pub params: BurstParams,
    /// The recommended threshold, 0 to 1: a face with at least this score is an attack.
    pub threshold: f32,
}

impl FaceDetectorBundle {
    /// Reads a manifest and the files that it names; `files` returns a file by its name.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn from_json(
        json: &str,
        files: impl Fn(&str) -> Option<Cow<'static, [u8]>>,
    ) -> Result<Self, Error> {
        let FaceDetectorManifest { name, version, networks } = parse(json)?;
        let FaceDetectorNetworks { heatmap, refiner } = networks;
        Ok(Self {
            name,
            version,
            heatmap: heatmap.load("heatmap", &files)?,
            refiner: refiner.load("refiner", &files)?,
        })
    }
}

impl RgbSingleBundle {
    /// Reads a manifest and the files that it names; `files` returns a file by its name.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use std::borrow::Cow;
    /// use std::path::Path;
    ///
    /// use face_liveness_models::RgbSingleBundle;
    ///
    /// let folder = Path::new("rgb-single-v1");
    /// let json = std::fs::read_to_string(folder.join("model.json"))?;
    /// let read = |file: &str| std::fs::read(folder.join(file)).ok().map(Cow::Owned);
    /// let bundle = RgbSingleBundle::from_json(&json, read)?;
    /// assert_eq!(bundle.tight.input.side, 96);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(
        json: &str,
        files: impl Fn(&str) -> Option<Cow<'static, [u8]>>,
    ) -> Result<Self, Error> {
        let RgbSingleManifest { name, version, networks, fusion, threshold } = parse(json)?;
        let RgbSingleNetworks { tight, context } = networks;
        let Fusion { tight: tight_weight, context: context_weight, intercept } = fusion;
        check("fusion", [tight_weight, context_weight, intercept].iter().all(|v| v.is_finite()))?;
        check("threshold", (0.0..=1.0).contains(&threshold))?;
        Ok(Self {
            name,
            version,
            tight: tight.load("tight", &files)?,
            context: context.load("context", &files)?,
            fusion,
            threshold,
        })
    }
}

impl RgbBurstBundle {
    /// Reads a manifest. The bundle has no network of its own.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let manifest: RgbBurstManifest = parse(json)?;
        let RgbBurstManifest { min_frames, max_frames, motion, params, threshold, .. } = manifest;
        if let Some(field) = motion.out_of_range() {
            return Err(Error::OutOfRange { field: format!("motion.{field}") });
        }
        let BurstParams { appearance, motion: slope, neutral, limit } = params;
        check("params", [appearance, slope, neutral].iter().all(|value| value.is_finite()))?;
        check("params.limit", limit.is_finite() && limit >= 0.0)?;
        check("min_frames", min_frames >= 1)?;
        check("max_frames", (min_frames..=8).contains(&max_frames))?;
        check("threshold", (0.0..=1.0).contains(&threshold))?;
        let RgbBurstManifest { name, version, single, .. } = manifest;
        Ok(Self { name, version, single, min_frames, max_frames, motion, params, threshold })
    }
}

fn check(field: &str, in_range: bool) -> Result<(), Error> {
    if in_range { Ok(()) } else { Err(Error::OutOfRange { field: field.to_owned() }) }
}
