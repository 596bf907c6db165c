//! A closer look at one face ("Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional Networks", Zhang
//! et al., 2016, arXiv:1604.02878, whose last network does the same).

use face_liveness_image::{ImageView, resize};
use ndarray::Axis;

use crate::resize::{framed, write_framed};
use crate::{BoundingBox, Error, Face, Network, Point};

/// The sides of the network's input.
const SIDE: u32 = 64;
/// How many sides of the box the crop has.
const CONTEXT: f32 = 1.4;
/// The logarithms of the box's sides, in sides of the crop, that training allows.
const LOG_SIDES: std::ops::RangeInclusive<f32> = -4.0..=1.0;
const OUTPUTS: usize = 15;
/// What scores less at the first look is not worth a second: most of what is no face.
const HOPELESS: f32 = 0.05;
/// Nor is that which would have to score more at the second, in log-odds.
const SUREST: f32 = 5.0;
/// How much the box counts at which the looks went. A third opinion steadies the other two.
const OF_NEAR: f32 = 0.2;
/// In a mirror the eye at the left is the eye at the right.
const MIRRORED_LANDMARKS: [usize; 5] = [1, 0, 2, 4, 3];

/// Says of a box whether a face is in it, where exactly, and where its landmarks are.
///
/// Input: RGB, 0 to 255, the square of 1.4 times the box's longer side about its middle, at 64 × 64 pixels, zeros beyond
/// the photo, in a frame of zeros, 1 pixel wide. Output: the log-odds of a face; the box's middle from the crop's, in sides of the crop; the logarithms of width and
/// height in sides of the crop; x and y of five landmarks from the crop's middle, in sides of the crop.
#[derive(Debug)]
pub(crate) struct Refiner {
    network: Network,
}

impl Refiner {
    pub(crate) fn new(onnx: &[u8]) -> Result<Self, Error> {
        Ok(Self { network: Network::from_onnx(onnx, [3, framed(SIDE), framed(SIDE)])? })
    }

    /// The face at a box of the photo, if its score is above a threshold: by a look there, and by one in a mirror at what the
    /// first one saw, which together are steadier and nearer the truth than either.
    pub(crate) fn face(
        &self,
        photo: ImageView<'_>,
        near: BoundingBox,
        score_threshold: f32,
    ) -> Result<Option<Face>, Error> {
        let Some(first) = self.look(photo, near, false)? else { return Ok(None) };
        let missing = 2.0 * log_odds(score_threshold) - first.log_odds;
        if probability(first.log_odds) < HOPELESS || missing > SUREST {
            return Ok(None);
        }
        let Some(second) = self.look(photo, first.bounding_box(), true)? else { return Ok(None) };
        let seen = first.mean(&second);
        let score = probability(seen.log_odds);
        let bounding_box =
            mixed(&seen.bounding_box(), &near).clipped(photo.width(), photo.height());
        let face = bounding_box.map(|bounding_box| Face {
            bounding_box,
            score,
            landmarks: Some(seen.landmarks),
        });
        Ok(face.filter(|face| face.score > score_threshold))
    }

    /// `None` where no pixel of the photo is near.
    fn look(
        &self,
        photo: ImageView<'_>,
        near: BoundingBox,
        mirrored: bool,
    ) -> Result<Option<Look>, Error> {
        let Some(crop) = Crop::about(near, photo) else { return Ok(None) };
        let part =
            photo.crop(crop.across.first, crop.down.first, crop.across.length, crop.down.length);
        let small = resize(part.view(), crop.across.input_length, crop.down.input_length)
            .map_err(|cause| Error::new("cannot be given the image", cause))?;
        let corner = [crop.across.input_first, crop.down.input_first].map(|first| first as usize);
        let outputs = self.network.run(|mut planes| {
            if mirrored {
                planes.invert_axis(Axis(2));
            }
            write_framed(planes, small.view(), corner);
        })?;
        let values = outputs.first().and_then(|output| output.as_slice());
        let Some(&[log_odds, x, y, log_width, log_height, ref landmarks @ ..]) =
            values.filter(|values| values.len() == OUTPUTS)
        else {
            return Err(Error::new("failed", "the output is not a refiner's"));
        };
        let right = if mirrored { -1.0 } else { 1.0 };
        let half = [log_width, log_height]
            .map(|log| log.clamp(*LOG_SIDES.start(), *LOG_SIDES.end()).exp() / 2.0);
        let order = if mirrored { MIRRORED_LANDMARKS } else { [0, 1, 2, 3, 4] };
        let in_photo = |x: f32, y: f32| crop.in_photo(right * x, y);
        let (centre, corner) = (in_photo(x, y), crop.in_photo(right * x + half[0], y + half[1]));
        Ok(Some(Look {
            log_odds,
            centre,
            half: Point { x: corner.x - centre.x, y: corner.y - centre.y },
            landmarks: order.map(|i| in_photo(landmarks[2 * i], landmarks[2 * i + 1])),
        }))
    }
}

