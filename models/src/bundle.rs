//! A model: its networks, and the numbers that were measured with them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::{check, require};
use crate::manifest::{
    FaceDetectorManifest, FaceDetectorNetworks, RgbBurstManifest, RgbSingleManifest, parse,
};
use crate::network_file::{Input, NetworkEntry, sha256};
use crate::operating_point::check_points;
use crate::{
    BurstParams, CloseUp, CropInput, Error, Fusion, HeatmapInput, MotionInput, NetworkFile,
    OperatingPoint, RefinerInput, SecondOpinion,
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
    /// The SHA-256 of the manifest, `model.json`, in hexadecimal.
    pub manifest_sha256: String,
}

/// Networks on one photo. Each sees a crop around the face; their log-odds combine into one score.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RgbSingleBundle {
    /// The name by which requests choose the model.
    pub name: String,
    /// Counts the releases of a model of this name.
    pub version: u32,
    /// At least one network, by its role: `context` for a crop of 2.7 × the face box, `wide`
    /// for 4 ×, `tight` for 1.5 ×.
    pub networks: BTreeMap<String, NetworkFile<CropInput>>,
    /// Combines the networks' log-odds into one score. Its weights have the roles of `networks`,
    /// except that of the second opinion.
    pub fusion: Fusion,
    /// The network that is asked where the fused score is unsure, if the model has one.
    pub second_opinion: Option<SecondOpinion>,
    /// The correction where the photo ends close to the face, if the model has one.
    pub close_up: Option<CloseUp>,
    /// The recommended threshold, 0 to 1: a face with at least this score is an attack.
    pub threshold: f32,
    /// Thresholds and the error rates measured at them; empty where none were measured.
    pub operating_points: Vec<OperatingPoint>,
    /// The SHA-256 of the manifest, `model.json`, in hexadecimal.
    pub manifest_sha256: String,
}

