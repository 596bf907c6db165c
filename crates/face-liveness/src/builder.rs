//! What an engine is made of.

use std::sync::{Arc, OnceLock};

use face_liveness_detection::{FaceDetector, HeatmapDetector};
use face_liveness_inference::{BurstParams, Fusion, LivenessModel, RgbBurst, RgbSingle};
use face_liveness_models as weights;

use crate::engine::{Engine, Parts};
use crate::{Error, Limits, RequestError, Stage};

const SINGLE: &str = "rgb-single-v1";
const OPEN: &str = "rgb-single-v1-open";
const BURST: &str = "rgb-burst-v1";
// Fitted on the development sets by `models/training`.
const SINGLE_FUSION: Fusion = Fusion { close: 0.828, near: 0.552, intercept: 0.415 };
const OPEN_FUSION: Fusion = Fusion { close: 0.560, near: 0.729, intercept: 0.490 };

/// Sets up an [`Engine`].
///
/// ```
/// use face_liveness::{Engine, Limits};
///
/// let engine = Engine::builder()
///     .search_rotations(true)
///     .limits(Limits { max_body_bytes: 10_000_000, ..Default::default() })
///     .build()?;
/// assert_eq!(engine.model_names().collect::<Vec<_>>(), ["rgb-single-v1", "rgb-burst-v1", "rgb-single-v1-open"]);
/// # Ok::<(), face_liveness::Error>(())
/// ```
#[must_use]
pub struct EngineBuilder {
    detector: Option<Box<dyn FaceDetector>>,
    models: Vec<Box<dyn LivenessModel>>,
    default_model: String,
    limits: Limits,
    min_face_side: u32,
    search_rotations: bool,
    on_stage: Option<Box<dyn Fn(Stage) + Send + Sync>>,
}

impl Default for EngineBuilder {
    fn default() -> Self {
        Self {
            detector: None,
            models: Vec::new(),
            default_model: SINGLE.to_owned(),
            limits: Limits::default(),
            // The contract's smallest face.
            min_face_side: 32,
            search_rotations: false,
            on_stage: None,
        }
    }
}

impl EngineBuilder {
    /// The face detector; [`HeatmapDetector`] with the built-in weights unless set.
    pub fn detector(mut self, detector: impl FaceDetector + 'static) -> Self {
        self.detector = Some(Box::new(detector));
        self
    }

    /// Adds a liveness model, for requests that name it. It replaces an earlier one of the same name,
    /// `rgb-single-v1` included.
    pub fn model(mut self, model: impl LivenessModel + 'static) -> Self {
        self.models.retain(|earlier| earlier.name() != model.name());
        self.models.push(Box::new(model));
        self
    }

    /// The model for requests that name none; `rgb-single-v1` unless set.
    pub fn default_model(mut self, name: impl Into<String>) -> Self {
        self.default_model = name.into();
        self
    }

    /// What a request may cost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The shorter side of the smallest face that counts as one, in pixels of `position`; 32 unless set.
    pub fn min_face_side(mut self, pixels: u32) -> Self {
        self.min_face_side = pixels;
        self
    }

