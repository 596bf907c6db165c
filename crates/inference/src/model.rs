//! What a liveness model is.

use face_liveness_detection::{BoundingBox, Error};
use face_liveness_image::ImageView;
use face_liveness_schema::ModelInputs;

/// One image of a capture, with the face to judge.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The image's index in the request: it tells a burst's frames apart when one has been left out.
    pub index: usize,
    /// The upright image.
    pub image: ImageView<'a>,
    /// The face, in the image's pixels.
    pub face: BoundingBox,
}

/// Judges whether a face is bona fide or a presentation attack. Shared between threads.
///
/// A model of several frames differs from a model of one in its [`inputs`](Self::inputs) alone:
///
/// ```
/// use face_liveness_inference::{Error, Frame, LivenessModel};
/// use face_liveness_schema::{ImageType, ModelInputs};
///
/// /// The mean over 2 to 8 frames of what another model says of each.
/// struct Burst<M> {
///     single: M,
///     inputs: ModelInputs,
/// }
///
/// impl<M: LivenessModel> LivenessModel for Burst<M> {
///     fn name(&self) -> &str {
///         "my-burst"
///     }
///
///     fn inputs(&self) -> &ModelInputs {
///         &self.inputs
///     }
///
///     fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, Error> {
///         let scores = frames.iter().map(|&frame| self.single.spoof_score(&[frame]));
///         let sum: f32 = scores.sum::<Result<f32, Error>>()?;
///         Ok(sum / frames.len() as f32)
///     }
/// }
///
/// # fn burst<M: LivenessModel>(single: M) -> impl LivenessModel {
/// Burst { single, inputs: ModelInputs::burst(ImageType::Rgb, 2..=8) }
/// # }
/// ```
pub trait LivenessModel: Send + Sync {
    /// The name by which requests choose it.
    fn name(&self) -> &str;

    /// The images that it takes.
    fn inputs(&self) -> &ModelInputs;

    /// The score from which a face is best called a spoof. Scores are calibrated so that it is 0.5.
    fn recommended_threshold(&self) -> f32 {
        0.5
    }

    /// The probability, 0 to 1, that the face is a presentation attack.
    ///
    /// `frames` are in the order of their indexes. The first has index 0; a later one is left out when no
    /// face was found in it.
    ///
    /// # Errors
    /// When a network fails: never because of what the images show.
    fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, Error>;
}
