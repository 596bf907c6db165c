//! `rgb-burst-v2` and `rgb-burst-v1`: two to eight frames of one capture.

use face_liveness_models::{BurstParams, MotionInput, OperatingPoint, Origin, RgbBurstBundle};
use face_liveness_network::{Error, logistic};
use face_liveness_schema::{ImageType, ModelInputs};

use crate::motion::independent_motion;
use crate::{Frame, LivenessModel, RgbSingle};

/// The mean of the frames' log-odds by [`RgbSingle`]. A frame that is certainly an attack decides
/// alone, and so does one that scores above 0.5 where the others score far lower.
///
/// If the bundle configures it, the face's independent motion corrects the mean: how much more the
/// face changes between neighbouring frames than the background, after the camera's motion is
/// compensated. A picture of a face moves with its background, as one plane.
#[derive(Debug)]
pub struct RgbBurst {
    name: String,
    inputs: ModelInputs,
    single: RgbSingle,
    motion: Option<MotionInput>,
    params: BurstParams,
    operating_points: Vec<OperatingPoint>,
    origin: Origin,
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
        let mut origin = bundle.origin();
        origin.files.extend(single.origin().files);
        Ok(Self {
            name: bundle.name.clone(),
            inputs: ModelInputs::burst(ImageType::Rgb, bundle.min_frames..=bundle.max_frames),
            motion: bundle.motion,
            params: bundle.params,
            operating_points: bundle.operating_points.clone(),
            origin,
            single,
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
        let log_odds = frames.iter().map(|frame| self.single.log_odds(frame));
        let log_odds = log_odds.collect::<Result<Vec<_>, _>>()?;
        let moved = self.motion.as_ref().map_or(0.0, |motion| by_motion(motion, frames));
        Ok(logistic(fused(&self.params, &log_odds, moved)))
    }

    fn operating_points(&self) -> &[OperatingPoint] {
        &self.operating_points
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

/// How the face's independent motion changes the log-odds.
fn by_motion(motion: &MotionInput, frames: &[Frame<'_>]) -> f32 {
    let MotionInput { slope, neutral, limit, .. } = *motion;
    let moved = independent_motion(motion, frames);
    moved.map_or(0.0, |moved| slope * (moved - neutral)).clamp(-limit, limit)
}

/// The log-odds of a burst, from those of its frames and what its motion adds.
fn fused(params: &BurstParams, log_odds: &[f32], moved: f32) -> f32 {
    let BurstParams { appearance, certain, outlier, .. } = *params;
    let mut sorted = log_odds.to_vec();
    sorted.sort_by(f32::total_cmp);
    let (Some(&highest), Some(&median)) = (sorted.last(), sorted.get((sorted.len() - 1) / 2))
    else {
        return moved;
    };
    let fused = appearance * sorted.iter().sum::<f32>() / sorted.len() as f32 + moved;
    let stands_out = highest > 0.0 && highest - median >= outlier;
    if highest >= certain || stands_out { fused.max(highest) } else { fused }
}

#[cfg(test)]
mod tests {
    use face_liveness_models::{rgb_burst_v1, rgb_burst_v2};

    use super::*;

    #[test]
    fn a_certain_attack_is_not_outvoted() {
        let params = rgb_burst_v2().expect("built in").params;
        let fused = |log_odds: &[f32]| fused(&params, log_odds, 0.0);
        assert_eq!(fused(&[params.certain + 1.0, -9.0, -9.0, -9.0]), params.certain + 1.0);
        assert_eq!(fused(&[params.certain - 0.2, 1.0]), (params.certain + 0.8) / 2.0);
        assert_eq!(fused(&[-1.0, -3.0]), -2.0);
    }

    #[test]
    fn a_frame_that_stands_out_is_not_outvoted() {
        for bundle in [rgb_burst_v1(), rgb_burst_v2()] {
            let params = bundle.expect("built in").params;
            let fused = |log_odds: &[f32]| fused(&params, log_odds, 0.0);
            assert_eq!(fused(&[-4.0, 0.1, -5.0, -3.0, -4.0]), 0.1);
            assert_eq!(fused(&[-4.0, 0.1]), 0.1);
            // All are unsure.
            assert_eq!(fused(&[-1.0, 0.5, -1.0]), -0.5);
            // Alone, each is bona fide.
            assert_eq!(fused(&[-4.0, -0.5, -4.5]), -3.0);
        }
    }
}
