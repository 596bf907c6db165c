//! `rgb-single-v1`: two small networks of our own on one photo.

use face_liveness_detection::{BoundingBox, Error, Network};
use face_liveness_image::ImageView;
use face_liveness_schema::{ImageType, ModelInputs};
use ndarray::{ArrayD, ArrayViewMut3};

use crate::{Crop, Frame, LivenessModel};

/// How the networks' log-odds make a score: the logistic function of `close · C + near · N + intercept`.
///
/// Platt scaling (Platt, "Probabilistic Outputs for Support Vector Machines", 1999) of two scores at once, fitted on
/// development data so that 0.5 is the threshold to recommend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fusion {
    /// What the close network's log-odds are multiplied by.
    pub close: f32,
    /// What the near network's log-odds are multiplied by.
    pub near: f32,
    /// What is then added.
    pub intercept: f32,
}

/// Two networks, of which one sees the face closely and one with what surrounds it.
///
/// Each takes `1 × 3 × S × S`: blue, green, red, 0 to 255; and gives `1 × 1`: the log-odds that the face is
/// an attack. [`Fusion`] makes the score of both.
#[derive(Debug, Clone)]
pub struct RgbSingle {
    name: String,
    inputs: ModelInputs,
    close: Network,
    near: Network,
    fusion: Fusion,
}

impl RgbSingle {
    /// The side in pixels of what the close network sees: 1.5 times the face's box, resized area-like.
    pub const CLOSE_SIDE: usize = 96;
    /// The side in pixels of what the near network sees: 2.7 times the face's box, resized as by OpenCV's
    /// `INTER_LINEAR`.
    pub const NEAR_SIDE: usize = 80;

    /// Loads both networks, ONNX files.
    ///
    /// # Errors
    /// When either is not ONNX or does not fit the interface.
    pub fn new(
        name: impl Into<String>,
        close: &[u8],
        near: &[u8],
        fusion: Fusion,
    ) -> Result<Self, Error> {
        Ok(Self {
            name: name.into(),
            inputs: ModelInputs::single(ImageType::Rgb),
            close: Network::from_onnx(close, [3, Self::CLOSE_SIDE, Self::CLOSE_SIDE])?,
            near: Network::from_onnx(near, [3, Self::NEAR_SIDE, Self::NEAR_SIDE])?,
            fusion,
        })
    }

    /// The log-odds, of both networks together, that the face is an attack.
    pub(crate) fn log_odds(&self, &Frame { image, face, .. }: &Frame<'_>) -> Result<f32, Error> {
        let mut written = Ok(());
        let close = self.close.run(|planes| written = Self::write_close(image, face, planes))?;
        written?;
        let near = self.near.run(|planes| Self::write_near(image, face, planes))?;
        let Fusion { close: of_close, near: of_near, intercept } = self.fusion;
        Ok(of_close * only_value(&close)? + of_near * only_value(&near)? + intercept)
    }

    /// Writes what the close network sees of a face into `3 × S × S`.
    ///
    /// # Errors
    /// When `planes` has no pixels.
    pub fn write_close(
        image: ImageView<'_>,
        face: BoundingBox,
        planes: ArrayViewMut3<'_, f32>,
    ) -> Result<(), Error> {
        Crop::around(face, 1.5, image.width(), image.height())
            .write_bgr_area(image, planes)
            .map_err(|cause| Error::new("cannot be given the image", cause))
    }

    /// Writes what the near network sees of a face into `3 × S × S`.
    pub fn write_near(image: ImageView<'_>, face: BoundingBox, planes: ArrayViewMut3<'_, f32>) {
        Crop::around(face, 2.7, image.width(), image.height()).write_bgr(image, planes);
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
        let [frame] = frames else {
            return Err(Error::new("failed", format!("it takes one frame, not {}", frames.len())));
        };
        Ok(1.0 / (1.0 + (-self.log_odds(frame)?).exp()))
    }
}

fn only_value(outputs: &[ArrayD<f32>]) -> Result<f32, Error> {
    let value =
        outputs.first().filter(|output| output.len() == 1).and_then(|output| output.first());
    let value = value.copied().filter(|value| value.is_finite());
    value.ok_or_else(|| Error::new("failed", "the output is not one finite number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn an_output_is_one_finite_number() {
        let value = |outputs: &[ArrayD<f32>]| only_value(outputs).ok();
        assert_eq!(value(&[array![[1.5f32]].into_dyn()]), Some(1.5));
        assert_eq!(value(&[array![[f32::NAN]].into_dyn()]), None);
        assert_eq!(value(&[array![[1.0f32, 2.0]].into_dyn()]), None);
        assert_eq!(value(&[]), None);
    }
}
