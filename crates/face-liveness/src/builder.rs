//! The settings of an engine.

use std::sync::Arc;

use face_liveness_detection::FaceDetector;
use face_liveness_inference::LivenessModel;

use crate::built_in::{self, BURST, SINGLE};
use crate::locate::Locator;
use crate::pipeline::{Parts, Pipeline};
use crate::progress::{Progress, Reporter};
use crate::{BuildError, Engine, Limits};

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
/// assert_eq!(names, ["rgb-single-v2", "rgb-burst-v2", "rgb-single-v1", "rgb-burst-v1"]);
/// # Ok::<(), face_liveness::BuildError>(())
/// ```
#[must_use]
pub struct EngineBuilder {
    detector: Option<Box<dyn FaceDetector>>,
    built_in_models: Option<Vec<String>>,
    models: Vec<Box<dyn LivenessModel>>,
    default_model: String,
    limits: Limits,
    min_face_side: u32,
    search_rotations: bool,
    parts: Parts,
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
            built_in_models: None,
            models: Vec::new(),
            default_model: SINGLE.to_owned(),
            limits: Limits::default(),
            min_face_side: MIN_FACE_SIDE,
            search_rotations: false,
            parts: Parts::default(),
            progress: Reporter::default(),
        }
    }
}

impl EngineBuilder {
    /// Sets the face detector. The built-in one,
    /// [`HeatmapDetector`](face_liveness_detection::HeatmapDetector), is then not loaded.
    pub fn detector(mut self, detector: impl FaceDetector + 'static) -> Self {
        self.detector = Some(Box::new(detector));
        self
    }

    /// Chooses the built-in models, and loads them with the engine. A burst model shares the
    /// networks of the single model of its version.
    ///
    /// Unless set, the engine has all four, but loads `rgb-single-v1` and `rgb-burst-v1` only when
    /// a request first names one of them. Version 0.3 removes both.
    ///
    /// ```
    /// use face_liveness::Engine;
    ///
    /// let engine = Engine::builder().built_in_models(["rgb-single-v2"]).build()?;
    /// assert_eq!(engine.model_names().collect::<Vec<_>>(), ["rgb-single-v2"]);
    /// # Ok::<(), face_liveness::BuildError>(())
    /// ```
    pub fn built_in_models<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.built_in_models = Some(names.into_iter().map(str::to_owned).collect());
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
    /// takes six detections instead of three: the two in copies of other proportions come last. An
    /// image of more than 12.5 megapixels is searched in smaller copies, and once more at its size
    /// in the rotation that shows a face.
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

    /// Sets whether every response says what it was made from: see
    /// [`Provenance`](crate::Provenance). Off unless set; a request asks for itself with the field
    /// `provenance`. SHA-256 takes about 3 ms per megabyte of image.
    ///
    /// ```
    /// use face_liveness::{Engine, ImageSource};
    ///
    /// let engine = Engine::builder().provenance(true).build()?;
    /// let bytes = std::fs::read("examples/photos/astronaut.jpg")?;
    /// let photo = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
    /// let provenance = engine.detect_image(photo)?.response.provenance.unwrap();
    /// assert_eq!(provenance.model_version, Some(3));
    /// assert!(provenance.files.contains_key("rgb-single-v2/model.json"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn provenance(mut self, provenance: bool) -> Self {
        self.parts.provenance = provenance;
        self
    }

    /// Sets whether every response has measures of the face: see [`Quality`](crate::Quality). Off
    /// unless set; a request asks for itself with the field `quality`.
    ///
    /// ```
    /// use face_liveness::{Engine, ImageSource};
    ///
    /// let engine = Engine::builder().quality(true).build()?;
    /// let bytes = std::fs::read("examples/photos/astronaut.jpg")?;
    /// let photo = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
    /// let quality = engine.detect_image(photo)?.response.quality.unwrap();
    /// assert!(quality.head_pose_roll.unwrap().abs() < 15.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quality(mut self, quality: bool) -> Self {
        self.parts.quality = quality;
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
    /// [`BuildError::Load`] when a built-in network cannot be loaded,
    /// [`BuildError::UnknownModel`] when a setting names a model that does not exist, and
    /// [`BuildError::NotLoaded`] when the default model is left out.
    ///
    /// ```
    /// use face_liveness::Engine;
    ///
    /// let error = Engine::builder().default_model("mine").build().unwrap_err();
    /// assert_eq!(error.to_string(), "no model is named mine (default_model)");
    /// let error = Engine::builder().built_in_models(["rgb-single-v1"]).build().unwrap_err();
    /// let expected = "default_model rgb-single-v2 is not loaded; loaded: rgb-single-v1";
    /// assert_eq!(error.to_string(), expected);
    /// ```
    pub fn build(self) -> Result<Engine, BuildError> {
        let mut models: Vec<Box<dyn LivenessModel>> = Vec::new();
        let loaded = self.built_in_models.as_deref();
        for name in loaded.unwrap_or(&[SINGLE, BURST].map(str::to_owned)) {
            if models.iter().chain(&self.models).all(|model| model.name() != name) {
                models.push(built_in::model(name)?);
            }
        }
        if loaded.is_none() {
            for earlier in built_in::earlier_models()? {
                if self.models.iter().all(|model| model.name() != earlier.name()) {
                    models.push(Box::new(earlier));
                }
            }
        }
        models.extend(self.models);
        let default_model = models.iter().position(|model| model.name() == self.default_model);
        let default_model = default_model.ok_or_else(|| not_loaded(self.default_model, &models))?;
        let locator = Locator {
            detector: match self.detector {
                Some(detector) => detector,
                None => Box::new(built_in::detector()?),
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
            parts: self.parts,
            progress: self.progress,
        })))
    }
}

/// Why the engine does not have the default model.
fn not_loaded(name: String, models: &[Box<dyn LivenessModel>]) -> BuildError {
    if built_in::NAMES.contains(&&*name) {
        let loaded = models.iter().map(|model| model.name().to_owned()).collect();
        BuildError::NotLoaded { name, loaded }
    } else {
        BuildError::UnknownModel { setting: "default_model", name }
    }
}
