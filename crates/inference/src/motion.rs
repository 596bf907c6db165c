//! What several frames of one capture show and one does not: whether the face moves by itself.

use face_liveness_detection::{BoundingBox, Error};
use face_liveness_image::{ImageView, ZeroizeVec};
use face_liveness_schema::{ImageType, ModelInputs};
use ndarray::Array3;

use crate::{Crop, Frame, LivenessModel};

/// The side of the grids that are compared: a face is some 30 cells wide.
const SIDE: usize = 80;
/// How far the surround may have moved between two frames, in cells: a fifth of the face's width.
const REACH: usize = 8;
/// Added to the differences of grey, so that two frames without noise do not divide by nothing.
const NOISE: f32 = 0.5;
/// Fewer cells of surround than this say nothing.
const MIN_CELLS: usize = 200;

/// A model of motion alone: what [`RgbBurst`](crate::RgbBurst) adds to the looks of each frame, by itself, to be
/// measured. Weak: not to be used alone.
///
/// Its score is the logistic function of minus the independent motion: 0.5 for none, and for frames that cannot be
/// compared.
#[derive(Debug)]
pub struct Motion {
    name: String,
    inputs: ModelInputs,
}

impl Motion {
    /// Two to eight frames of one capture.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), inputs: ModelInputs::burst(ImageType::Rgb, 2..=8) }
    }
}

impl LivenessModel for Motion {
    fn name(&self) -> &str {
        &self.name
    }

    fn inputs(&self) -> &ModelInputs {
        &self.inputs
    }

    fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, Error> {
        Ok(1.0 / (1.0 + independent_motion(frames).unwrap_or(0.0).exp()))
    }
}

