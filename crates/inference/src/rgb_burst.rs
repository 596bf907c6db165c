//! `rgb-burst-v2` and `rgb-burst-v1`: two to eight frames of one capture.

use face_liveness_models::{BurstParams, MotionInput, RgbBurstBundle};
use face_liveness_network::{Error, logistic};
use face_liveness_schema::{ImageType, ModelInputs};

use crate::motion::independent_motion;
use crate::{Frame, LivenessModel, RgbSingle};

/// The mean of the frames' log-odds by [`RgbSingle`], corrected by the face's independent motion.
///
/// Independent motion is how much more the face changes between neighbouring frames than the
/// background, after the camera's motion is compensated. A picture of a face moves with its
/// background, as one plane.
#[derive(Debug)]
pub struct RgbBurst {
    name: String,
    inputs: ModelInputs,
    single: RgbSingle,
    motion: MotionInput,
    params: BurstParams,
}

impl RgbBurst {
    /// A burst model whose frames are scored by `single`.
    ///
    /// # Errors
    /// When `single` is not the model that the bundle was fitted with.
    pub fn new(bundle: &RgbBurstBundle, single: RgbSingle) -> Result<Self, Error> {
        if single.name() != bundle.single {
            let (name, expected) = (single.name(), &bundle.single);
            return Err(Error::load(format!("{} needs {expected}, not {name}", bundle.name)));
        }
        Ok(Self {
            name: bundle.name.clone(),
            inputs: ModelInputs::burst(ImageType::Rgb, bundle.min_frames..=bundle.max_frames),
            single,
            motion: bundle.motion,
            params: bundle.params,
        })
    }
}

impl LivenessModel for RgbBurst {
    fn name(&self) -> &str {
        &self.name
    }

    fn inputs(&self) -> &ModelInputs {
        &self.inputs
    }

    fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, Error> {
        let BurstParams { appearance, motion, neutral, limit, .. } = self.params;
        let mut sum = 0.0;
        for frame in frames {
            sum += self.single.log_odds(frame)?;
        }
        let moved = independent_motion(&self.motion, frames)
            .map_or(0.0, |moved| motion * (moved - neutral));
        let log_odds = appearance * sum / frames.len().max(1) as f32 + moved.clamp(-limit, limit);
        Ok(logistic(log_odds))
    }
}
