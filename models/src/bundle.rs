//! A model: its networks, and the numbers that were measured with them.

use std::borrow::Cow;

use serde::Deserialize;

use crate::manifest::{
    FaceDetectorManifest, FaceDetectorNetworks, RgbBurstManifest, RgbSingleManifest,
    RgbSingleNetworks, parse,
};
use crate::network_file::Input;
use crate::{CropInput, Error, HeatmapInput, MotionInput, NetworkFile, RefinerInput};

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

/// How the networks' log-odds combine into a score: the logistic function of
/// `tight · T + context · C + intercept`.
///
/// Platt scaling of two scores at once (Platt, "Probabilistic Outputs for Support Vector Machines",
/// 1999), fitted on development data.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Fusion {
    /// The weight of the tight network's log-odds.
    pub tight: f32,
    /// The weight of the context network's log-odds.
    pub context: f32,
    /// The fused log-odds when both networks output 0.
    pub intercept: f32,
}

/// How the face's motion and the scores of the frames combine.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BurstParams {
    /// The weight of the mean log-odds of the frames.
    pub appearance: f32,
    /// The log-odds of an attack per unit of independent motion; below 0.
    pub motion: f32,
    /// The independent motion that does not change the score.
    pub neutral: f32,
    /// Motion changes the log-odds by at most this much: a person who sits still is not an attack.
    pub limit: f32,
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
