//! Warnings: properties of the photo that make the score less reliable.

use face_liveness_detection::Face;
use face_liveness_image::{ImageView, ZeroizeVec};
use face_liveness_schema::{Position, Warning};

use crate::position::position;

/// The contract's recommended face size, in pixels.
const RECOMMENDED_SIDE: u32 = 200;
/// A face is near an edge when the gap is smaller than this fraction of its box: a face that takes
/// three quarters of the photo's width. The crop of its surroundings then shrinks.
const EDGE_MARGIN: f32 = 0.15;
/// Mean luma, 0 to 255, below which a face is dark.
const LOW_LUMA: f32 = 50.0;
/// Mean difference between the strongest and the weakest channel, 0 to 255, below which a face has
/// no colour. A greyscale file has 0; JPEG rounding adds up to 2.
const LOW_COLOUR: f32 = 3.0;
/// Variance of the Laplacian divided by variance of the luma, below which a face is blurred. Over
/// 218 sharp portraits (Caltech) the minimum is 0.19. After a Gaussian blur of 2 % of the face's
/// width the median is 0.026; after one of 3 % the maximum is 0.030.
const LOW_SHARPNESS: f32 = 0.03;
/// Cells along each side of the grid on which a face is sampled. A cell is the mean of 2 × 2
/// samples.
const GRID: usize = 64;

/// The warnings for one of the faces found in a working image, given its position in the full
/// image.
pub(crate) fn warnings(
    faces: &[Face],
    face: &Face,
    image: ImageView<'_>,
    has_borders: bool,
    full_position: Position,
) -> Vec<Warning> {
    let at = position(&face.bounding_box, image.width(), image.height());
    let near = |margin: f32, side: u32| margin < EDGE_MARGIN * side as f32;
    let near_edge = near(face.bounding_box.left, at.width)
        || near(face.bounding_box.top, at.height)
        || near(image.width() as f32 - face.bounding_box.right(), at.width)
        || near(image.height() as f32 - face.bounding_box.bottom(), at.height);
    let samples = Samples::of(image, at);
    [
        (faces.len() > 1, Warning::MultipleFaces),
        (full_position.width.min(full_position.height) < RECOMMENDED_SIDE, Warning::SmallFace),
        (near_edge, Warning::FaceNearEdge),
        (has_borders, Warning::Borders),
        (samples.mean_luma() < LOW_LUMA, Warning::LowLight),
        (samples.sharpness() < LOW_SHARPNESS, Warning::Blurred),
        (samples.colour < LOW_COLOUR, Warning::Greyscale),
    ]
    .into_iter()
    .filter_map(|(applies, warning)| applies.then_some(warning))
    .collect()
}

/// The luma of a pixel, by ITU-R BT.601.
pub(crate) fn luma_of([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// The luma of a face on a grid, and its mean colour, both from 0 to 255.
struct Samples {
    luma: ZeroizeVec<f32>,
    colour: f32,
}

impl Samples {
    fn of(image: ImageView<'_>, face: Position) -> Self {
        let mut luma = ZeroizeVec::from(vec![0.0; GRID * GRID]);
        let mut colour = 0.0;
        let steps = 2 * GRID;
        let at = |from: u32, length: u32, step: usize| {
            from + (length as usize * (2 * step + 1) / (2 * steps)) as u32
        };
        for row in 0..steps {
            for column in 0..steps {
                let pixel =
                    image.pixel(at(face.left, face.width, column), at(face.top, face.height, row));
                let [red, green, blue] = pixel.map(f32::from);
                // Divided by the four samples of a cell.
                luma[row / 2 * GRID + column / 2] += luma_of([red, green, blue]) / 4.0;
                colour += red.max(green).max(blue) - red.min(green).min(blue);
            }
        }
        Self { luma, colour: colour / (steps * steps) as f32 }
    }

    fn mean_luma(&self) -> f32 {
        self.luma.iter().sum::<f32>() / self.luma.len() as f32
    }

    fn sharpness(&self) -> f32 {
        let luma = |x: usize, y: usize| self.luma[y * GRID + x];
        let inner = (1..GRID - 1).flat_map(|y| (1..GRID - 1).map(move |x| (x, y)));
        let laplacian = inner.map(|(x, y)| {
            4.0 * luma(x, y) - luma(x - 1, y) - luma(x + 1, y) - luma(x, y - 1) - luma(x, y + 1)
        });
        // The 1 avoids a division by zero for a face of one tone, which counts as blurred.
        variance(laplacian) / (variance(self.luma.iter().copied()) + 1.0)
    }
}

fn variance(values: impl Iterator<Item = f32>) -> f32 {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        sum += f64::from(value);
        squares += f64::from(value).powi(2);
    }
    (squares / count - (sum / count).powi(2)) as f32
}
