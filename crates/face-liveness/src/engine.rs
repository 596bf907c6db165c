//! The public API of an engine.

use std::fmt;
use std::sync::Arc;

use face_liveness_detection::{BoundingBox, Face};
use face_liveness_models::OperatingPoint;
use face_liveness_schema::ModelInputs;

use crate::pipeline::Pipeline;
use crate::{Detection, Error, ImageSource, JsonAnswer, Limits, Request, Response};

/// A detector, liveness models and limits, loaded once and shared. Cloning copies a pointer.
///
/// ```
/// let engine = face_liveness::Engine::builder().build()?;
/// let shared = engine.clone();
/// std::thread::spawn(move || shared.detect_json(b"{}")).join().unwrap();
/// # Ok::<(), face_liveness::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Pipeline>);

impl Engine {
    /// Scores a request body: JSON, as the wire contract defines it.
    ///
    /// # Errors
    /// See [`Error`]. [`Error::to_body`] is the body to send instead of the response.
    ///
    /// ```
    /// use face_liveness::{Engine, ErrorCode};
    ///
    /// let engine = Engine::builder().build()?;
    /// let error = engine.detect_body(br#"{"images": []}"#).unwrap_err();
    /// assert_eq!((error.code(), error.path()), (ErrorCode::TooFewImages, Some("images")));
    /// # Ok::<(), face_liveness::BuildError>(())
    /// ```
    pub fn detect_body(&self, body: &[u8]) -> Result<Response, Error> {
        self.0.detect_body(body)
    }

    /// Scores a request body and returns the HTTP status and body to answer with, whatever the
    /// request holds. The caller checks the method, the path, the content type and the client's
    /// authorisation.
    ///
    /// ```
    /// let engine = face_liveness::Engine::builder().build()?;
    /// let answer = engine.detect_json(br#"{"images": []}"#);
    /// assert_eq!(answer.status, 400);
    /// assert!(answer.body.starts_with(br#"{"error":{"code":219,"message":"image_data_too_few""#));
    /// # Ok::<(), face_liveness::BuildError>(())
    /// ```
    pub fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        self.detect_body(body).into()
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
    /// let error = engine.detect(&Request::new([Image::rgb(1, "/9j/4AAQ")])).unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::InvalidValue);
    /// assert_eq!(error.path(), Some("images[0].index"));
    /// # Ok::<(), face_liveness::BuildError>(())
    /// ```
    pub fn detect(&self, request: &Request<'_>) -> Result<Response, Error> {
        self.0.detect_request(request)
    }

    /// Scores an image that the caller holds, with the default model.
    ///
    /// # Errors
    /// 215, 219 when the default model needs more than one image, 223, and 500.
    ///
    /// ```
    /// use face_liveness::{Engine, ImageSource};
    ///
    /// let engine = Engine::builder().build()?;
    /// let bytes = std::fs::read("examples/photos/astronaut.jpg")?;
    /// let photo = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
    /// let detection = engine.detect_image(photo)?;
    /// assert!(detection.response.spoof_score < 0.5);
    /// assert!(detection.face.landmarks.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detect_image(&self, image: ImageSource<'_>) -> Result<Detection, Error> {
        self.detect_images(&[image], None)
    }

    /// Scores the images of one capture, in the order of their indexes, with the model of that name
    /// or the default one. Images beyond those that the model takes are ignored.
    ///
    /// # Errors
    /// 112 for a frame of a burst that shows another face, 113 for an unknown model, 215, 219, 223,
    /// and 500.
    ///
    /// ```
    /// use face_liveness::imaging::{Limits, decode};
    /// use face_liveness::{Engine, ImageSource};
    ///
    /// let engine = Engine::builder().build()?;
    /// let bytes = std::fs::read("examples/photos/astronaut.jpg")?;
    /// let pixels = decode(&bytes, &Limits::default(), false)?;
    /// let frame = ImageSource::Rgb(pixels.view());
    /// let detection = engine.detect_images(&[frame, frame], Some("rgb-burst-v2"))?;
    /// assert_eq!(detection.response.model, "rgb-burst-v2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detect_images(
        &self,
        images: &[ImageSource<'_>],
        model: Option<&str>,
    ) -> Result<Detection, Error> {
        self.0.detect_sources(images, model)
    }

    /// Finds the face that would be scored: the largest. [`score_face`](Self::score_face) scores
    /// it.
    ///
    /// # Errors
    /// 215, 223, and 500.
    pub fn find_face(&self, image: ImageSource<'_>) -> Result<Face, Error> {
        self.0.find_face(image)
    }

    /// Scores a face that the caller has found, with the model of that name or the default one. The
    /// box is in pixels of the image after its orientation is applied.
    ///
    /// # Errors
    /// 112 for a box that is not finite, is less than a pixel wide or high, or lies more than half
    /// outside the image, across or down; 113 for an unknown model, 215, 219 when the model needs
    /// more than one image, and 500.
    ///
    /// ```
    /// use face_liveness::{Engine, ImageSource};
    ///
    /// let engine = Engine::builder().build()?;
    /// let bytes = std::fs::read("examples/photos/astronaut.jpg")?;
    /// let photo = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
    /// let face = engine.find_face(photo)?;
    /// let score = engine.score_face(photo, face.bounding_box, None)?;
    /// assert_eq!(score, engine.detect_image(photo)?.response.spoof_score);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn score_face(
        &self,
        image: ImageSource<'_>,
        face: BoundingBox,
        model: Option<&str>,
    ) -> Result<f32, Error> {
        self.0.score_face(image, &face, model)
    }

    /// The names by which requests choose a model.
    pub fn model_names(&self) -> impl Iterator<Item = &str> {
        self.0.models.iter().map(|model| model.name())
    }

    /// The name of the model that scores a request without `model`.
    pub fn default_model(&self) -> &str {
        self.0.models[self.0.default_model].name()
    }

    /// The images that a model takes.
    ///
    /// # Errors
    /// 113 when the engine has no such model.
    ///
    /// ```
    /// use face_liveness::Engine;
    ///
    /// let engine = Engine::builder().build()?;
    /// assert_eq!(engine.model_inputs("rgb-single-v2")?.required(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn model_inputs(&self, name: &str) -> Result<&ModelInputs, Error> {
        Ok(self.0.model(Some(name))?.inputs())
    }

    /// Thresholds for a model's scores, and the error rates that were measured at them. Empty for a
    /// model of version 1, and for a model of yours that does not override
    /// [`operating_points`](crate::inference::LivenessModel::operating_points).
    ///
    /// The score of a face between the thresholds `strict` and `low-friction` is uncertain: ask for
    /// a second capture.
    ///
    /// # Errors
    /// 113 when the engine has no such model.
    ///
    /// ```
    /// use face_liveness::Engine;
    ///
    /// let engine = Engine::builder().build()?;
    /// for point in engine.operating_points("rgb-single-v2")? {
    ///     println!("{}: {}", point.name, point.threshold);
    ///     for rates in &point.measured {
    ///         println!("  {}: BPCER {:.1} %", rates.set, 100.0 * rates.bpcer.value);
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn operating_points(&self, name: &str) -> Result<&[OperatingPoint], Error> {
        Ok(self.0.model(Some(name))?.operating_points())
    }

    /// The limits on the memory and time of a request.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<_> = self.model_names().collect();
        f.debug_struct("Engine").field("models", &models).finish_non_exhaustive()
    }
}