    /// Where no upright face is found, whether to try the image's other three turns: for photos that lost their Exif
    /// orientation. Off unless set: then the built-in detector finds no face that lies sideways or upside down, for the liveness
    /// models have not learnt such faces. A face is upright when its landmarks lean by at most 60°; one that was found in a
    /// turned image is scored there, `position` and the landmarks stay in the image as it was sent, and `warnings` says
    /// `rotated`. Images without a face then cost four detections.
    ///
    /// ```
    /// use face_liveness::image::{Limits, Orientation, decode};
    /// use face_liveness::{Engine, ImageSource, Warning};
    ///
    /// let engine = Engine::builder().search_rotations(true).build()?;
    /// let upright = decode(&std::fs::read("../../examples/photos/astronaut.png")?, &Limits::default(), false)?;
    /// let sideways = Orientation::new(6).unwrap().apply(upright);
    /// let detection = engine.detect_image(ImageSource::Rgb(sideways.view()))?;
    /// assert!(detection.response.warnings.contains(&Warning::Rotated));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn search_rotations(mut self, search: bool) -> Self {
        self.search_rotations = search;
        self
    }

    /// Calls a function whenever a stage of a request has ended, on the thread that answers it. A caller who times requests
    /// reads the clock there: the engine itself knows none.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use face_liveness::{Engine, ImageSource, Stage};
    ///
    /// static ENDED: Mutex<Vec<Stage>> = Mutex::new(Vec::new());
    /// let engine = Engine::builder().on_stage(|stage| ENDED.lock().unwrap().push(stage)).build()?;
    /// let bytes = std::fs::read("../../examples/photos/astronaut.jpg")?;
    /// engine.detect_image(ImageSource::Encoded { bytes: &bytes, auto_rotate: true })?;
    /// assert_eq!(*ENDED.lock().unwrap(), [Stage::Decode, Stage::Detect, Stage::Score]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_stage(mut self, ended: impl Fn(Stage) + Send + Sync + 'static) -> Self {
        self.on_stage = Some(Box::new(ended));
        self
    }

    /// Loads what is not set. The built-in networks are loaded once in a process; further engines share them.
    ///
    /// # Errors
    /// When a network cannot be loaded, or [`default_model`](Self::default_model) names no model.
    pub fn build(self) -> Result<Engine, Error> {
        let mut models = built_in_models()?;
        models.retain(|built_in| self.models.iter().all(|own| own.name() != built_in.name()));
        models.extend(self.models);
        let default_model = models.iter().position(|model| model.name() == self.default_model);
        let default_model =
            default_model.ok_or_else(|| RequestError::NotFound { path: "default_model".into() })?;
        let detector = match self.detector {
            Some(detector) => detector,
            None => Box::new(built_in_detector()?),
        };
        Ok(Engine(Arc::new(Parts {
            detector,
            models,
            default_model,
            limits: self.limits,
            min_face_side: self.min_face_side,
            search_rotations: self.search_rotations,
            on_stage: self.on_stage,
        })))
    }
}

fn built_in_detector() -> Result<Arc<HeatmapDetector>, Error> {
    static DETECTOR: OnceLock<Arc<HeatmapDetector>> = OnceLock::new();
    let [heatmap, refiner] = [weights::FACE_DETECTOR_V1, weights::FACE_DETECTOR_V1_REFINER];
    loaded_once(&DETECTOR, || {
        Ok(Arc::new(HeatmapDetector::new(pinned(heatmap)?, pinned(refiner)?)?))
    })
}

/// One photo, the same by weights that are free of research data, and several frames of one capture.
fn built_in_models() -> Result<Vec<Box<dyn LivenessModel>>, Error> {
    static SINGLES: OnceLock<[RgbSingle; 2]> = OnceLock::new();
    let [single, open] = loaded_once(&SINGLES, || {
        let [close, near] = [weights::RGB_SINGLE_V1_CLOSE, weights::RGB_SINGLE_V1_NEAR];
        let single = RgbSingle::new(SINGLE, pinned(close)?, pinned(near)?, SINGLE_FUSION)?;
        let [close, near] = [weights::RGB_SINGLE_V1_OPEN_CLOSE, weights::RGB_SINGLE_V1_OPEN_NEAR];
        Ok([single, RgbSingle::new(OPEN, pinned(close)?, pinned(near)?, OPEN_FUSION)?])
    })?;
    let burst = RgbBurst::new(BURST, single.clone(), BurstParams::default());
    Ok(vec![Box::new(single), Box::new(burst), Box::new(open)])
}

/// The network, unless its bytes are others than those that were measured.
fn pinned(weights: weights::Weights) -> Result<&'static [u8], Error> {
    Ok(weights
        .verified()
        .map_err(|error| face_liveness_inference::Error::new("cannot be loaded", error))?)
}

/// A copy of what the cell holds, loaded where it holds nothing yet.
fn loaded_once<T: Clone>(
    cell: &OnceLock<T>,
    load: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    match cell.get() {
        Some(loaded) => Ok(loaded.clone()),
        None => load().map(|loaded| cell.get_or_init(|| loaded).clone()),
    }
}