/// How much more the face changes between frames than what is beside and above it, once the surround's own motion is
/// taken out: the logarithm of the ratio of mean differences, the mean over neighbouring frames.
///
/// A living face moves and deforms before its background. The picture of a face, held or fixed, moves with the
/// picture's own background, as one plane. `None` when there is nothing to compare: one frame, frames of different
/// sizes, or a face that fills the picture.
pub(crate) fn independent_motion(frames: &[Frame<'_>]) -> Option<f32> {
    let (first, rest) = frames.split_first()?;
    let (width, height) = (first.image.width(), first.image.height());
    let crop = Crop::around(first.face, 2.7, width, height);
    let regions = Regions::new(first.face, crop)?;
    let mut earlier = grey(first.image, crop);
    let mut sum = 0.0;
    for frame in rest {
        if (frame.image.width(), frame.image.height()) != (width, height) {
            return None;
        }
        let later = grey(frame.image, crop);
        sum += regions.independent_motion(&earlier, &later);
        earlier = later;
    }
    (!rest.is_empty()).then(|| sum / rest.len() as f32)
}

/// The cells of the face, and those beside and above the head, where no shoulders are.
struct Regions {
    face: Vec<(usize, usize)>,
    surround: Vec<(usize, usize)>,
}

impl Regions {
    fn new(face: BoundingBox, crop: Crop) -> Option<Self> {
        let (cells_x, cells_y) =
            (SIDE as f32 / crop.width as f32, SIDE as f32 / crop.height as f32);
        let (width, height) = (face.width * cells_x, face.height * cells_y);
        let left = (face.left - crop.left as f32) * cells_x;
        let top = (face.top - crop.top as f32) * cells_y;
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for y in REACH..SIDE - REACH {
            for x in REACH..SIDE - REACH {
                let (right_of, below) = (x as f32 + 0.5 - left, y as f32 + 0.5 - top);
                if (0.0..width).contains(&right_of) && (0.0..height).contains(&below) {
                    inside.push((x, y));
                } else if (right_of - width / 2.0).abs() > 0.6 * width || below < -0.3 * height {
                    outside.push((x, y));
                }
            }
        }
        let enough = inside.len() >= MIN_CELLS && outside.len() >= MIN_CELLS;
        enough.then_some(Self { face: inside, surround: outside })
    }

    fn independent_motion(&self, earlier: &Grid, later: &Grid) -> f32 {
        let shifts = (0..=2 * REACH).flat_map(|dy| (0..=2 * REACH).map(move |dx| (dx, dy)));
        let surround =
            shifts.map(|shift| (difference(&self.surround, earlier, later, shift), shift));
        let still = (f32::INFINITY, (REACH, REACH));
        let (surround, shift) =
            surround.fold(still, |best, next| if next.0 < best.0 { next } else { best });
        let face = difference(&self.face, earlier, later, shift);
        ((face + NOISE) / (surround + NOISE)).ln()
    }
}

type Grid = ZeroizeVec<f32>;

fn grey(image: ImageView<'_>, crop: Crop) -> Grid {
    let mut planes = Array3::zeros((3, SIDE, SIDE));
    crop.write_bgr(image, planes.view_mut());
    let planes = ZeroizeVec::from(planes.into_raw_vec_and_offset().0);
    let (blue, green, red) = (&planes[..], &planes[SIDE * SIDE..], &planes[2 * SIDE * SIDE..]);
    let luma = |i: usize| 0.114 * blue[i] + 0.587 * green[i] + 0.299 * red[i];
    (0..SIDE * SIDE).map(luma).collect::<Vec<_>>().into()
}

/// The mean absolute difference of `cells`, the later grid moved by `shift − REACH`.
fn difference(
    cells: &[(usize, usize)],
    earlier: &Grid,
    later: &Grid,
    (dx, dy): (usize, usize),
) -> f32 {
    let at = |&(x, y): &(usize, usize)| {
        (earlier[y * SIDE + x] - later[(y + REACH - dy) * SIDE + x + REACH - dx]).abs()
    };
    cells.iter().map(at).sum::<f32>() / cells.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use face_liveness_image::RgbImage;

    const FACE: BoundingBox = BoundingBox { left: 120.0, top: 90.0, width: 80.0, height: 80.0 };

    /// A textured wall, and a textured square before it, moved by so many pixels each.
    fn frame(wall: (u32, u32), square: (u32, u32)) -> RgbImage {
        let texture = |x: u32, y: u32, seed: u32| {
            let cell = (x / 8).wrapping_mul(2_654_435_761) ^ (y / 8).wrapping_mul(40_503) ^ seed;
            (cell.wrapping_mul(2_246_822_519) >> 24) as u8
        };
        let pixel = |x: u32, y: u32| {
            let in_square = (120 + square.0..200 + square.0).contains(&x)
                && (90 + square.1..170 + square.1).contains(&y);
            let (moved, seed) = if in_square { (square, 7) } else { (wall, 99) };
            [texture(x + 64 - moved.0, y + 64 - moved.1, seed); 3]
        };
        let pixels = (0..240).flat_map(|y| (0..320).flat_map(move |x| pixel(x, y))).collect();
        RgbImage::new(320, 240, pixels).expect("pixels")
    }

    fn motion(images: &[RgbImage], face: BoundingBox) -> Option<f32> {
        let frames: Vec<_> = images
            .iter()
            .enumerate()
            .map(|(index, image)| Frame { index, image: image.view(), face })
            .collect();
        independent_motion(&frames)
    }

    #[test]
    fn a_plane_that_moves_as_one_shows_no_independent_motion() {
        let as_one =
            motion(&[frame((0, 0), (0, 0)), frame((8, 5), (8, 5))], FACE).expect("comparable");
        let alone =
            motion(&[frame((0, 0), (0, 0)), frame((0, 0), (8, 5))], FACE).expect("comparable");
        let still =
            motion(&[frame((0, 0), (0, 0)), frame((0, 0), (0, 0))], FACE).expect("comparable");
        assert_eq!(still, 0.0);
        assert!(as_one < 0.8 && alone > 2.0, "{as_one} as one, {alone} alone");
    }

    #[test]
    fn what_cannot_be_compared_says_nothing() {
        let image = || frame((0, 0), (0, 0));
        assert_eq!(motion(&[image()], FACE), None);
        let small = RgbImage::new(10, 10, vec![0; 300]).expect("pixels");
        assert_eq!(motion(&[image(), small], FACE), None);
        let filling = BoundingBox { left: 0.0, top: 0.0, width: 320.0, height: 240.0 };
        assert_eq!(motion(&[image(), image()], filling), None);
    }
}
