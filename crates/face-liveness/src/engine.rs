//! The pipeline: select → decode → find the face → score → answer.

use std::fmt;
use std::sync::Arc;

use face_liveness_detection::{BoundingBox, Face, FaceDetector, largest};
use face_liveness_image::{ImageView, Limits, Orientation, RgbImage, decode, decode_base64};
use face_liveness_inference::{Frame, LivenessModel};
use face_liveness_schema::{ModelInputs, SelectedImage, Warning};

use crate::position::position;
use crate::quality::warnings;
use crate::{EngineBuilder, Error, Request, RequestError, Response};

/// A face that leans by more degrees lies sideways or upside down. Between the 45° up to which the detectors know faces and
/// the 90° of a turn.
const UPRIGHT_LEAN: f32 = 60.0;
/// The orientations that turn an image by 90°, 270° and 180° clockwise.
const QUARTER_TURNS: [u32; 3] = [6, 8, 3];

/// The path of the only image, in errors of the calls that take one.
const FIRST_IMAGE: &str = "images[0]";

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
    pub(crate) image_limits: Limits,
    pub(crate) max_body_bytes: usize,
    pub(crate) min_face_side: u32,
    pub(crate) search_rotations: bool,
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
    /// let request = Request { auto_rotate: true, ..Request::new([Image::rgb(1, "/9j/4AAQ")]) };
    /// let error = engine.detect(&request).unwrap_err();
    /// assert_eq!((error.code(), error.path()), (ErrorCode::InvalidValue, Some("images[0].index")));
    /// # Ok::<(), face_liveness::Error>(())
    /// ```
    pub fn detect(&self, request: &Request<'_>) -> Result<Response, Error> {
        let model = self.model(request.model.as_deref())?;
        self.score(model, request.select(model.inputs())?)
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
    pub fn detect_images(&self, images: &[ImageSource<'_>], model: Option<&str>) -> Result<Detection, Error> {
        let model = self.model(model)?;
        let (given, required) = (images.len(), model.inputs().required());
        if given < required {
            return Err(RequestError::TooFewImages { given, required }.into());
        }
        let images = images.iter().take(model.inputs().types().len()).enumerate();
        let pixels = images.map(|(index, image)| {
            let path = format!("images[{index}]");
            let pixels = self.pixels(image, &path)?;
            Ok((path, pixels))
        });
        self.analyse(model, pixels.collect::<Result<_, Error>>()?)
    }

    /// Finds the face that would be scored: the largest. [`score_face`](Self::score_face) scores it.
    ///
    /// # Errors
    /// 215 and 223.
    pub fn find_face(&self, image: ImageSource<'_>) -> Result<Face, Error> {
        let seen = self.look(self.pixels(&image, FIRST_IMAGE)?)?;
        let face = largest(&seen.faces).map(|face| seen.in_image(face));
        face.ok_or_else(|| Error::NoFace { path: FIRST_IMAGE.into() })
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
        let pixels = self.pixels(&image, FIRST_IMAGE)?;
        spoof_score(model, &[Frame { index: 0, image: pixels.view(), face }])
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

    /// The longest body that [`detect_json`](Self::detect_json) reads, in bytes: a server does well to stop
    /// reading there.
    pub fn max_body_bytes(&self) -> usize {
        self.0.max_body_bytes
    }

    pub(crate) fn model(&self, name: Option<&str>) -> Result<&dyn LivenessModel, Error> {
        let Parts { models, default_model, .. } = &*self.0;
        let model = match name {
            None => models.get(*default_model),
            Some(name) => models.iter().find(|model| model.name() == name),
        };
        Ok(&**model.ok_or_else(|| RequestError::NotFound { path: "model".into() })?)
    }

    fn pixels<'a>(&self, image: &ImageSource<'a>, path: &str) -> Result<Pixels<'a>, Error> {
        match *image {
            ImageSource::Rgb(view) => Ok(Pixels::Borrowed(view)),
            ImageSource::Encoded { bytes, auto_rotate } => decode(bytes, &self.0.image_limits, auto_rotate)
                .map(Pixels::Owned)
                .map_err(|source| Error::Image { path: path.to_owned(), source }),
        }
    }

    pub(crate) fn score(
        &self,
        model: &dyn LivenessModel,
        images: Vec<SelectedImage<'_>>,
    ) -> Result<Response, Error> {
        let pixels = images.iter().map(|image| {
            let bytes = decode_base64(image.data.as_str());
            let pixels = bytes.and_then(|bytes| decode(&bytes, &self.0.image_limits, image.auto_rotate));
            let pixels =
                pixels.map_err(|source| Error::Image { path: format!("{}.data", image.path()), source })?;
            Ok((image.path(), Pixels::Owned(pixels)))
        });
        Ok(self.analyse(model, pixels.collect::<Result<_, Error>>()?)?.response)
    }

    /// From the pixels of the images that the model takes, each with its path, to the answer.
    fn analyse(
        &self,
        model: &dyn LivenessModel,
        images: Vec<(String, Pixels<'_>)>,
    ) -> Result<Detection, Error> {
        let images = images.into_iter().map(|(path, pixels)| Ok((path, self.look(pixels)?)));
        let images = images.collect::<Result<Vec<_>, Error>>()?;
        let mut frames = Vec::with_capacity(images.len());
        for (index, (path, seen)) in images.iter().enumerate() {
            match largest(&seen.faces) {
                Some(face) => {
                    frames.push(Frame { index, image: seen.pixels.view(), face: face.bounding_box })
                }
                None if index == 0 => return Err(Error::NoFace { path: path.clone() }),
                None => {}
            }
        }
        let first = images.first().and_then(|(_, seen)| Some((seen, largest(&seen.faces)?)));
        let Some((seen, face)) = first else {
            return Err(RequestError::TooFewImages { given: 0, required: model.inputs().required() }.into());
        };
        let mut warnings = warnings(&seen.faces, face, seen.pixels.view());
        warnings.extend((seen.turned != Orientation::UPRIGHT).then_some(Warning::Rotated));
        let face = seen.in_image(face);
        let [width, height] = seen.image_sides();
        let response = Response {
            spoof_score: spoof_score(model, &frames)?,
            position: position(&face.bounding_box, width, height),
            model: model.name().to_owned(),
            warnings,
        };
        Ok(Detection { response, face })
    }

    /// Finds the faces of an image. Where rotations are searched and none is upright, those of the turn that shows the surest
    /// largest one; where no turn does, none.
    fn look<'a>(&self, pixels: Pixels<'a>) -> Result<Seen<'a>, Error> {
        let faces = self.faces(pixels.view())?;
        if !self.0.search_rotations || faces.iter().any(is_upright) {
            return Ok(Seen { pixels, turned: Orientation::UPRIGHT, faces });
        }
        let mut best: Option<(f32, Seen<'a>)> = None;
        for turned in QUARTER_TURNS.into_iter().filter_map(Orientation::new) {
            let image = pixels.view();
            let pixels = turned.upright(image.crop(0, 0, image.width(), image.height()));
            let mut faces = self.faces(pixels.view())?;
            faces.retain(is_upright);
            let score = largest(&faces).map(|face| face.score);
            if let Some(score) = score.filter(|&score| best.as_ref().is_none_or(|&(most, _)| score > most)) {
                best = Some((score, Seen { pixels: Pixels::Owned(pixels), turned, faces }));
            }
        }
        let none = || Seen { pixels, turned: Orientation::UPRIGHT, faces: Vec::new() };
        Ok(best.map_or_else(none, |(_, seen)| seen))
    }

    /// The faces that are large enough to count.
    fn faces(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
        if image.width().min(image.height()) < self.0.min_face_side {
            return Ok(Vec::new());
        }
        let mut faces = self.0.detector.detect(image)?;
        faces.retain(|face| {
            let position = position(&face.bounding_box, image.width(), image.height());
            position.width.min(position.height) >= self.0.min_face_side
        });
        Ok(faces)
    }
}

