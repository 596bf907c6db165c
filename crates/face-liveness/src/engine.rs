//! The pipeline: select → decode → find the face → score → answer.

use std::fmt;
use std::sync::Arc;

use face_liveness_detection::{BoundingBox, Face, FaceDetector, largest};
use face_liveness_image::{ImageView, Orientation, decode_base64};
use face_liveness_inference::{Frame, LivenessModel};
use face_liveness_schema::{ModelInputs, SelectedImage, Warning};

use crate::look::{IN_FULL, Input, SEARCH_SIDE};
use crate::position::position;
use crate::quality::warnings;
use crate::{EngineBuilder, Error, Limits, Request, RequestError, Response, Stage};

/// A detector, liveness models and limits, loaded once and shared: cloning one copies a pointer.
///
/// ```
/// let engine = face_liveness::Engine::builder().build()?;
/// let shared = engine.clone();
/// std::thread::spawn(move || shared.detect_json(b"{}")).join().unwrap();
/// # Ok::<(), face_liveness::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) detector: Box<dyn FaceDetector>,
    pub(crate) models: Vec<Box<dyn LivenessModel>>,
    pub(crate) default_model: usize,
    pub(crate) limits: Limits,
    pub(crate) min_face_side: u32,
    pub(crate) search_rotations: bool,
    pub(crate) on_stage: Option<Box<dyn Fn(Stage) + Send + Sync>>,
}

/// An image that a caller already holds.
#[derive(Clone, Copy)]
pub enum ImageSource<'a> {
    /// A JPEG, PNG, GIF, WebP or BMP file.
    Encoded {
        /// The file.
        bytes: &'a [u8],
        /// Apply its Exif orientation.
        auto_rotate: bool,
    },
    /// Upright pixels.
    Rgb(ImageView<'a>),
}

/// A response, and the face behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// What a service answers.
    pub response: Response,
    /// The face that was scored, in the image with index 0, with its landmarks where the detector has them: those of a
    /// face that was turned to be scored are in the order of the upright face.
    pub face: Face,
}

impl Engine {
    /// An engine with the built-in detector and model, unless set otherwise.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// Scores a request.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use face_liveness::{Engine, ErrorCode, Image, Request};
    ///
    /// let engine = Engine::builder().build()?;
    /// let request = Request::new([Image::rgb(1, "/9j/4AAQ")]).with_auto_rotate(true);
    /// let error = engine.detect(&request).unwrap_err();
    /// assert_eq!((error.code(), error.path()), (ErrorCode::InvalidValue, Some("images[0].index")));
    /// # Ok::<(), face_liveness::Error>(())
    /// ```
    pub fn detect(&self, request: &Request<'_>) -> Result<Response, Error> {
        let model = self.model(request.model.as_deref())?;
        let images = self.ended(Stage::Parse, request.select(model.inputs())?);
        self.score(model, images)
    }

