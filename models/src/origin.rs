//! The files that a detector or a model was made from.

use std::collections::BTreeMap;

use crate::{FaceDetectorBundle, NetworkFile, RgbBurstBundle, RgbSingleBundle};

/// The files that a detector or a model was made from, for audits.
///
/// ```
/// let origin = face_liveness_models::rgb_single_v2()?.origin();
/// assert_eq!(origin.version, Some(3));
/// assert_eq!(origin.files["rgb-single-v2/wide.onnx"].len(), 64);
/// # Ok::<(), face_liveness_models::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// Counts the releases of the model of its name; `None` for one without versions.
    pub version: Option<u32>,
    /// The SHA-256 of each network and manifest, in hexadecimal, by the bundle's name and the
    /// file's: `rgb-single-v2/wide.onnx`.
    pub files: BTreeMap<String, String>,
}

impl Origin {
    fn of_manifest(bundle: &str, version: u32, sha256: &str) -> Self {
        let file = (format!("{bundle}/model.json"), sha256.to_owned());
        Self { version: Some(version), files: [file].into() }
    }

    fn with_network<I>(mut self, bundle: &str, network: &NetworkFile<I>) -> Self {
        self.files.insert(format!("{bundle}/{}", network.file), network.sha256.clone());
        self
    }
}

impl FaceDetectorBundle {
    /// The files of the bundle.
    pub fn origin(&self) -> Origin {
        Origin::of_manifest(&self.name, self.version, &self.manifest_sha256)
            .with_network(&self.name, &self.heatmap)
            .with_network(&self.name, &self.refiner)
    }
}

impl RgbSingleBundle {
    /// The files of the bundle.
    pub fn origin(&self) -> Origin {
        let manifest = Origin::of_manifest(&self.name, self.version, &self.manifest_sha256);
        self.networks
            .values()
            .fold(manifest, |origin, network| origin.with_network(&self.name, network))
    }
}

impl RgbBurstBundle {
    /// The manifest. The networks are those of the single model.
    pub fn origin(&self) -> Origin {
        Origin::of_manifest(&self.name, self.version, &self.manifest_sha256)
    }
}
