//! `rgb-single-v2` and `rgb-single-v1`: small networks on one photo.

use std::sync::Arc;

use face_liveness_models::{CloseUp, OperatingPoint, Origin, RgbSingleBundle, SecondOpinion};
use face_liveness_network::{Error, logistic};
use face_liveness_schema::{ImageType, ModelInputs};

use crate::crop_network::CropNetwork;
use crate::{Frame, LivenessModel};

/// Networks that each see a crop around the face: closely, or with its surroundings.
///
/// A network takes its crop of the photo, `1 × 3 × S × S`, 0 to 255, and returns the log-odds
/// that the face is an attack, `1 × 1`. [`Fusion`](face_liveness_models::Fusion) combines them into
/// one score. Where that is unsure, a further network may be asked, as [`SecondOpinion`] says, and
/// [`CloseUp`] corrects the score where the photo ends close to the face.
#[derive(Debug, Clone)]
pub struct RgbSingle {
    name: String,
    inputs: ModelInputs,
    /// Each with the weight of its log-odds.
    networks: Vec<(CropNetwork, f32)>,
    intercept: f32,
    second: Option<(CropNetwork, SecondOpinion)>,
    close_up: Option<CloseUp>,
    operating_points: Arc<[OperatingPoint]>,
    origin: Origin,
}

impl RgbSingle {
    /// Loads the networks.
    ///
    /// # Errors
    /// When a file is not ONNX or does not take the input that the bundle describes, and when a
    /// network has no finite weight.
    pub fn new(bundle: &RgbSingleBundle) -> Result<Self, Error> {
        let RgbSingleBundle { fusion, second_opinion, .. } = bundle;
        let load = |role: &String| {
            let file = bundle.networks.get(role);
            let file = file.ok_or_else(|| Error::load(format!("there is no network {role}")))?;
            CropNetwork::new(&file.onnx, file.input)
        };
        let weighted = |(role, &weight): (&String, &f32)| {
            let network = load(role)?;
            let is_number = weight.is_finite().then_some((network, weight));
            is_number.ok_or_else(|| Error::load(format!("the weight of {role} is not finite")))
        };
        let networks: Vec<_> = fusion.weights.iter().map(weighted).collect::<Result<_, _>>()?;
        let second =
            second_opinion.as_ref().map(|second| Ok((load(&second.network)?, second.clone())));
        let second = second.transpose()?;
        if networks.len() + usize::from(second.is_some()) != bundle.networks.len() {
            return Err(Error::load("a network has no weight"));
        }
        Ok(Self {
            name: bundle.name.clone(),
            inputs: ModelInputs::single(ImageType::Rgb),
            networks,
            intercept: bundle.fusion.intercept,
            second,
            close_up: bundle.close_up,
            operating_points: bundle.operating_points.clone().into(),
            origin: bundle.origin(),
        })
    }

