//! The second stage: checks a proposal and refines its box ("Joint Face Detection and Alignment
//! Using Multi-task Cascaded Convolutional Networks", Zhang et al., 2016, arXiv:1604.02878, whose
//! last network does the same).

use std::ops::RangeInclusive;

use face_liveness_image::{ImageView, resize_part};
use face_liveness_models::{Channels, NetworkFile, RefinerInput};
use face_liveness_network::{Error, Network, Placement, log_odds, logistic, write_rgb};

use crate::{BoundingBox, Face, Point};

/// A score; a centre, x and y; a width and a height; five landmarks, x and y each.
const OUTPUTS: usize = 15;
/// The range of the logarithms of the box's sides, in sides of the crop, in the training data.
const LOG_SIDES: RangeInclusive<f32> = -4.0..=1.0;
/// Proposals below this score skip the second forward pass. Most that are not faces do.
const MIN_FIRST_SCORE: f32 = 0.05;
/// Proposals that need higher log-odds than this from the second forward pass skip it, too.
const MAX_SECOND_LOG_ODDS: f32 = 5.0;
/// The weight of the proposal's box in the result: a third estimate stabilises the other two.
const PROPOSAL_WEIGHT: f32 = 0.2;
/// Mirroring swaps the eyes, and the corners of the mouth.
const MIRRORED_LANDMARKS: [usize; 5] = [1, 0, 2, 4, 3];

/// Decides whether a proposal is a face; gives its box and landmarks.
///
/// See [`HeatmapDetector`](crate::HeatmapDetector) for the network's input and output.
#[derive(Debug)]
pub(crate) struct Refiner {
    network: Network,
    input: RefinerInput,
}

impl Refiner {
    pub(crate) fn new(file: &NetworkFile<RefinerInput>) -> Result<Self, Error> {
        let input = file.input;
        let framed = (input.side + 2 * input.frame) as usize;
        Ok(Self { network: Network::from_onnx(&file.onnx, [3, framed, framed])?, input })
    }

    /// The face at a coarse proposal, if its score is above the threshold. Two more forward passes
    /// move the proposal first.
    pub(crate) fn refine_coarse(
        &self,
        photo: ImageView<'_>,
        proposal: BoundingBox,
        score_threshold: f32,
    ) -> Result<Option<Face>, Error> {
        let Some(first) = self.run(photo, proposal, true)? else { return Ok(None) };
        if logistic(first.log_odds) < score_threshold {
            return Ok(None);
        }
        let Some(second) = self.run(photo, first.bounding_box(), false)? else { return Ok(None) };
        self.refine(photo, first.mean(&second).bounding_box(), score_threshold)
    }

    /// The face at a proposal, if its score is above the threshold. The second forward pass sees a
    /// mirrored crop around the box of the first; their mean is more stable than either.
    pub(crate) fn refine(
        &self,
        photo: ImageView<'_>,
        proposal: BoundingBox,
        score_threshold: f32,
    ) -> Result<Option<Face>, Error> {
        let Some(first) = self.run(photo, proposal, false)? else { return Ok(None) };
        let needed = 2.0 * log_odds(score_threshold) - first.log_odds;
        if logistic(first.log_odds) < MIN_FIRST_SCORE || needed > MAX_SECOND_LOG_ODDS {
            return Ok(None);
        }
        let Some(second) = self.run(photo, first.bounding_box(), true)? else { return Ok(None) };
        let refinement = first.mean(&second);
        let score = logistic(refinement.log_odds);
        let is_face = score > score_threshold;
        let bounding_box = with_proposal(&refinement.bounding_box(), &proposal);
        let bounding_box = bounding_box.clipped(photo.width(), photo.height());
        let landmarks = Some(refinement.landmarks);
        Ok(bounding_box.filter(|_| is_face).map(|box_| Face::new(box_, score, landmarks)))
    }

    /// One forward pass on a crop around a box; `None` if the crop has no pixel of the photo.
    fn run(
        &self,
        photo: ImageView<'_>,
        region: BoundingBox,
        is_mirrored: bool,
    ) -> Result<Option<Refinement>, Error> {
        let RefinerInput { frame, side, crop_scale, channels, .. } = self.input;
        let Some(crop) = Crop::around(region, crop_scale, side, photo) else { return Ok(None) };
        let Crop { x, y } = &crop;
        let part = [x.first, y.first, x.length, y.length];
        let small = resize_part(photo, part, x.input_length, y.input_length).map_err(Error::run)?;
        let [left, top] = [x.input_first, y.input_first].map(|first| (frame + first) as usize);
        let placement =
            Placement::at(left, top).bgr(channels == Channels::Bgr).mirrored(is_mirrored);
        let outputs =
            self.network.run(|mut planes| write_rgb(&mut planes, small.view(), placement))?;
        let values = outputs.first().map(|output| output.values());
        let values = values.and_then(|values| <&[f32; OUTPUTS]>::try_from(values).ok());
        let values =
            values.ok_or_else(|| Error::run("the output does not have a refiner's shape"))?;
        Ok(Some(Refinement::new(values, &crop, is_mirrored)))
    }
}

