//! Measures of the face, and warnings: what makes the score less reliable.

use std::sync::LazyLock;

use face_liveness_detection::{BoundingBox, Face};
use face_liveness_image::{ImageView, ZeroizeVec};
use face_liveness_schema::{Position, Quality, Warning};

use crate::position::position;

/// The contract's recommended face size, in pixels.
const RECOMMENDED_SIDE: u32 = 200;
/// A face is near an edge if the gap is smaller than this fraction of its box, as for a face that
/// takes three quarters of the photo's width. The crop of its surroundings then shrinks.
const EDGE_DISTANCE: f32 = 0.15;
/// Mean luma, 0 to 255, below which a face is dark.
const LOW_LUMA: f32 = 50.0;
/// Proportion of overexposed samples from which a face is overexposed.
const HIGH_EXPOSURE: f32 = 0.05;
/// An image without black and white, whose luma has a smaller range than this, has low contrast.
/// Half the contrast leaves at most 127.5.
const LOW_RANGE: f32 = 130.0;
/// The luma up to which an image has black, and from which it has white.
const BLACK: f32 = 25.0;
const WHITE: f32 = 230.0;
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
/// Samples along each side of the grid.
const STEPS: usize = 2 * GRID;

/// Measures a face that was scored. `in_sent_image` is the same face in the full image.
pub(crate) fn measure(
    faces: &[Face],
    scored: &Face,
    image: ImageView<'_>,
    in_sent_image: &Face,
) -> Quality {
    let samples = Samples::of(image, position(&scored.bounding_box, image.width(), image.height()));
    let mut quality = Quality::default();
    quality.inter_eye_distance = in_sent_image.landmarks.map(|[left_eye, right_eye, ..]| {
        (right_eye.x - left_eye.x).hypot(right_eye.y - left_eye.y)
    });
    quality.head_pose_roll = in_sent_image.roll_degrees();
    quality.single_face_present = second_face(faces);
    quality.edge_distance = edge_distance(&scored.bounding_box, image);
    quality.luma = samples.mean_luma();
    [quality.black_point, quality.white_point] = black_and_white(image);
    quality.sharpness = samples.sharpness();
    quality.colour = samples.colour;
    samples.measure_luminance(&mut quality);
    quality
}

/// The warnings about a face that was measured.
pub(crate) fn warnings(quality: &Quality, position: Position, has_borders: bool) -> Vec<Warning> {
    [
        (quality.single_face_present > 0.0, Warning::MultipleFaces),
        (position.width.min(position.height) < RECOMMENDED_SIDE, Warning::SmallFace),
        (quality.edge_distance < EDGE_DISTANCE, Warning::FaceNearEdge),
        (has_borders, Warning::Borders),
        (quality.luma < LOW_LUMA, Warning::LowLight),
        (quality.over_exposure >= HIGH_EXPOSURE, Warning::Overexposed),
        (has_low_contrast(quality), Warning::LowContrast),
        (quality.sharpness < LOW_SHARPNESS, Warning::Blurred),
        (quality.colour < LOW_COLOUR, Warning::Greyscale),
    ]
    .into_iter()
    .filter_map(|(applies, warning)| applies.then_some(warning))
    .collect()
}

/// Whether the image has neither black nor white. A dark image has black, a bright one has white.
fn has_low_contrast(quality: &Quality) -> bool {
    let [black, white] = [quality.black_point, quality.white_point];
    black > BLACK && white < WHITE && white - black < LOW_RANGE
}

/// The area of the second largest face, divided by that of the largest.
fn second_face(faces: &[Face]) -> f32 {
    let [mut largest, mut second] = [0.0f32; 2];
    for area in faces.iter().map(|face| face.bounding_box.area()) {
        second = second.max(area.min(largest));
        largest = largest.max(area);
    }
    if second > 0.0 { second / largest } else { 0.0 }
}

/// The smallest distance of a box from an edge of its image, in widths or heights of the box.
fn edge_distance(face: &BoundingBox, image: ImageView<'_>) -> f32 {
    let [width, height] = [image.width(), image.height()].map(|side| side as f32);
    let across = face.left.min(width - face.right()) / face.width;
    let down = face.top.min(height - face.bottom()) / face.height;
    across.min(down)
}