fn is_upright(face: &Face) -> bool {
    face.lean().is_none_or(|lean| lean.abs() <= UPRIGHT_LEAN)
}

/// The model's score, which may be anyone's, once it is known to be a probability.
fn spoof_score(model: &dyn LivenessModel, frames: &[Frame<'_>]) -> Result<f32, Error> {
    let score = model.spoof_score(frames)?;
    if (0.0..=1.0).contains(&score) {
        return Ok(score);
    }
    Err(face_liveness_inference::Error::new("failed", "the model's score is not within 0 and 1").into())
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

/// An image as it was looked at, and the faces in it.
struct Seen<'a> {
    pixels: Pixels<'a>,
    /// What the image was taken for, to find a face that lies sideways or upside down.
    turned: Orientation,
    faces: Vec<Face>,
}

impl Seen<'_> {
    /// One of the faces in the image as it was given.
    fn in_image(&self, face: &Face) -> Face {
        let image = self.pixels.view();
        face.upright(self.turned.inverse(), image.width(), image.height())
    }

    /// Width and height of the image as it was given.
    fn image_sides(&self) -> [u32; 2] {
        let image = self.pixels.view();
        self.turned.inverse().upright_sides(image.width(), image.height())
    }
}

enum Pixels<'a> {
    Owned(RgbImage),
    Borrowed(ImageView<'a>),
}

impl Pixels<'_> {
    fn view(&self) -> ImageView<'_> {
        match self {
            Self::Owned(image) => image.view(),
            Self::Borrowed(view) => *view,
        }
    }
}
