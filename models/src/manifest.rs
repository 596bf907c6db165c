//! The format of `model.json`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::network_file::NetworkEntry;
use crate::operating_point::of_manifest;
use crate::{
    BurstParams, CloseUp, CropInput, Error, Fusion, HeatmapInput, MotionInput, OperatingPoint,
    RefinerInput, SecondOpinion,
};

pub(crate) fn parse<M: DeserializeOwned>(json: &str) -> Result<M, Error> {
    serde_json::from_str(json).map_err(|cause| Error::Json(cause.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceDetectorManifest {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) networks: FaceDetectorNetworks,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceDetectorNetworks {
    pub(crate) heatmap: NetworkEntry<HeatmapInput>,
    pub(crate) refiner: NetworkEntry<RefinerInput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RgbSingleManifest {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) networks: BTreeMap<String, NetworkEntry<CropInput>>,
    pub(crate) fusion: Fusion,
    pub(crate) second_opinion: Option<SecondOpinion>,
    pub(crate) close_up: Option<CloseUp>,
    pub(crate) threshold: f32,
    #[serde(default, deserialize_with = "of_manifest")]
    pub(crate) operating_points: Vec<OperatingPoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RgbBurstManifest {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) single: String,
    pub(crate) min_frames: usize,
    pub(crate) max_frames: usize,
    pub(crate) motion: Option<MotionInput>,
    pub(crate) params: BurstParams,
    pub(crate) threshold: f32,
    #[serde(default, deserialize_with = "of_manifest")]
    pub(crate) operating_points: Vec<OperatingPoint>,
}