/// The 1st and the 99th percentile of an image's luma.
fn black_and_white(image: ImageView<'_>) -> [f32; 2] {
    let at = |side: u32, step: usize| place(0, side, step, GRID);
    let mut histogram = [0; 256];
    for row in 0..GRID {
        for column in 0..GRID {
            let pixel = image.pixel(at(image.width(), column), at(image.height(), row));
            histogram[(luma_of(pixel.map(f32::from)) + 0.5) as usize] += 1;
        }
    }
    [percentile(0..256, &histogram), percentile((0..256).rev(), &histogram)]
}

/// The first of these values with which more than 1 % of the samples are counted.
fn percentile(mut values: impl Iterator<Item = usize>, histogram: &[usize; 256]) -> f32 {
    let mut count = 0;
    let is_past = |value: &usize| {
        count += histogram[*value];
        100 * count > GRID * GRID
    };
    values.find(is_past).unwrap_or_default() as f32
}

/// The pixel in the middle of a step, of `steps` along a length of pixels.
fn place(from: u32, length: u32, step: usize, steps: usize) -> u32 {
    from + (length as usize * (2 * step + 1) / (2 * steps)) as u32
}

/// The luma of a pixel, by ITU-R BT.601.
pub(crate) fn luma_of([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// Linear light of a channel's values, 0 to 255 (IEC 61966-2-1).
static LINEAR: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|value| {
        let value = value as f32 / 255.0;
        let linear =
            if value > 0.04045 { ((value + 0.055) / 1.055).powf(2.4) } else { value / 12.92 };
        255.0 * linear
    })
});

/// The luminance of a pixel, 0 to 255, by ITU-R BT.709.
fn luminance_of(pixel: [u8; 3]) -> u8 {
    let [red, green, blue] = pixel.map(|value| LINEAR[usize::from(value)]);
    (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.5) as u8
}

/// Samples of a face on a grid: the luma and the mean colour, both from 0 to 255, and how many have
/// each luminance.
struct Samples {
    luma: ZeroizeVec<f32>,
    colour: f32,
    luminance: [u16; 256],
}

impl Samples {
    fn of(image: ImageView<'_>, face: Position) -> Self {
        let mut luma = ZeroizeVec::from(vec![0.0; GRID * GRID]);
        let mut colour = 0.0;
        let mut luminance = [0; 256];
        let at = |from: u32, length: u32, step: usize| place(from, length, step, STEPS);
        for row in 0..STEPS {
            for column in 0..STEPS {
                let pixel =
                    image.pixel(at(face.left, face.width, column), at(face.top, face.height, row));
                // One sample of each cell is enough for shares.
                if row % 2 + column % 2 == 0 {
                    luminance[usize::from(luminance_of(pixel))] += 1;
                }
                let [red, green, blue] = pixel.map(f32::from);
                // Divided by the four samples of a cell.
                luma[row / 2 * GRID + column / 2] += luma_of([red, green, blue]) / 4.0;
                colour += red.max(green).max(blue) - red.min(green).min(blue);
            }
        }
        Self { luma, colour: colour / (STEPS * STEPS) as f32, luminance }
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

    /// The measures of luminance of ISO/IEC 29794-5, as in OFIQ.
    fn measure_luminance(&self, quality: &mut Quality) {
        let share = |count: u16| f32::from(count) / (GRID * GRID) as f32;
        let shares = || {
            self.luminance.iter().enumerate().map(|(value, &of)| (value as f32 / 255.0, share(of)))
        };
        let mean: f32 = shares().map(|(luminance, share)| luminance * share).sum();
        quality.luminance_mean = mean;
        quality.luminance_variance =
            shares().map(|(luminance, share)| share * (luminance - mean).powi(2)).sum();
        quality.dynamic_range = shares()
            .filter(|&(_, share)| share > 0.0)
            .map(|(_, share)| -share * share.log2())
            .sum();
        quality.under_exposure = self.luminance[..=25].iter().copied().map(share).sum();
        quality.over_exposure = self.luminance[247..].iter().copied().map(share).sum();
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
