//! `rgb-burst-v1`: two to eight frames of one capture.

use face_liveness_detection::Error;
use face_liveness_schema::{ImageType, ModelInputs};

use crate::motion::independent_motion;
use crate::{Frame, LivenessModel, RgbSingle};

/// How a burst's motion counts beside what each frame looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurstParams {
    /// What the mean of the frames' calibrated log-odds is multiplied by.
    pub appearance: f32,
    /// The log-odds of an attack for each unit of independent motion, and below 0.
    pub motion: f32,
    /// The independent motion that speaks neither for nor against.
    pub neutral: f32,
    /// Motion alone moves the log-odds by no more than this: who sits still is not yet an attack.
    pub limit: f32,
}

impl Default for BurstParams {
    /// Motion is fitted to the training clients of Replay-Attack, its limit chosen on its `devel` clients: see the card
    /// of `rgb-single-v1`.
    fn default() -> Self {
        Self { appearance: 1.0, motion: -5.3, neutral: 0.38, limit: 0.5 }
    }
}

/// The mean of what [`RgbSingle`] says of each frame, corrected by whether the face moves by itself.
///
/// Independent motion is how much more the face changes than the wall behind it, between neighbouring frames and with
/// the camera's own motion taken out. The picture of a face moves with its background, as one plane.
#[derive(Debug)]
pub struct RgbBurst {
    name: String,
    inputs: ModelInputs,
    single: RgbSingle,
    params: BurstParams,
}

impl RgbBurst {
    /// Two to eight frames, each judged by `single`.
    pub fn new(name: impl Into<String>, single: RgbSingle, params: BurstParams) -> Self {
        Self {
            name: name.into(),
            inputs: ModelInputs::burst(ImageType::Rgb, 2..=8),
            single,
            params,
        }
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
        let BurstParams { appearance, motion, neutral, limit } = self.params;
        let mut sum = 0.0;
        for frame in frames {
            sum += self.single.log_odds(frame)?;
        }
        let moved = independent_motion(frames).map_or(0.0, |moved| motion * (moved - neutral));
        let log_odds = appearance * sum / frames.len().max(1) as f32 + moved.clamp(-limit, limit);
        Ok(1.0 / (1.0 + (-log_odds).exp()))
    }
}
