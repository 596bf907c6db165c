//! The pipeline: select → decode → locate → score → respond.

use std::iter;

use face_liveness_detection::{BoundingBox, Face};
use face_liveness_image::{ZeroizeVec, decode_base64};
use face_liveness_inference::{Frame, LivenessModel};
use face_liveness_schema::{ModelInputs, RequestDocument, SelectedImage, Warning};

use crate::borders::Scene;
use crate::capture::Capture;
use crate::image_source::{ImageSource, Input};
use crate::locate::{Located, Locator};
use crate::position::position;
use crate::progress::{Reporter, Stage};
use crate::provenance::{image_provenance, provenance};
use crate::quality::{measure, warnings};
use crate::working_image::{FULL_SIDE, SEARCH_SIDE};
use crate::{Error, Limits, Quality, Request, RequestError, Response};

/// The parts of an engine that its clones share.
pub(crate) struct Pipeline {
    pub(crate) models: Vec<Box<dyn LivenessModel>>,
    /// The position of the default model in `models`.
    pub(crate) default_model: usize,
    pub(crate) locator: Locator,
    pub(crate) limits: Limits,
    /// The optional parts added to every response.
    pub(crate) parts: Parts,
    pub(crate) progress: Reporter,
}

/// The optional parts of a response.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts {
    pub(crate) provenance: bool,
    pub(crate) quality: bool,
}

/// A response, and the face behind it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Detection {
    /// The response, as a service sends it.
    pub response: Response,
    /// The face that was scored, in pixels of the image with index 0. Its landmarks, where the
    /// detector has them, keep the order of the upright face even when the image was rotated.
    pub face: Face,
}

/// An image file of a request.
struct File {
    bytes: ZeroizeVec<u8>,
    auto_rotate: bool,
    path: String,
    data_path: String,
}

impl Pipeline {
    /// Selects the images of a request body and scores them.
    pub(crate) fn detect_body(&self, body: &[u8]) -> Result<Response, Error> {
        let limit = self.limits.max_body_bytes;
        if body.len() > limit {
            return Err(Error::BodyTooLarge { length: body.len(), limit });
        }
        let (model, files, parts) = self.progress.time(Stage::Parse, None, || {
            let document = RequestDocument::parse(body)?;
            let model = self.model(document.model())?;
            let files = files(&document.select(model.inputs())?)?;
            let (provenance, quality) = (document.wants_provenance(), document.wants_quality());
            Ok::<_, Error>((model, files, Parts { provenance, quality }))
        })?;
        self.detect_files(model, &files, parts)
    }

    /// Selects the images of a request and scores them.
    pub(crate) fn detect_request(&self, request: &Request<'_>) -> Result<Response, Error> {
        let (model, files) = self.progress.time(Stage::Parse, None, || {
            let model = self.model(request.model.as_deref())?;
            Ok::<_, Error>((model, files(&request.select(model.inputs())?)?))
        })?;
        let Request { provenance, quality, .. } = *request;
        self.detect_files(model, &files, Parts { provenance, quality })
    }

    fn detect_files(
        &self,
        model: &dyn LivenessModel,
        files: &[File],
        parts: Parts,
    ) -> Result<Response, Error> {
        let inputs: Vec<_> = files.iter().enumerate().map(File::input).collect();
        Ok(self.detect(model, &inputs, parts)?.response)
    }

