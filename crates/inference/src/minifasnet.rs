//! Networks with the interface of Silent-Face's MiniFASNet.

use face_liveness_detection::{Error, Network};
use face_liveness_schema::{ImageType, ModelInputs};
use ndarray::ArrayD;

use crate::{Calibration, Crop, Frame, LivenessModel};

/// How many times the face's box each network sees, and what it reads: Silent-Face's own numbers.
const SCALES: [f64; 2] = [2.7, 4.0];
const SIDE: usize = 80;
/// Of the three classes, the bona fide one.
const BONA_FIDE: usize = 1;

/// A pair of networks that each see one crop of one RGB photo, their probabilities averaged.
///
/// The interface is Silent-Face-Anti-Spoofing's (Minivision, Apache-2.0), so whoever has its two files,
/// `2.7_80x80_MiniFASNetV2` and `4_0_0_80x80_MiniFASNetV1SE` as ONNX, may go on with them:
/// input `1 × 3 × 80 × 80`, the crop of 2.7 or 4.0 times the face box, blue, green, red, 0 to 255;
/// output `1 × 3` logits, class 1 bona fide. See [`Crop`].
#[derive(Debug)]
pub struct MiniFasNet {
    name: String,
    inputs: ModelInputs,
    networks: [Network; 2],
    calibration: Calibration,
}

impl MiniFasNet {
    /// Loads the network for the crop of 2.7 times the box and the one for 4.0 times, as ONNX files.
    ///
    /// # Errors
    /// When either is not ONNX or does not fit the interface.
    pub fn new(name: impl Into<String>, near: &[u8], wide: &[u8]) -> Result<Self, Error> {
        let load = |onnx| Network::from_onnx(onnx, [3, SIDE, SIDE]);
        Ok(Self {
            name: name.into(),
            inputs: ModelInputs::single(ImageType::Rgb),
            networks: [load(near)?, load(wide)?],
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
        let [frame] = frames else {
            return Err(Error::new("failed", format!("it takes one frame, not {}", frames.len())));
        };
        let mut bona_fide = 0.0;
        for (network, scale) in self.networks.iter().zip(SCALES) {
            let crop = Crop::around(frame.face, scale, frame.image.width(), frame.image.height());
            let outputs = network.run(|planes| crop.write_bgr(frame.image, planes))?;
            bona_fide += bona_fide_probability(&outputs)? / SCALES.len() as f32;
        }
        Ok(self.calibration.apply(1.0 - bona_fide).clamp(0.0, 1.0))
    }
}

/// Softmax of the logits.
fn bona_fide_probability(outputs: &[ArrayD<f32>]) -> Result<f32, Error> {
    let logits =
        outputs.first().and_then(|output| output.as_slice()).filter(|logits| logits.len() == 3);
    let logits = logits.ok_or_else(|| Error::new("failed", "the output is not three logits"))?;
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials = logits.iter().map(|logit| (logit - highest).exp());
    let probability = (logits[BONA_FIDE] - highest).exp() / exponentials.sum::<f32>();
    if probability.is_finite() {
        Ok(probability)
    } else {
        Err(Error::new("failed", "a logit is not finite"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_bona_fide_class_is_the_second() {
        let probability = |logits: [f32; 3]| bona_fide_probability(&[array![logits].into_dyn()]);
        assert!((probability([0.0, 2f32.ln(), 0.0]).expect("finite") - 0.5).abs() < 1e-6);
        assert!(probability([f32::NAN, 0.0, 0.0]).is_err());
        assert!(probability([0.0, f32::INFINITY, 0.0]).is_err());
        assert!(bona_fide_probability(&[array![[0.0f32, 1.0]].into_dyn()]).is_err());
    }
}