    /// The fused log-odds that the face is an attack.
    pub(crate) fn log_odds(&self, frame: &Frame<'_>) -> Result<f32, Error> {
        let mut sum = 0.0;
        for (network, weight) in &self.networks {
            sum += weight * only_value(&network.run(frame)?)?;
        }
        sum += self.intercept;
        let (closeness, shift) = self
            .close_up
            .map_or((0.0, 0.0), |close_up| (close_up.closeness(frame.room), close_up.shift));
        if let Some((network, opinion)) = &self.second
            && (sum.abs() < opinion.within || closeness > 0.0)
        {
            sum = reconsidered(sum, only_value(&network.run(frame)?)?, opinion, closeness);
        }
        Ok(sum + closeness * shift)
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

    fn operating_points(&self) -> &[OperatingPoint] {
        &self.operating_points
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

/// The log-odds `first`, moved towards those of the second opinion.
fn reconsidered(first: f32, second: f32, opinion: &SecondOpinion, closeness: f32) -> f32 {
    let &SecondOpinion { within, weight, slope, intercept, .. } = opinion;
    let doubt = (2.0 - 2.0 * first.abs() / within).clamp(0.0, 1.0);
    first + doubt.max(closeness) * weight * (slope * second + intercept - first)
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
    use face_liveness_detection::BoundingBox;
    use face_liveness_image::RgbImage;
    use face_liveness_models::rgb_single_v2;

    use super::*;

    /// The log-odds of a noisy photo, by the built-in networks of these roles with these weights.
    fn log_odds(weights: &[(&str, f32)], intercept: f32) -> Result<f32, Error> {
        let mut bundle = rgb_single_v2().expect("the built-in model");
        bundle.networks.retain(|role, _| weights.iter().any(|(name, _)| name == role));
        bundle.fusion.weights =
            weights.iter().map(|&(role, weight)| (role.to_owned(), weight)).collect();
        bundle.fusion.intercept = intercept;
        bundle.second_opinion = None;
        RgbSingle::new(&bundle)?.log_odds(&Frame::new(noise().view(), FACE))
    }

    const FACE: BoundingBox = BoundingBox { left: 60.0, top: 40.0, width: 30.0, height: 40.0 };

    fn noise() -> RgbImage {
        let samples = (0..160 * 120 * 3_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        RgbImage::new(160, 120, samples.collect()).expect("pixels")
    }

    #[test]
    fn the_score_is_the_weighted_sum_of_any_number_of_networks() {
        let sum = |weights: &[(&str, f32)], intercept| log_odds(weights, intercept).expect("a sum");
        let (context, wide) = (sum(&[("context", 1.0)], 0.0), sum(&[("wide", 1.0)], 0.0));
        assert_ne!(context, wide);
        assert_eq!(sum(&[("context", 0.5)], -1.0), 0.5 * context - 1.0);
        let both = sum(&[("context", 0.75), ("wide", -2.0)], 0.25);
        assert!((both - (0.75 * context - 2.0 * wide + 0.25)).abs() < 1e-4);
    }

    #[test]
    fn a_second_opinion_counts_where_the_first_is_unsure() {
        let mut opinion = rgb_single_v2().expect("the built-in model").second_opinion.expect("one");
        (opinion.within, opinion.weight) = (4.0, 0.25);
        (opinion.slope, opinion.intercept) = (2.0, 1.0);
        // Its own log-odds are 4.
        let reconsidered = |first| reconsidered(first, 1.5, &opinion, 0.0);
        assert_eq!(reconsidered(-5.0), -5.0);
        assert_eq!(reconsidered(-4.0), -4.0);
        assert_eq!(reconsidered(-3.0), -3.0 + 0.125 * 7.0);
        assert_eq!(reconsidered(-2.0), -2.0 + 0.25 * 6.0);
        assert_eq!(reconsidered(0.0), 1.0);
        assert_eq!(reconsidered(4.0), 4.0);
    }

    #[test]
    fn a_second_opinion_counts_in_a_close_up_even_where_the_first_is_sure() {
        let mut opinion = rgb_single_v2().expect("the built-in model").second_opinion.expect("one");
        (opinion.within, opinion.weight) = (4.0, 0.25);
        (opinion.slope, opinion.intercept) = (2.0, 1.0);
        assert_eq!(reconsidered(-8.0, 1.5, &opinion, 1.0), -8.0 + 0.25 * 12.0);
        assert_eq!(reconsidered(-8.0, 1.5, &opinion, 0.5), -8.0 + 0.125 * 12.0);
        assert_eq!(reconsidered(0.0, 1.5, &opinion, 0.5), 1.0);
    }

    #[test]
    fn the_log_odds_of_a_close_up_are_shifted() {
        let mut corrected = rgb_single_v2().expect("the built-in model");
        corrected.second_opinion = None;
        corrected.networks.remove("tight");
        let mut plain = corrected.clone();
        let CloseUp { full_at, ends_at, shift, .. } = plain.close_up.take().expect("a correction");
        let photo = noise();
        let log_odds = |bundle, frame: &_| {
            RgbSingle::new(bundle).and_then(|model| model.log_odds(frame)).expect("log-odds")
        };
        let filling = BoundingBox { left: 5.0, top: 2.0, width: 140.0, height: 115.0 };
        let close = Frame::new(photo.view(), filling);
        assert!(close.room < full_at);
        assert_eq!(log_odds(&corrected, &close), log_odds(&plain, &close) + shift);
        let far = Frame::new(photo.view(), FACE);
        assert!(far.room > ends_at);
        assert_eq!(log_odds(&corrected, &far), log_odds(&plain, &far));
    }

    #[test]
    fn a_network_and_its_weight_need_each_other_and_a_weight_is_finite() {
        let mut bundle = rgb_single_v2().expect("the built-in model");
        bundle.fusion.weights.remove("wide");
        assert!(RgbSingle::new(&bundle).is_err());
        let mut bundle = rgb_single_v2().expect("the built-in model");
        bundle.networks.remove("tight");
        assert!(RgbSingle::new(&bundle).is_err());
        assert!(log_odds(&[("context", f32::NAN)], 0.0).is_err());
    }

    #[test]
    fn an_output_is_one_finite_number() {
        let value = |values: &[f32]| only_value(values).ok();
        assert_eq!(value(&[1.5]), Some(1.5));
        assert_eq!(value(&[f32::NAN]), None);
        assert_eq!(value(&[1.0, 2.0]), None);
        assert_eq!(value(&[]), None);
    }
}
