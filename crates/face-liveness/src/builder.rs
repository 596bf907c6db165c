//! The settings of an engine.

use std::sync::{Arc, OnceLock};

use face_liveness_detection::{FaceDetector, HeatmapDetector};
use face_liveness_inference::{LivenessModel, RgbBurst, RgbSingle};
use face_liveness_models as models;
use face_liveness_network::Error as NetworkError;

use crate::locate::Locator;
use crate::pipeline::Pipeline;
use crate::progress::{Progress, Reporter};
use crate::{BuildError, Engine, Limits};

const SINGLE: &str = "rgb-single-v2";
const BURST: &str = "rgb-burst-v2";
/// The models before these, until version 0.3.
const EARLIER_SINGLE: &str = "rgb-single-v1";
const EARLIER_BURST: &str = "rgb-burst-v1";
/// Loaded by default. Requests that name the earlier model of one photo work until version 0.3.
const LOADED: [&str; 3] = [SINGLE, BURST, EARLIER_SINGLE];
/// The contract's smallest face, in pixels.
const MIN_FACE_SIDE: u32 = 32;

/// Sets up an [`Engine`].
///
/// ```
/// use face_liveness::{Engine, Limits};
///
/// let engine = Engine::builder()
///     .search_rotations(true)
///     .limits(Limits::default().with_max_body_bytes(10_000_000))
///     .build()?;
/// let names: Vec<_> = engine.model_names().collect();
/// assert_eq!(names, ["rgb-single-v2", "rgb-burst-v2", "rgb-single-v1"]);
/// # Ok::<(), face_liveness::BuildError>(())
/// ```
#[must_use]
pub struct EngineBuilder {
    detector: Option<Box<dyn FaceDetector>>,
    built_in_models: Vec<String>,
    models: Vec<Box<dyn LivenessModel>>,
    default_model: String,
    limits: Limits,
    min_face_side: u32,
    search_rotations: bool,
    progress: Reporter,
}

impl Engine {
    /// Sets up an engine. Without further settings it has the built-in detector and models.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }
}

impl Default for EngineBuilder {
    fn default() -> Self {
        Self {
            detector: None,
            built_in_models: LOADED.map(str::to_owned).to_vec(),
            models: Vec::new(),
            default_model: SINGLE.to_owned(),
            limits: Limits::default(),
            min_face_side: MIN_FACE_SIDE,
            search_rotations: false,
            progress: Reporter::default(),
        }
    }
}

impl EngineBuilder {
    /// Sets the face detector. The built-in one, [`HeatmapDetector`], is then not loaded.
    pub fn detector(mut self, detector: impl FaceDetector + 'static) -> Self {
        self.detector = Some(Box::new(detector));
        self
    }

    /// Chooses the built-in models to load; `rgb-single-v2`, `rgb-burst-v2` and `rgb-single-v1`
    /// unless set. `rgb-burst-v1` is also built in. A burst model shares the networks of the single
    /// model of its version. Version 0.3 removes both models of v1.
    ///
    /// ```
    /// use face_liveness::Engine;
    ///
    /// let engine = Engine::builder().built_in_models(["rgb-single-v2"]).build()?;
    /// assert_eq!(engine.model_names().collect::<Vec<_>>(), ["rgb-single-v2"]);
    /// # Ok::<(), face_liveness::BuildError>(())
    /// ```
    pub fn built_in_models<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.built_in_models = names.into_iter().map(str::to_owned).collect();
        self
    }

    /// Adds a liveness model, for requests that name it. It replaces a model of the same name, even
    /// a built-in one.
    pub fn model(mut self, model: impl LivenessModel + 'static) -> Self {
        self.models.retain(|earlier| earlier.name() != model.name());
        self.models.push(Box::new(model));
        self
    }

    /// Sets the model for requests that do not name one; `rgb-single-v2` unless set.
    pub fn default_model(mut self, name: impl Into<String>) -> Self {
        self.default_model = name.into();
        self
    }

    /// Sets the limits on the memory and time of a request.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the minimum size of a face: its shorter side in pixels of `position`; 32 unless set.
    /// Smaller faces are ignored.
    pub fn min_face_side(mut self, pixels: u32) -> Self {
        self.min_face_side = pixels;
        self
    }

    /// Sets whether to search an image without a certain upright face again, rotated by 90°, 180°
    /// and 270°. This finds faces in rotated photos without an Exif tag. Off unless set.
    ///
    /// A face is upright when it rolls by at most 60°. A face found in a rotated image is scored
    /// there, because the models are trained on upright faces. `position` and the landmarks refer
    /// to the image as it was sent, and `warnings` contains `rotated`. An image without a face
    /// takes four detections instead of one.
    ///
    /// When off, an image whose best face scores below 0.98 is searched upside down too. A better
    /// face there means that the photo is upside down, and no face counts.
    ///
    /// ```
    /// use face_liveness::imaging::{Limits, Orientation, decode};
    /// use face_liveness::{Engine, ImageSource, Warning};
    ///
    /// let engine = Engine::builder().search_rotations(true).build()?;
    /// let bytes = std::fs::read("examples/photos/astronaut.jpg")?;
    /// let upright = decode(&bytes, &Limits::default(), false)?;
    /// let sideways = Orientation::new(6).unwrap().apply(upright);
    /// let detection = engine.detect_image(ImageSource::Rgb(sideways.view()))?;
    /// assert!(detection.response.warnings.contains(&Warning::Rotated));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn search_rotations(mut self, search: bool) -> Self {
        self.search_rotations = search;
        self
    }

    /// Sets a function to call when a stage of a request ends, on the thread that processes the
    /// request. A stage that fails is not reported. The clock is read only when a function is set.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use face_liveness::{Engine, ImageSource, Stage};
    ///
    /// static STAGES: Mutex<Vec<(Stage, Option<usize>)>> = Mutex::new(Vec::new());
    /// let engine = Engine::builder()
    ///     .on_progress(|ended| STAGES.lock().unwrap().push((ended.stage, ended.image)))
    ///     .build()?;
    /// let bytes = std::fs::read("examples/photos/astronaut.jpg")?;
    /// engine.detect_image(ImageSource::Encoded { bytes: &bytes, auto_rotate: true })?;
    /// let expected = [(Stage::Decode, Some(0)), (Stage::Detect, Some(0)), (Stage::Score, None)];
    /// assert_eq!(*STAGES.lock().unwrap(), expected);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_progress(mut self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.progress = Reporter::new(callback);
        self
    }

    /// Builds the engine. The built-in networks are loaded once per process; all engines share
    /// them.
    ///
    /// # Errors
    /// [`BuildError::Load`] when a built-in network cannot be loaded, and
    /// [`BuildError::UnknownModel`] when a setting names a model that does not exist,
    /// or is not loaded.
    ///
    /// ```
    /// use face_liveness::Engine;
    ///
    /// let error = Engine::builder().default_model("mine").build().unwrap_err();
    /// assert_eq!(error.to_string(), "default_model names a model that is not available: mine");
    /// ```
    pub fn build(self) -> Result<Engine, BuildError> {
        let mut models: Vec<Box<dyn LivenessModel>> = Vec::new();
        for name in &self.built_in_models {
            if models.iter().chain(&self.models).all(|model| model.name() != name) {
                models.push(built_in_model(name)?);
            }
        }
        models.extend(self.models);
        let default_model = models.iter().position(|model| model.name() == self.default_model);
        let default_model = default_model.ok_or_else(|| BuildError::UnknownModel {
            setting: "default_model",
            name: self.default_model,
        })?;
        let locator = Locator {
            detector: match self.detector {
                Some(detector) => detector,
                None => Box::new(built_in_detector()?),
            },
            min_face_side: self.min_face_side,
            search_rotations: self.search_rotations,
            progress: self.progress.clone(),
        };
        Ok(Engine(Arc::new(Pipeline {
            models,
            default_model,
            locator,
            limits: self.limits,
            progress: self.progress,
        })))
    }
}

