//! `rgb-single-v1`: two small networks on one photo.

use face_liveness_models::{Fusion, RgbSingleBundle};
use face_liveness_network::{Error, logistic};
use face_liveness_schema::{ImageType, ModelInputs};

use crate::crop_network::CropNetwork;
use crate::{Frame, LivenessModel};

/// Two networks: one sees a tight crop of the face, the other the face with its surroundings.
///
/// Each takes a crop of the photo, `1 × 3 × S × S`, 0 to 255, and returns the log-odds that the
/// face is an attack, `1 × 1`. [`Fusion`] combines them into one score.
#[derive(Debug, Clone)]
pub struct RgbSingle {
    name: String,
    inputs: ModelInputs,
    tight: CropNetwork,
    context: CropNetwork,
    fusion: Fusion,
}

impl RgbSingle {
    /// Loads both networks.
    ///
    /// # Errors
    /// When either file is not ONNX or does not take the input that the bundle describes.
    pub fn new(bundle: &RgbSingleBundle) -> Result<Self, Error> {
        Ok(Self {
            name: bundle.name.clone(),
            inputs: ModelInputs::single(ImageType::Rgb),
            tight: CropNetwork::new(&bundle.tight.onnx, bundle.tight.input)?,
            context: CropNetwork::new(&bundle.context.onnx, bundle.context.input)?,
            fusion: bundle.fusion,
        })
    }

    /// The fused log-odds that the face is an attack.
    pub(crate) fn log_odds(&self, frame: &Frame<'_>) -> Result<f32, Error> {
        let tight = only_value(&self.tight.run(frame)?)?;
        let context = only_value(&self.context.run(frame)?)?;
        let fusion = &self.fusion;
        Ok(fusion.tight * tight + fusion.context * context + fusion.intercept)
    }
}

impl LivenessModel for RgbSingle {
    fn name(&self) -> &str {
        &self.name
    }

    fn inputs(&self) -> &ModelInputs {
        &self.inputs
    }

    fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, Error> {
        self.log_odds(only_frame(frames)?).map(logistic)
    }
}

/// The only frame of a single-frame model.
pub(crate) fn only_frame<'a, 'b>(frames: &'a [Frame<'b>]) -> Result<&'a Frame<'b>, Error> {
    match frames {
        [frame] => Ok(frame),
        _ => Err(Error::run(format!("the model takes one frame, not {}", frames.len()))),
    }
}

fn only_value(values: &[f32]) -> Result<f32, Error> {
    match values {
        &[value] if value.is_finite() => Ok(value),
        _ => Err(Error::run("the output is not one finite number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_one_finite_number() {
        let value = |values: &[f32]| only_value(values).ok();
        assert_eq!(value(&[1.5]), Some(1.5));
        assert_eq!(value(&[f32::NAN]), None);
        assert_eq!(value(&[1.0, 2.0]), None);
        assert_eq!(value(&[]), None);
    }
}
