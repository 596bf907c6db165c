//! Measures how the face moves against its background, between frames of one capture.

use face_liveness_detection::BoundingBox;
use face_liveness_image::{ImageView, ZeroizeVec};
use face_liveness_models::{Channels, MotionInput};
use face_liveness_network::PlanesMut;

use crate::{Crop, Frame};

/// How much more the face changes between frames than the background beside and above it, after the
/// background's own motion is compensated: the mean, over neighbouring frames, of the logarithm of
/// the ratio of mean differences.
///
/// A live face moves and deforms in front of its background. A picture of a face moves with the
/// picture's own background, as one plane. `None` if there is nothing to compare: one frame, frames
/// of different sizes, or a face that fills the image.
pub(crate) fn independent_motion(input: &MotionInput, frames: &[Frame<'_>]) -> Option<f32> {
    let (first, rest) = frames.split_first()?;
    let (width, height) = (first.image.width(), first.image.height());
    let crop = Crop::around(first.face, input.crop_scale, width, height);
    let regions = Regions::new(input, first.face, crop)?;
    let mut earlier = luma(input, first.image, crop)?;
    let mut sum = 0.0;
    for frame in rest {
        if (frame.image.width(), frame.image.height()) != (width, height) {
            return None;
        }
        let later = luma(input, frame.image, crop)?;
        sum += regions.independent_motion(&earlier, &later);
        earlier = later;
    }
    (!rest.is_empty()).then(|| sum / rest.len() as f32)
}

/// The luma of a crop, row by row.
type Grid = ZeroizeVec<f32>;

/// The cells of the face, and those of the background: beside and above the head, away from the
/// shoulders.
struct Regions {
    input: MotionInput,
    face: Vec<usize>,
    background: Vec<usize>,
}

impl Regions {
    fn new(input: &MotionInput, face: BoundingBox, crop: Crop) -> Option<Self> {
        let side = input.side as f32;
        let (cells_x, cells_y) = (side / crop.width as f32, side / crop.height as f32);
        let (width, height) = (face.width * cells_x, face.height * cells_y);
        let left = (face.left - crop.left as f32) * cells_x;
        let top = (face.top - crop.top as f32) * cells_y;
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        let reachable = || input.reach..input.side - input.reach;
        for y in reachable() {
            for x in reachable() {
                let cell = (y * input.side + x) as usize;
                let (right_of, below) = (x as f32 + 0.5 - left, y as f32 + 0.5 - top);
                if (0.0..width).contains(&right_of) && (0.0..height).contains(&below) {
                    inside.push(cell);
                } else if (right_of - width / 2.0).abs() > 0.6 * width || below < -0.3 * height {
                    outside.push(cell);
                }
            }
        }
        let enough = inside.len().min(outside.len()) >= input.min_cells;
        enough.then_some(Self { input: *input, face: inside, background: outside })
    }

    fn independent_motion(&self, earlier: &Grid, later: &Grid) -> f32 {
        let (side, reach) = (self.input.side as isize, self.input.reach as isize);
        let steps = move || (-reach..=reach).rev();
        let shifts = steps().flat_map(|y| steps().map(move |x| y * side + x));
        let aligned =
            shifts.map(|shift| (difference(&self.background, earlier, later, shift), shift));
        let unmoved = (f32::INFINITY, 0);
        let (background, shift) =
            aligned.fold(unmoved, |best, next| if next.0 < best.0 { next } else { best });
        let face = difference(&self.face, earlier, later, shift);
        ((face + self.input.noise) / (background + self.input.noise)).ln()
    }
}

fn luma(input: &MotionInput, image: ImageView<'_>, crop: Crop) -> Option<Grid> {
    let side = input.side as usize;
    let mut planes = ZeroizeVec::from(vec![0.0; 3 * side * side]);
    let mut view = PlanesMut::new([3, side, side], &mut planes).ok()?;
    crop.write(image, &mut view, input.resize, Channels::Bgr).ok()?;
    let (blue, green, red) = (&planes[..], &planes[side * side..], &planes[2 * side * side..]);
    let weighted = |i: usize| 0.114 * blue[i] + 0.587 * green[i] + 0.299 * red[i];
    Some((0..side * side).map(weighted).collect::<Vec<_>>().into())
}

/// The mean absolute difference of `cells` between two grids, the later one shifted.
fn difference(cells: &[usize], earlier: &Grid, later: &Grid, shift: isize) -> f32 {
    let at = |&cell: &usize| (earlier[cell] - later[cell.wrapping_add_signed(shift)]).abs();
    cells.iter().map(at).sum::<f32>() / cells.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use face_liveness_image::RgbImage;

    const FACE: BoundingBox = BoundingBox { left: 120.0, top: 90.0, width: 80.0, height: 80.0 };

    /// A textured wall, and a textured square in front of it, each moved by a few pixels.
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
        let input = face_liveness_models::rgb_burst_v1().expect("the built-in model").motion?;
        let frames: Vec<_> = images.iter().map(|image| Frame::new(image.view(), face)).collect();
        independent_motion(&input, &frames)
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
    fn frames_that_cannot_be_compared_have_no_motion() {
        let image = || frame((0, 0), (0, 0));
        assert_eq!(motion(&[image()], FACE), None);
        let small = RgbImage::new(10, 10, vec![0; 300]).expect("pixels");
        assert_eq!(motion(&[image(), small], FACE), None);
        let filling = BoundingBox { left: 0.0, top: 0.0, width: 320.0, height: 240.0 };
        assert_eq!(motion(&[image(), image()], filling), None);
    }
}
