//! The interface of a liveness model.

use face_liveness_detection::BoundingBox;
use face_liveness_image::ImageView;
use face_liveness_models::{OperatingPoint, Origin};
use face_liveness_network::Error;
use face_liveness_schema::ModelInputs;

/// One image of a capture, and the face to score in it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The upright image.
    pub image: ImageView<'a>,
    /// The face, in the image's pixels.
    pub face: BoundingBox,
    /// How many times the face's box fits into the image, by width or by height, whichever is
    /// less. Where borders were cut off the image, they count.
    pub room: f32,
}

impl<'a> Frame<'a> {
    /// An upright image and the face in it.
    pub fn new(image: ImageView<'a>, face: BoundingBox) -> Self {
        let (last_x, last_y) = ((image.width() - 1) as f32, (image.height() - 1) as f32);
        Self { image, face, room: (last_x / face.width).min(last_y / face.height) }
    }
}

/// Scores whether a face is bona fide or a presentation attack.
///
/// An engine calls one model from many threads at once. A multi-frame model differs from a
/// single-frame one only in its [`inputs`](Self::inputs):
///
/// ```
/// use face_liveness_inference::{Error, Frame, LivenessModel};
/// use face_liveness_schema::{ImageType, ModelInputs};
///
/// /// The mean of another model's scores of 2 to 8 frames.
/// struct Mean<M> {
///     single: M,
///     inputs: ModelInputs,
/// }
///
/// impl<M: LivenessModel> LivenessModel for Mean<M> {
///     fn name(&self) -> &str {
///         "mean"
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
/// # fn mean<M: LivenessModel>(single: M) -> impl LivenessModel {
/// Mean { single, inputs: ModelInputs::burst(ImageType::Rgb, 2..=8) }
/// # }
/// ```
pub trait LivenessModel: Send + Sync {
    /// The name by which requests choose the model.
    fn name(&self) -> &str;

    /// The images that the model takes.
    fn inputs(&self) -> &ModelInputs;

    /// The probability, 0 to 1, that the face is a presentation attack. Calibrate it so that 0.5 is
    /// a good threshold, for example with [`Calibration`](crate::Calibration).
    ///
    /// `frames` holds at least one frame, in the order of the images' indexes. The first is the
    /// image with index 0; a later image without a face is left out, so that a burst may have fewer
    /// frames than [`inputs`](Self::inputs) requires.
    ///
    /// # Errors
    /// When the model itself fails (see [`Error::run`]), never because of what the images show.
    fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, Error>;

    /// Thresholds, and the error rates that were measured at them. Empty unless overridden.
    fn operating_points(&self) -> &[OperatingPoint] {
        &[]
    }

    /// The files that the model was made from, for audits. Empty unless overridden.
    fn origin(&self) -> Origin {
        Origin::default()
    }
}
