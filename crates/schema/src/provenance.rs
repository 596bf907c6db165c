//! The origin of an answer, for audits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The origin of an answer: the program, the weights and the images. The same program, with the
/// same weights and images, gives the same answer.
///
/// A request asks for it with `provenance`, which is not in the vendor's contract.
///
/// ```
/// use face_liveness_schema::Provenance;
///
/// let json = r#"{
///     "engine": "0.2.0",
///     "modelVersion": 3,
///     "searchRotations": false,
///     "files": { "rgb-single-v2/wide.onnx": "cbb859c8" },
///     "images": [{ "sha256": "9f86d081", "autoRotate": true, "width": 800, "height": 600 }]
/// }"#;
/// let provenance: Provenance = serde_json::from_str(json)?;
/// assert_eq!(provenance.images[0].width, 800);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(description = "What the answer was made from: the program, the weights, the images.")
)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Provenance {
    /// The version of the engine.
    pub engine: String,
    /// Counts the releases of the model of this name: its weights, its fusion and its threshold.
    /// Absent for a model without versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(with = "u32"))]
    pub model_version: Option<u32>,
    /// Whether rotated faces were searched for.
    pub search_rotations: bool,
    /// The SHA-256, in hexadecimal, of each file of the detector and of the model, by the names of
    /// its bundle and of the file: `rgb-single-v2/wide.onnx`.
    pub files: BTreeMap<String, String>,
    /// The images that were used, in the order of their indexes.
    pub images: Vec<ImageProvenance>,
}

impl Provenance {
    /// Creates the provenance of an answer.
    pub fn new(
        engine: impl Into<String>,
        files: BTreeMap<String, String>,
        images: Vec<ImageProvenance>,
    ) -> Self {
        Self { engine: engine.into(), files, images, ..Self::default() }
    }

    /// Sets the release of the model.
    #[must_use]
    pub fn with_model_version(mut self, version: Option<u32>) -> Self {
        self.model_version = version;
        self
    }

    /// Sets whether rotated faces were searched for.
    #[must_use]
    pub fn with_search_rotations(mut self, search: bool) -> Self {
        self.search_rotations = search;
        self
    }
}

/// An image that was used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(description = "An image that was used."))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImageProvenance {
    /// The SHA-256 of the file, in hexadecimal; of the RGB pixels for an image without a file.
    pub sha256: String,
    /// Whether the Exif orientation was applied, if there was one.
    pub auto_rotate: bool,
    /// The width, in pixels, at which the image was read: large photos are decoded smaller.
    pub width: u32,
    /// The height, in pixels, at which the image was read.
    pub height: u32,
}

impl ImageProvenance {
    /// Describes an image, and the size at which it was read.
    pub fn new(sha256: impl Into<String>, auto_rotate: bool, [width, height]: [u32; 2]) -> Self {
        Self { sha256: sha256.into(), auto_rotate, width, height }
    }
}