/// Frames of one capture, each scored by the model of a [`RgbSingleBundle`].
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
    /// How the face's motion changes the score; `None` where it does not.
    pub motion: Option<MotionInput>,
    /// How the frames' scores combine.
    pub params: BurstParams,
    /// The recommended threshold, 0 to 1: a face with at least this score is an attack.
    pub threshold: f32,
    /// Thresholds and the error rates measured at them; empty where none were measured.
    pub operating_points: Vec<OperatingPoint>,
    /// The SHA-256 of the manifest, `model.json`, in hexadecimal.
    pub manifest_sha256: String,
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
            manifest_sha256: sha256(json.as_bytes()),
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
    /// let folder = Path::new("rgb-single-v2");
    /// let json = std::fs::read_to_string(folder.join("model.json"))?;
    /// let read = |file: &str| std::fs::read(folder.join(file)).ok().map(Cow::Owned);
    /// let bundle = RgbSingleBundle::from_json(&json, read)?;
    /// assert_eq!(bundle.networks["context"].input.side, 80);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(
        json: &str,
        files: impl Fn(&str) -> Option<Cow<'static, [u8]>>,
    ) -> Result<Self, Error> {
        let manifest: RgbSingleManifest = parse(json)?;
        let RgbSingleManifest {
            name,
            version,
            networks,
            fusion,
            second_opinion,
            close_up,
            threshold,
            operating_points,
        } = manifest;
        check("networks", !networks.is_empty())?;
        for (role, weight) in &fusion.weights {
            require(&format!("networks.{role}"), networks.contains_key(role))?;
            check(&format!("fusion.{role}"), weight.is_finite())?;
        }
        check("fusion.intercept", fusion.intercept.is_finite())?;
        check("threshold", (0.0..=1.0).contains(&threshold))?;
        check_points(&operating_points)?;
        if let Some(SecondOpinion { network, within, weight, slope, intercept }) = &second_opinion {
            require(&format!("networks.{network}"), networks.contains_key(network))?;
            let is_fused = fusion.weights.contains_key(network);
            check("second_opinion.network", !is_fused && !fusion.weights.is_empty())?;
            check("second_opinion.within", within.is_finite() && *within > 0.0)?;
            check("second_opinion.weight", (0.0..=1.0).contains(weight))?;
            check("second_opinion.slope", slope.is_finite())?;
            check("second_opinion.intercept", intercept.is_finite())?;
        }
        if let Some(CloseUp { full_at, ends_at, shift }) = close_up {
            check("close_up.full_at", full_at.is_finite())?;
            check("close_up.ends_at", ends_at.is_finite() && ends_at > full_at)?;
            check("close_up.shift", shift.is_finite())?;
        }
        let second = second_opinion.as_ref().map(|second| &second.network);
        let load = |(role, network): (String, NetworkEntry<CropInput>)| {
            let has_weight = fusion.weights.contains_key(&role) || second == Some(&role);
            require(&format!("fusion.{role}"), has_weight)?;
            let file = network.load(&role, &files)?;
            Ok((role, file))
        };
        let networks = networks.into_iter().map(load).collect::<Result<_, Error>>()?;
        let manifest_sha256 = sha256(json.as_bytes());
        Ok(Self {
            name,
            version,
            networks,
            fusion,
            second_opinion,
            close_up,
            threshold,
            operating_points,
            manifest_sha256,
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
        let RgbBurstManifest {
            name,
            version,
            single,
            min_frames,
            max_frames,
            motion,
            params,
            threshold,
            operating_points,
        } = manifest;
        if let Some(field) = motion.as_ref().and_then(Input::out_of_range) {
            return Err(Error::OutOfRange { field: format!("motion.{field}") });
        }
        let BurstParams { appearance, certain, outlier } = params;
        check("params.appearance", appearance.is_finite())?;
        check("params.certain", certain >= 0.0)?;
        check("params.outlier", outlier >= 0.0)?;
        check("min_frames", min_frames >= 1)?;
        check("max_frames", (min_frames..=8).contains(&max_frames))?;
        check("threshold", (0.0..=1.0).contains(&threshold))?;
        check_points(&operating_points)?;
        Ok(Self {
            name,
            version,
            single,
            min_frames,
            max_frames,
            motion,
            params,
            threshold,
            operating_points,
            manifest_sha256: sha256(json.as_bytes()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights of a manifest with these `networks` and this `fusion`, or the error.
    fn loaded(networks: &[&str], fusion: &str) -> String {
        with_second(networks, fusion, "null")
    }

    fn with_second(networks: &[&str], fusion: &str, second: &str) -> String {
        with_corrections(networks, fusion, second, "null")
    }

    fn with_corrections(networks: &[&str], fusion: &str, second: &str, close: &str) -> String {
        // The SHA-256 of an empty file.
        const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let input =
            r#"{ "side": 80, "crop_scale": 2.7, "resize": "opencv-linear", "channels": "bgr" }"#;
        let network = |role: &&str| {
            format!(r#""{role}": {{ "file": "{role}", "sha256": "{EMPTY}", "input": {input} }}"#)
        };
        let networks: Vec<_> = networks.iter().map(network).collect();
        let networks = networks.join(", ");
        let json = format!(
            r#"{{ "name": "a", "version": 1, "networks": {{ {networks} }}, "fusion": {fusion},
                  "second_opinion": {second}, "close_up": {close}, "threshold": 0.5 }}"#
        );
        RgbSingleBundle::from_json(&json, |_| Some(Cow::Borrowed(&[])))
            .map_or_else(|error| error.to_string(), |bundle| format!("{:?}", bundle.fusion.weights))
    }

    #[test]
    fn any_number_of_networks_is_fused_by_role() {
        assert_eq!(
            loaded(&["context"], r#"{ "context": 1, "intercept": 0 }"#),
            r#"{"context": 1.0}"#
        );
        let three = loaded(&["a", "b", "c"], r#"{ "a": 1, "c": 2, "b": 0.5, "intercept": 0 }"#);
        assert_eq!(three, r#"{"a": 1.0, "b": 0.5, "c": 2.0}"#);
    }

    #[test]
    fn a_model_without_a_network_is_refused() {
        assert_eq!(loaded(&[], r#"{ "intercept": 0 }"#), "model.json: networks is out of range");
    }

    #[test]
    fn each_network_has_a_weight_and_each_weight_a_network() {
        let missing = |networks: &[&str], fusion: &str, field: &str| {
            assert_eq!(loaded(networks, fusion), format!("model.json: {field} is missing"));
        };
        missing(&["context", "wide"], r#"{ "context": 1, "intercept": 0 }"#, "fusion.wide");
        missing(&["context"], r#"{ "context": 1, "tight": 1, "intercept": 0 }"#, "networks.tight");
        // The name of the intercept is taken.
        missing(&["intercept"], r#"{ "intercept": 0 }"#, "fusion.intercept");
    }

    #[test]
    fn a_second_opinion_is_of_a_network_that_is_not_fused() {
        let fusion = r#"{ "context": 1, "intercept": 0 }"#;
        let loaded = |network: &str, within: &str, weight: &str| {
            let second = format!(
                r#"{{ "network": "{network}", "within": {within}, "weight": {weight},
                      "slope": 1, "intercept": 0 }}"#
            );
            with_second(&["context", "tight"], fusion, &second)
        };
        assert_eq!(loaded("tight", "4", "0.3"), r#"{"context": 1.0}"#);
        assert_eq!(loaded("wide", "4", "0.3"), "model.json: networks.wide is missing");
        let out_of_range = |network: &str, within: &str, weight: &str, field: &str| {
            let expected = format!("model.json: second_opinion.{field} is out of range");
            assert_eq!(loaded(network, within, weight), expected);
        };
        out_of_range("context", "4", "0.3", "network");
        out_of_range("tight", "0", "0.3", "within");
        out_of_range("tight", "4", "1.1", "weight");
    }

    #[test]
    fn a_close_up_has_less_room_than_other_photos() {
        let fusion = r#"{ "context": 1, "intercept": 0 }"#;
        let loaded = |full_at: &str, ends_at: &str| {
            let close = format!(r#"{{ "full_at": {full_at}, "ends_at": {ends_at}, "shift": -1 }}"#);
            with_corrections(&["context"], fusion, "null", &close)
        };
        assert_eq!(loaded("1.1", "1.3"), r#"{"context": 1.0}"#);
        assert_eq!(loaded("1.3", "1.3"), "model.json: close_up.ends_at is out of range");
        assert_eq!(loaded("1.1", "1e40"), "model.json: close_up.ends_at is out of range");
    }

    #[test]
    fn a_weight_is_a_finite_number() {
        for weight in ["NaN", "null", "\"1\""] {
            let fusion = format!(r#"{{ "context": {weight}, "intercept": 0 }}"#);
            assert_eq!(loaded(&["context"], &fusion), "model.json is invalid", "{weight}");
        }
        let infinite = |fusion: &str, field: &str| {
            assert_eq!(
                loaded(&["context"], fusion),
                format!("model.json: {field} is out of range")
            );
        };
        // Infinite as an f32.
        infinite(r#"{ "context": 1e39, "intercept": 0 }"#, "fusion.context");
        infinite(r#"{ "context": 1, "intercept": -1e39 }"#, "fusion.intercept");
    }
}