    /// Selects the images that the model takes from the caller's, and scores them.
    pub(crate) fn detect_sources(
        &self,
        images: &[ImageSource<'_>],
        model: Option<&str>,
    ) -> Result<Detection, Error> {
        let model = self.model(model)?;
        check_count(images.len(), model.inputs())?;
        let selected = images.iter().take(model.inputs().types().len()).enumerate();
        let inputs: Vec<_> =
            selected.map(|(index, &source)| Input::direct(index, source)).collect();
        self.detect(model, &inputs, Parts::default())
    }

    /// Decode → locate → score → respond.
    fn detect(
        &self,
        model: &dyn LivenessModel,
        inputs: &[Input<'_>],
        parts: Parts,
    ) -> Result<Detection, Error> {
        // Frames of a burst are compared with each other, so all are decoded at full size.
        let longer_side = if inputs.len() == 1 { SEARCH_SIDE } else { FULL_SIDE };
        let limits = self.limits.per_image(inputs.len());
        let locate = |input| self.locator.locate(input, &limits, longer_side);

        let Some((first, others)) = inputs.split_first() else {
            return Err(too_few(0, model.inputs()));
        };
        let located = locate(first)?;
        let Some(face) = located.largest_face() else {
            return Err(Error::NoFace { path: first.path.clone() });
        };
        let mut capture = Capture::default();
        let mut check = |input, frame: &_| {
            if model.inputs().is_burst() { capture.add(input, frame) } else { Ok(()) }
        };
        check(first, &located)?;
        let mut other_frames = Vec::with_capacity(others.len());
        for input in others {
            let frame = locate(input)?;
            check(input, &frame)?;
            other_frames.push(frame);
        }
        let scenes: Vec<_> = iter::once(&located).chain(&other_frames).filter_map(scene).collect();
        let frames: Vec<_> = scenes.iter().map(Scene::frame).collect();
        let spoof_score = self.score(model, &frames)?;
        let has_borders = scenes.first().is_some_and(Scene::has_borders);
        let (mut detection, quality) = respond(model, &located, face, has_borders, spoof_score);
        detection.response.warnings.extend(capture.warnings);
        if parts.quality || self.parts.quality {
            detection.response.quality = Some(quality);
        }
        if parts.provenance || self.parts.provenance {
            let frames = iter::once(&located).chain(&other_frames);
            let images = inputs.iter().zip(frames);
            let images = images.map(|(input, frame)| image_provenance(input, frame.image.view()));
            let made_from = provenance(&self.locator, model, images.collect());
            detection.response.provenance = Some(made_from);
        }
        Ok(detection)
    }

    /// Decode → score, for a face that the caller has located.
    pub(crate) fn score_face(
        &self,
        image: ImageSource<'_>,
        face: &BoundingBox,
        model: Option<&str>,
    ) -> Result<f32, Error> {
        let model = self.model(model)?;
        check_count(1, model.inputs())?;
        check_box(face)?;
        let input = Input::direct(0, image);
        let image = self.locator.decode_for(&input, &self.limits.image, face)?;
        check_place(face, image.full_size())?;
        let scene = Scene::new(image.view(), image.box_in_working(face));
        self.score(model, &[scene.frame()])
    }

    /// Decode → locate.
    pub(crate) fn find_face(&self, image: ImageSource<'_>) -> Result<Face, Error> {
        let input = Input::direct(0, image);
        let located = self.locator.locate(&input, &self.limits.image, SEARCH_SIDE)?;
        match located.largest_face() {
            Some(face) => Ok(located.in_sent_image(face)),
            None => Err(Error::NoFace { path: input.path }),
        }
    }

    /// The model of that name, or the default one.
    pub(crate) fn model(&self, name: Option<&str>) -> Result<&dyn LivenessModel, Error> {
        let model = match name {
            None => self.models.get(self.default_model),
            Some(name) => self.models.iter().find(|model| model.name() == name),
        };
        Ok(&**model.ok_or_else(|| RequestError::NotFound { path: "model".into() })?)
    }

    fn score(&self, model: &dyn LivenessModel, frames: &[Frame<'_>]) -> Result<f32, Error> {
        let score = self.progress.time(Stage::Score, None, || model.spoof_score(frames))?;
        // The model may be the caller's own.
        if (0.0..=1.0).contains(&score) {
            return Ok(score);
        }
        let cause = "the model's score is not between 0 and 1";
        Err(face_liveness_network::Error::run(cause).into())
    }
}

/// Decodes the base64 of every image that the model takes.
fn files(images: &[SelectedImage<'_>]) -> Result<Vec<File>, Error> {
    let file = |image: &SelectedImage<'_>| {
        let (path, data_path) = (image.path(), format!("{}.data", image.path()));
        match decode_base64(image.data.as_str()) {
            Ok(bytes) => Ok(File { bytes, auto_rotate: image.auto_rotate, path, data_path }),
            Err(source) => Err(Error::Image { path: data_path, source }),
        }
    };
    images.iter().map(file).collect()
}

impl File {
    fn input((index, file): (usize, &Self)) -> Input<'_> {
        Input {
            source: ImageSource::Encoded { bytes: &file.bytes, auto_rotate: file.auto_rotate },
            index,
            path: file.path.clone(),
            data_path: file.data_path.clone(),
        }
    }
}

/// The largest face and its surroundings; `None` for an image without a face.
fn scene<'a>(located: &'a Located<'_>) -> Option<Scene<'a>> {
    let face = located.largest_face()?.bounding_box;
    Some(Scene::new(located.image.view(), face))
}

fn respond(
    model: &dyn LivenessModel,
    located: &Located<'_>,
    scored: &Face,
    has_borders: bool,
    spoof_score: f32,
) -> (Detection, Quality) {
    let face = located.in_sent_image(scored);
    let [width, height] = located.sent_size();
    let position = position(&face.bounding_box, width, height);
    let quality = measure(&located.faces, scored, located.image.view(), &face);
    let mut warnings = warnings(&quality, position, has_borders);
    warnings.extend(located.is_rotated().then_some(Warning::Rotated));
    warnings.extend(located.is_distorted.then_some(Warning::Distorted));
    let response = Response::new(spoof_score, position, model.name()).with_warnings(warnings);
    (Detection { response, face }, quality)
}

/// Checks that a box has finite edges, and sides of at least a pixel.
fn check_box(face: &BoundingBox) -> Result<(), Error> {
    let BoundingBox { left, top, width, height } = *face;
    let is_length = |length: f32| length.is_finite() && length >= 1.0;
    first_fault([
        ("face.left", "is not finite", left.is_finite()),
        ("face.top", "is not finite", top.is_finite()),
        ("face.width", "is not a length of at least one pixel", is_length(width)),
        ("face.height", "is not a length of at least one pixel", is_length(height)),
    ])
}

/// Checks that at least half of a box lies in the image, across and down.
fn check_place(face: &BoundingBox, [width, height]: [u32; 2]) -> Result<(), Error> {
    let half_inside = |low: f32, length: f32, side: u32| {
        (low + length).min(side as f32) - low.max(0.0) >= length / 2.0
    };
    let across = half_inside(face.left, face.width, width);
    let down = half_inside(face.top, face.height, height);
    const TOO_LONG: &str = "is more than twice that of the image";
    const OUTSIDE: &str = "puts more than half of the box outside the image";
    first_fault([
        ("face.width", TOO_LONG, face.width <= 2.0 * width as f32),
        ("face.height", TOO_LONG, face.height <= 2.0 * height as f32),
        ("face.left", OUTSIDE, across),
        ("face.top", OUTSIDE, down),
    ])
}

fn first_fault<const N: usize>(
    checks: [(&'static str, &'static str, bool); N],
) -> Result<(), Error> {
    match checks.into_iter().find(|(_, _, holds)| !holds) {
        Some((path, problem, _)) => Err(Error::FaceBox { path, problem }),
        None => Ok(()),
    }
}

fn check_count(given: usize, inputs: &ModelInputs) -> Result<(), Error> {
    if given < inputs.required() { Err(too_few(given, inputs)) } else { Ok(()) }
}

fn too_few(given: usize, inputs: &ModelInputs) -> Error {
    RequestError::TooFewImages { given, required: inputs.required() }.into()
}