fn mixed(seen: &BoundingBox, near: &BoundingBox) -> BoundingBox {
    let mix = |seen: f32, near: f32| seen + OF_NEAR * (near - seen);
    BoundingBox {
        left: mix(seen.left, near.left),
        top: mix(seen.top, near.top),
        width: mix(seen.width, near.width),
        height: mix(seen.height, near.height),
    }
}

pub(crate) fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

pub(crate) fn log_odds(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}

/// What the network says of a crop, in the photo's pixels.
struct Look {
    log_odds: f32,
    centre: Point,
    /// Half the sides of the box.
    half: Point,
    landmarks: [Point; 5],
}

impl Look {
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

/// Which pixels of the photo the network sees, and where in its input.
struct Crop {
    across: Span,
    down: Span,
}

impl Crop {
    fn about(face: BoundingBox, photo: ImageView<'_>) -> Option<Self> {
        let side = (CONTEXT * face.width.max(face.height)).round().max(1.0);
        Some(Self {
            across: Span::about(face.left + face.width / 2.0, side, photo.width())?,
            down: Span::about(face.top + face.height / 2.0, side, photo.height())?,
        })
    }

    /// From the input's middle, in sides of it, to the photo.
    fn in_photo(&self, x: f32, y: f32) -> Point {
        Point { x: self.across.in_photo(x), y: self.down.in_photo(y) }
    }
}

/// A crop along one axis: the pixels of it that the photo has, and where they are laid in the input.
#[derive(Debug, PartialEq)]
struct Span {
    first: u32,
    length: u32,
    input_first: u32,
    input_length: u32,
}

impl Span {
    fn about(middle: f32, side: f32, photo: u32) -> Option<Self> {
        let start = (middle - side / 2.0).round();
        let (first, end) = (start.max(0.0), (start + side).min(photo as f32));
        if first >= end {
            return None;
        }
        let in_input = |pixels: f32| (pixels * SIDE as f32 / side).round() as u32;
        let input_first = in_input(first - start).min(SIDE - 1);
        let input_length = in_input(end - start).clamp(input_first + 1, SIDE) - input_first;
        Some(Self { first: first as u32, length: (end - first) as u32, input_first, input_length })
    }

    fn in_photo(&self, at: f32) -> f32 {
        let in_input = (at + 0.5) * SIDE as f32 - self.input_first as f32;
        self.first as f32 + in_input * self.length as f32 / self.input_length as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_beyond_the_photo_keeps_its_scale() {
        // 90 pixels about 20: from -25 to 65, of which the photo has 0 to 65.
        let span = Span::about(20.0, 90.0, 100).expect("inside");
        assert_eq!(span, Span { first: 0, length: 65, input_first: 18, input_length: 46 });
        assert!((span.in_photo(0.0) - 20.0).abs() < 1.0);
        assert_eq!(Span::about(-60.0, 90.0, 100), None);
        let inside = Span::about(50.0, 30.0, 100).expect("inside");
        assert_eq!(inside, Span { first: 35, length: 30, input_first: 0, input_length: 64 });
        assert!(
            (inside.in_photo(0.0) - 50.0).abs() < 1e-4
                && (inside.in_photo(0.5) - 65.0).abs() < 1e-4
        );
    }
}