/// The mean of both boxes, the proposal's weighted by `PROPOSAL_WEIGHT`.
fn with_proposal(refined: &BoundingBox, proposal: &BoundingBox) -> BoundingBox {
    let mix = |refined: f32, proposal: f32| refined + PROPOSAL_WEIGHT * (proposal - refined);
    BoundingBox {
        left: mix(refined.left, proposal.left),
        top: mix(refined.top, proposal.top),
        width: mix(refined.width, proposal.width),
        height: mix(refined.height, proposal.height),
    }
}

/// The result of a forward pass, in pixels of the photo.
struct Refinement {
    log_odds: f32,
    centre: Point,
    /// Half the sides of the box.
    half: Point,
    landmarks: [Point; 5],
}

impl Refinement {
    fn new(output: &[f32; OUTPUTS], crop: &Crop, is_mirrored: bool) -> Self {
        let &[log_odds, x, y, log_width, log_height, ref landmarks @ ..] = output;
        let direction = if is_mirrored { -1.0 } else { 1.0 };
        let in_photo = |x: f32, y: f32| crop.in_photo(direction * x, y);
        let [half_width, half_height] = [log_width, log_height]
            .map(|log| log.clamp(*LOG_SIDES.start(), *LOG_SIDES.end()).exp() / 2.0);
        let centre = in_photo(x, y);
        let corner = crop.in_photo(direction * x + half_width, y + half_height);
        let order = if is_mirrored { MIRRORED_LANDMARKS } else { [0, 1, 2, 3, 4] };
        Self {
            log_odds,
            centre,
            half: Point { x: corner.x - centre.x, y: corner.y - centre.y },
            landmarks: order.map(|i| in_photo(landmarks[2 * i], landmarks[2 * i + 1])),
        }
    }

    fn mean(&self, other: &Self) -> Self {
        let middle = |a: Point, b: Point| Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 };
        Self {
            log_odds: (self.log_odds + other.log_odds) / 2.0,
            centre: middle(self.centre, other.centre),
            half: middle(self.half, other.half),
            landmarks: std::array::from_fn(|i| middle(self.landmarks[i], other.landmarks[i])),
        }
    }

    fn bounding_box(&self) -> BoundingBox {
        BoundingBox {
            left: self.centre.x - self.half.x,
            top: self.centre.y - self.half.y,
            width: 2.0 * self.half.x,
            height: 2.0 * self.half.y,
        }
    }
}

/// The square of the photo that the network sees.
struct Crop {
    x: Span,
    y: Span,
}

impl Crop {
    /// `None` if it has no pixel of the photo.
    fn around(face: BoundingBox, scale: f32, input: u32, photo: ImageView<'_>) -> Option<Self> {
        let side = (scale * face.width.max(face.height)).round().max(1.0);
        let (x, y) = (face.left + face.width / 2.0, face.top + face.height / 2.0);
        Some(Self {
            x: Span::around(x, side, photo.width(), input)?,
            y: Span::around(y, side, photo.height(), input)?,
        })
    }

    /// Maps an offset from the input's centre, in sides of the input, to the photo.
    fn in_photo(&self, x: f32, y: f32) -> Point {
        Point { x: self.x.in_photo(x), y: self.y.in_photo(y) }
    }
}

/// A crop along one axis: its pixels inside the photo, and their place in the input.
#[derive(Debug, PartialEq)]
struct Span {
    first: u32,
    length: u32,
    input_first: u32,
    input_length: u32,
    /// The side of the input.
    input_side: u32,
}

impl Span {
    fn around(middle: f32, side: f32, photo: u32, input_side: u32) -> Option<Self> {
        let start = (middle - side / 2.0).round();
        let (first, end) = (start.max(0.0), (start + side).min(photo as f32));
        if first >= end {
            return None;
        }
        let in_input = |pixels: f32| (pixels * input_side as f32 / side).round() as u32;
        let input_first = in_input(first - start).min(input_side - 1);
        let input_end = in_input(end - start).clamp(input_first + 1, input_side);
        Some(Self {
            first: first as u32,
            length: (end - first) as u32,
            input_first,
            input_length: input_end - input_first,
            input_side,
        })
    }

    fn in_photo(&self, offset: f32) -> f32 {
        let in_input = (offset + 0.5) * self.input_side as f32 - self.input_first as f32;
        self.first as f32 + in_input * self.length as f32 / self.input_length as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_beyond_the_photo_keeps_its_scale() {
        let span = |middle, side| Span::around(middle, side, 100, 64);
        let expected = |first, length, input_first, input_length| {
            Some(Span { first, length, input_first, input_length, input_side: 64 })
        };
        // 90 pixels around 20: from -25 to 65, of which 0 to 65 are in the photo.
        let beyond = span(20.0, 90.0);
        assert_eq!(beyond, expected(0, 65, 18, 46));
        assert!((beyond.expect("inside").in_photo(0.0) - 20.0).abs() < 1.0);
        assert_eq!(span(-60.0, 90.0), None);
        let inside = span(50.0, 30.0);
        assert_eq!(inside, expected(35, 30, 0, 64));
        let inside = inside.expect("inside");
        assert!((inside.in_photo(0.0) - 50.0).abs() < 1e-4);
        assert!((inside.in_photo(0.5) - 65.0).abs() < 1e-4);
    }
}