    /// Scores an image that the caller already holds, with the default model.
    ///
    /// # Errors
    /// 215 and 223, and 219 when the default model needs more than one image.
    ///
    /// ```
    /// use face_liveness::ImageSource;
    ///
    /// let engine = face_liveness::Engine::builder().build()?;
    /// let bytes = std::fs::read("../../examples/photos/astronaut.jpg")?;
    /// let detection = engine.detect_image(ImageSource::Encoded { bytes: &bytes, auto_rotate: true })?;
    /// assert!(detection.response.spoof_score < 0.5);
    /// assert!(detection.face.landmarks.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detect_image(&self, image: ImageSource<'_>) -> Result<Detection, Error> {
        self.detect_images(&[image], None)
    }

    /// Scores the images of one capture, in the order of their indexes, with the model of that name or the
    /// default one. Images past those that the model takes are ignored.
    ///
    /// # Errors
    /// 113 for an unknown model, 219, 215 and 223.
    ///
    /// ```
    /// use face_liveness::ImageSource;
    /// use face_liveness::image::{Limits, decode};
    ///
    /// let engine = face_liveness::Engine::builder().build()?;
    /// let pixels = decode(&std::fs::read("../../examples/photos/astronaut.png")?, &Limits::default(), false)?;
    /// let detection = engine.detect_images(&[ImageSource::Rgb(pixels.view())], Some("rgb-single-v1"))?;
    /// assert_eq!(detection.response.model, "rgb-single-v1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detect_images(
        &self,
        images: &[ImageSource<'_>],
        model: Option<&str>,
    ) -> Result<Detection, Error> {
        let model = self.model(model)?;
        let (given, required) = (images.len(), model.inputs().required());
        if given < required {
            return Err(RequestError::TooFewImages { given, required }.into());
        }
        let images = images.iter().take(model.inputs().types().len()).enumerate();
        let inputs: Vec<_> = images.map(|(index, &image)| Input::given(index, image)).collect();
        self.analyse(model, &inputs)
    }

    /// Finds the face that would be scored: the largest. [`score_face`](Self::score_face) scores it.
    ///
    /// # Errors
    /// 215 and 223.
    pub fn find_face(&self, image: ImageSource<'_>) -> Result<Face, Error> {
        let input = Input::given(0, image);
        let seen = self.look(&input, &self.limits().image, SEARCH_SIDE)?;
        let face = largest(&seen.faces).map(|face| seen.in_image(face));
        face.ok_or(Error::NoFace { path: input.path })
    }

    /// Scores a face that the caller has found, in the pixels of the image as it is processed, with the model
    /// of that name or the default one.
    ///
    /// # Errors
    /// 113 for an unknown model, 215, and 219 when the model needs more than one image.
    ///
    /// ```
    /// use face_liveness::detection::BoundingBox;
    /// use face_liveness::ImageSource;
    ///
    /// let engine = face_liveness::Engine::builder().build()?;
    /// let bytes = std::fs::read("../../examples/photos/astronaut.jpg")?;
    /// let photo = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
    /// let face = engine.find_face(photo)?.bounding_box;
    /// let score = engine.score_face(photo, face, None)?;
    /// assert_eq!(score, engine.detect_image(photo)?.response.spoof_score);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn score_face(
        &self,
        image: ImageSource<'_>,
        face: BoundingBox,
        model: Option<&str>,
    ) -> Result<f32, Error> {
        let model = self.model(model)?;
        let required = model.inputs().required();
        if required > 1 {
            return Err(RequestError::TooFewImages { given: 1, required }.into());
        }
        let copy = self.copy_for(&Input::given(0, image), &face)?;
        let frame = Frame { index: 0, image: copy.view(), face: copy.of_full(&face) };
        Ok(self.ended(Stage::Score, spoof_score(model, &[frame])?))
    }

    /// The names by which requests choose a model.
    pub fn model_names(&self) -> impl Iterator<Item = &str> {
        self.0.models.iter().map(|model| model.name())
    }

    /// The images that a model takes.
    ///
    /// # Errors
    /// 113 when there is no such model.
    ///
    /// ```
    /// let engine = face_liveness::Engine::builder().build()?;
    /// assert_eq!(engine.model_inputs("rgb-single-v1")?.required(), 1);
    /// # Ok::<(), face_liveness::Error>(())
    /// ```
    pub fn model_inputs(&self, name: &str) -> Result<&ModelInputs, Error> {
        Ok(self.model(Some(name))?.inputs())
    }

    /// What a request may cost.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn model(&self, name: Option<&str>) -> Result<&dyn LivenessModel, Error> {
        let Parts { models, default_model, .. } = &*self.0;
        let model = match name {
            None => models.get(*default_model),
            Some(name) => models.iter().find(|model| model.name() == name),
        };
        Ok(&**model.ok_or_else(|| RequestError::NotFound { path: "model".into() })?)
    }

    pub(crate) fn score(
        &self,
        model: &dyn LivenessModel,
        images: Vec<SelectedImage<'_>>,
    ) -> Result<Response, Error> {
        let files = images.iter().map(|image| {
            let (path, data_path) = (image.path(), format!("{}.data", image.path()));
            match decode_base64(image.data.as_str()) {
                Ok(bytes) => Ok((path, data_path, bytes, image.auto_rotate)),
                Err(source) => Err(Error::Image { path: data_path, source }),
            }
        });
        let files: Vec<_> = files.collect::<Result<_, Error>>()?;
        let inputs = files.iter().map(|(path, data_path, bytes, auto_rotate)| Input {
            source: ImageSource::Encoded { bytes, auto_rotate: *auto_rotate },
            path: path.clone(),
            data_path: data_path.clone(),
        });
        Ok(self.analyse(model, &inputs.collect::<Vec<_>>())?.response)
    }

    /// From the images that the model takes to the answer.
    fn analyse(&self, model: &dyn LivenessModel, inputs: &[Input<'_>]) -> Result<Detection, Error> {
        // The frames of a burst are compared with each other, so all are read in full.
        let longer_side = if inputs.len() == 1 { SEARCH_SIDE } else { IN_FULL };
        let limits = self.limits().of_one_in(inputs.len());
        let look = |input| self.look(input, &limits, longer_side);
        let Some((input, others)) = inputs.split_first() else {
            return Err(RequestError::TooFewImages {
                given: 0,
                required: model.inputs().required(),
            }
            .into());
        };
        let seen = look(input)?;
        let Some(used) = largest(&seen.faces) else {
            return Err(Error::NoFace { path: input.path.clone() });
        };
        let others = others.iter().map(look).collect::<Result<Vec<_>, Error>>()?;
        let frames = [&seen].into_iter().chain(&others).enumerate().filter_map(|(index, seen)| {
            let face = largest(&seen.faces)?.bounding_box;
            Some(Frame { index, image: seen.copy.view(), face })
        });
        let frames: Vec<_> = frames.collect();
        let face = seen.in_image(used);
        let [width, height] = seen.image_sides();
        let position = position(&face.bounding_box, width, height);
        let mut warnings = warnings(&seen.faces, used, seen.copy.view(), position);
        warnings.extend((seen.turned != Orientation::UPRIGHT).then_some(Warning::Rotated));
        let spoof_score = self.ended(Stage::Score, spoof_score(model, &frames)?);
        let response = Response::new(spoof_score, position, model.name()).with_warnings(warnings);
        Ok(Detection { response, face })
    }
}

/// The model's score, which may be anyone's, once it is known to be a probability.
fn spoof_score(model: &dyn LivenessModel, frames: &[Frame<'_>]) -> Result<f32, Error> {
    let score = model.spoof_score(frames)?;
    if (0.0..=1.0).contains(&score) {
        return Ok(score);
    }
    Err(face_liveness_inference::Error::new("failed", "the model's score is not within 0 and 1")
        .into())
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<_> = self.model_names().collect();
        f.debug_struct("Engine").field("models", &models).finish_non_exhaustive()
    }
}

impl fmt::Debug for ImageSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoded { bytes, .. } => write!(f, "Encoded({} bytes)", bytes.len()),
            Self::Rgb(view) => write!(f, "Rgb({view:?})"),
        }
    }
}
