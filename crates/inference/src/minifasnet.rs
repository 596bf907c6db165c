//! Networks with the interface of Silent-Face's MiniFASNet.

use face_liveness_models::{Channels, CropInput, Resize};
use face_liveness_network::Error;
use face_liveness_schema::{ImageType, ModelInputs};

use crate::crop_network::CropNetwork;
use crate::rgb_single::only_frame;
use crate::{Calibration, Frame, LivenessModel};

/// The crops as multiples of the face box, and the side of the inputs in pixels: Silent-Face's
/// values.
const CROP_SCALES: [f64; 2] = [2.7, 4.0];
const SIDE: u32 = 80;
/// The index of the bona fide class among three.
const BONA_FIDE: usize = 1;

/// An adapter for Silent-Face-Anti-Spoofing's pair of networks (Minivision, Apache-2.0). Each sees
/// one crop of the photo; their probabilities are averaged.
///
/// The files are `2.7_80x80_MiniFASNetV2` and `4_0_0_80x80_MiniFASNetV1SE` as ONNX. The input is
/// `1 × 3 × 80 × 80`, the crop of 2.7 or 4.0 times the face box; blue, green, red, 0 to 255. The
/// output is `1 × 3` logits, class 1 bona fide. See [`Crop`](crate::Crop).
#[derive(Debug)]
pub struct MiniFasNet {
    name: String,
    inputs: ModelInputs,
    networks: [CropNetwork; 2],
    calibration: Calibration,
}

impl MiniFasNet {
    /// Loads two ONNX files: the network for the crop of 2.7 times the box, and the one for 4.0
    /// times.
    ///
    /// # Errors
    /// When either file is not ONNX or does not fit the interface.
    pub fn new(name: impl Into<String>, v2: &[u8], v1se: &[u8]) -> Result<Self, Error> {
        let load = |onnx, crop_scale| {
            let input = CropInput::new(SIDE, crop_scale, Resize::OpencvLinear, Channels::Bgr);
            CropNetwork::new(onnx, input)
        };
        Ok(Self {
            name: name.into(),
            inputs: ModelInputs::single(ImageType::Rgb),
            networks: [load(v2, CROP_SCALES[0])?, load(v1se, CROP_SCALES[1])?],
            calibration: Calibration::IDENTITY,
        })
    }

    /// Maps the averaged score to a probability; [`Calibration::IDENTITY`] unless set.
    #[must_use]
    pub fn with_calibration(mut self, calibration: Calibration) -> Self {
        self.calibration = calibration;
        self
    }
}

impl LivenessModel for MiniFasNet {
    fn name(&self) -> &str {
        &self.name
    }

    fn inputs(&self) -> &ModelInputs {
        &self.inputs
    }

    fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, Error> {
        let frame = only_frame(frames)?;
        let mut bona_fide = 0.0;
        for network in &self.networks {
            bona_fide += bona_fide_probability(&network.run(frame)?)? / self.networks.len() as f32;
        }
        Ok(self.calibration.apply(1.0 - bona_fide).clamp(0.0, 1.0))
    }
}

/// Softmax of the logits.
fn bona_fide_probability(logits: &[f32]) -> Result<f32, Error> {
    if logits.len() != 3 {
        return Err(Error::run("the output is not three logits"));
    }
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials = logits.iter().map(|logit| (logit - highest).exp());
    let probability = (logits[BONA_FIDE] - highest).exp() / exponentials.sum::<f32>();
    if probability.is_finite() { Ok(probability) } else { Err(Error::run("a logit is not finite")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bona_fide_class_is_the_second() {
        let probability = |logits: [f32; 3]| bona_fide_probability(&logits);
        assert!((probability([0.0, 2f32.ln(), 0.0]).expect("finite") - 0.5).abs() < 1e-6);
        assert!(probability([f32::NAN, 0.0, 0.0]).is_err());
        assert!(probability([0.0, f32::INFINITY, 0.0]).is_err());
        assert!(bona_fide_probability(&[0.0, 1.0]).is_err());
    }
}
