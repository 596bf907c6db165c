//! Which files a detector or a model was made from.

use std::collections::BTreeMap;

use crate::{FaceDetectorBundle, NetworkFile, RgbSingleBundle};

/// Which files a detector or a model was made from, for audits.
///
/// ```
/// let origin = face_liveness_models::rgb_single_v2()?.origin();
/// assert_eq!(origin.version, Some(1));
/// assert_eq!(origin.networks["rgb-single-v2/wide.onnx"].len(), 64);
/// # Ok::<(), face_liveness_models::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// Counts the releases of the model of its name; `None` for one without versions.
    pub version: Option<u32>,
    /// The SHA-256 of each network, in hexadecimal, by the bundle's name and the file's:
    /// `rgb-single-v2/wide.onnx`.
    pub networks: BTreeMap<String, String>,
}

impl FaceDetectorBundle {
    /// The files of the bundle.
    pub fn origin(&self) -> Origin {
        let Self { name, heatmap, refiner, .. } = self;
        let networks = [hash(name, heatmap), hash(name, refiner)];
        Origin { version: Some(self.version), networks: networks.into() }
    }
}

impl RgbSingleBundle {
    /// The files of the bundle.
    pub fn origin(&self) -> Origin {
        let networks = self.networks.values().map(|file| hash(&self.name, file));
        Origin { version: Some(self.version), networks: networks.collect() }
    }
}

fn hash<I>(bundle: &str, file: &NetworkFile<I>) -> (String, String) {
    (format!("{bundle}/{}", file.file), file.sha256.clone())
}