fn built_in_detector() -> Result<Arc<HeatmapDetector>, BuildError> {
    static DETECTOR: OnceLock<Arc<HeatmapDetector>> = OnceLock::new();
    loaded_once(&DETECTOR, "face-detector-v1", || {
        let bundle = models::face_detector_v1().map_err(NetworkError::load)?;
        Ok(Arc::new(HeatmapDetector::new(&bundle)?))
    })
}

fn built_in_model(name: &str) -> Result<Box<dyn LivenessModel>, BuildError> {
    static NETWORKS: OnceLock<RgbSingle> = OnceLock::new();
    static EARLIER_NETWORKS: OnceLock<RgbSingle> = OnceLock::new();
    let load =
        |bundle: Result<_, models::Error>| RgbSingle::new(&bundle.map_err(NetworkError::load)?);
    let single = || loaded_once(&NETWORKS, SINGLE, || load(models::rgb_single_v2()));
    let earlier =
        || loaded_once(&EARLIER_NETWORKS, EARLIER_SINGLE, || load(models::rgb_single_v1()));
    match name {
        SINGLE => Ok(Box::new(single()?)),
        BURST => burst(BURST, models::rgb_burst_v2(), single()?),
        EARLIER_SINGLE => Ok(Box::new(earlier()?)),
        EARLIER_BURST => burst(EARLIER_BURST, models::rgb_burst_v1(), earlier()?),
        _ => {
            let setting = "built_in_models";
            Err(BuildError::UnknownModel { setting, name: name.to_owned() })
        }
    }
}

fn burst(
    name: &'static str,
    bundle: Result<models::RgbBurstBundle, models::Error>,
    single: RgbSingle,
) -> Result<Box<dyn LivenessModel>, BuildError> {
    let burst = bundle.map_err(NetworkError::load);
    let burst = burst.and_then(|bundle| RgbBurst::new(&bundle, single));
    Ok(Box::new(burst.map_err(|source| BuildError::Load { name, source })?))
}

/// Clones the cell's value, after loading it if the cell is empty.
fn loaded_once<T: Clone>(
    cell: &OnceLock<T>,
    name: &'static str,
    load: impl FnOnce() -> Result<T, NetworkError>,
) -> Result<T, BuildError> {
    match cell.get() {
        Some(loaded) => Ok(loaded.clone()),
        None => {
            let loaded = load().map_err(|source| BuildError::Load { name, source })?;
            Ok(cell.get_or_init(|| loaded).clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_model_can_be_chosen() {
        for name in [SINGLE, BURST, EARLIER_SINGLE, EARLIER_BURST] {
            let builder = Engine::builder().built_in_models([name]).default_model(name);
            let engine = builder.build().expect("a built-in model");
            assert_eq!(engine.model_names().collect::<Vec<_>>(), [name]);
        }
    }
}
