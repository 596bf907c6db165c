//! Checks that the frames of a burst show one face in one capture.
//!
//! All frames get one score. Without this check, a print in one frame could hide behind a live
//! person in the others.

use face_liveness_detection::BoundingBox;
use face_liveness_image::{ImageView, ZeroizeVec};
use face_liveness_schema::Warning;

use crate::Error;
use crate::image_source::Input;
use crate::locate::Located;
use crate::quality::luma_of;

/// Cells along each side of the grid on which a face is compared.
const SIDE: usize = 24;
/// The grid covers this many times the face's box.
const REACH: f32 = 1.3;
/// Samples along each side of a cell, which holds their mean.
const SAMPLES: usize = 4;
/// Detail is a cell's difference from the mean of the cells up to this far away, so that light and
/// shade, which many faces share, do not count.
const SURROUND: usize = 6;
/// The grids are compared at shifts of up to this many cells: boxes of two frames differ a little.
const MAX_SHIFT: usize = 3;
/// The correlation of detail below which two faces are not the same. Live faces of Replay-Attack
/// have at least 0.93 after two seconds, and different people at most 0.86.
const MIN_LIKENESS: f32 = 0.87;
/// The maximum movement of a face between two frames, in box widths.
const MAX_MOVE: f32 = 0.5;
/// The maximum factor by which it grows or shrinks.
const MAX_GROWTH: f32 = 1.4;
/// The mean difference of cells, 0 to 255, below which a frame repeats an earlier one. JPEG of
/// quality 80 adds up to 0.27; live people of Replay-Attack change by 0.81 and more in two seconds.
const MIN_CHANGE: f32 = 0.28;

/// Checks the frames of a burst one after another: they must show one face in one capture.
#[derive(Default)]
pub(crate) struct Capture {
    /// The faces of the frames so far.
    frames: Vec<FrameFace>,
    pub(crate) warnings: Vec<Warning>,
}

impl Capture {
    /// Refuses a frame that does not continue the one before it, before the next is decoded.
    pub(crate) fn add(&mut self, input: &Input<'_>, located: &Located<'_>) -> Result<(), Error> {
        let Some(face) = located.largest_face() else {
            self.warn(Warning::FrameWithoutFace);
            return Ok(());
        };
        let image = located.image.view();
        let frame = FrameFace::new(image, face.bounding_box);
        if self.frames.last().is_some_and(|last| !frame.continues(last)) {
            return Err(Error::OtherFace { path: input.path.clone() });
        }
        if self.frames.iter().any(|earlier| earlier.is_repeated_by(image)) {
            self.warn(Warning::RepeatedFrame);
        }
        self.frames.push(frame);
        Ok(())
    }

    fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// The face of a frame.
struct FrameFace {
    image_size: [u32; 2],
    face: BoundingBox,
    cells: ZeroizeVec<f32>,
    detail: ZeroizeVec<f32>,
}

impl FrameFace {
    fn new(image: ImageView<'_>, face: BoundingBox) -> Self {
        let cells = cells(image, &face);
        let detail = detail(&cells);
        Self { image_size: [image.width(), image.height()], face, cells, detail }
    }

    /// Whether this frame may follow `previous` in one capture.
    fn continues(&self, previous: &Self) -> bool {
        let size = |face: &BoundingBox| face.area().sqrt();
        let centre =
            |face: &BoundingBox| [face.left + face.width / 2.0, face.top + face.height / 2.0];
        let ([x, y], [old_x, old_y]) = (centre(&self.face), centre(&previous.face));
        let moved = (x - old_x).hypot(y - old_y) / size(&previous.face);
        let growth = size(&self.face) / size(&previous.face);
        moved <= MAX_MOVE
            && growth.max(1.0 / growth) <= MAX_GROWTH
            && likeness(&self.detail, &previous.detail) >= MIN_LIKENESS
    }

    /// Whether an image repeats this frame, possibly re-encoded.
    fn is_repeated_by(&self, image: ImageView<'_>) -> bool {
        self.image_size == [image.width(), image.height()] && {
            let again = cells(image, &self.face);
            let change: f32 =
                again.iter().zip(&*self.cells).map(|(new, old)| (new - old).abs()).sum();
            change < MIN_CHANGE * (SIDE * SIDE) as f32
        }
    }
}

/// The luma of the cells, 0 to 255, row by row. Samples outside the image repeat its edge.
fn cells(image: ImageView<'_>, face: &BoundingBox) -> ZeroizeVec<f32> {
    let steps = (SIDE * SAMPLES) as f32;
    let at = |start: f32, length: f32, step: usize, last: u32| {
        let place = start + length * ((step as f32 + 0.5) / steps * REACH - (REACH - 1.0) / 2.0);
        place.clamp(0.0, last as f32) as u32
    };
    let mut cells = ZeroizeVec::from(vec![0.0; SIDE * SIDE]);
    for row in 0..SIDE * SAMPLES {
        let y = at(face.top, face.height, row, image.height() - 1);
        for column in 0..SIDE * SAMPLES {
            let x = at(face.left, face.width, column, image.width() - 1);
            cells[row / SAMPLES * SIDE + column / SAMPLES] +=
                luma_of(image.pixel(x, y).map(f32::from)) / (SAMPLES * SAMPLES) as f32;
        }
    }
    cells
}

/// Each cell's difference from the mean of its surroundings.
fn detail(cells: &[f32]) -> ZeroizeVec<f32> {
    let around = |at: usize| at.saturating_sub(SURROUND)..(at + SURROUND + 1).min(SIDE);
    let values = (0..SIDE * SIDE).map(|cell| {
        let (rows, columns) = (around(cell / SIDE), around(cell % SIDE));
        let count = rows.len() * columns.len();
        let sum: f32 = rows.flat_map(|row| &cells[row * SIDE..][columns.clone()]).sum();
        cells[cell] - sum / count as f32
    });
    ZeroizeVec::from(values.collect::<Vec<_>>())
}

/// The highest correlation of two grids over all shifts.
fn likeness<'a>(one: &'a [f32], other: &'a [f32]) -> f32 {
    let inner = SIDE - 2 * MAX_SHIFT;
    let part = |grid: &'a [f32], down: usize, right: usize| {
        (0..inner).flat_map(move |row| &grid[(row + down) * SIDE + right..][..inner]).copied()
    };
    let mut highest = -1.0f32;
    for down in 0..=2 * MAX_SHIFT {
        for right in 0..=2 * MAX_SHIFT {
            let pairs = part(one, MAX_SHIFT, MAX_SHIFT).zip(part(other, down, right));
            highest = highest.max(correlation(pairs));
        }
    }
    highest
}

/// Pearson's; 0 where one side is constant.
fn correlation(pairs: impl Iterator<Item = (f32, f32)>) -> f32 {
    let [mut count, mut x, mut y, mut xx, mut yy, mut xy] = [0.0f64; 6];
    for (a, b) in pairs.map(|(a, b)| (f64::from(a), f64::from(b))) {
        count += 1.0;
        (x, y, xx, yy, xy) = (x + a, y + b, xx + a * a, yy + b * b, xy + a * b);
    }
    let spread = ((xx - x * x / count) * (yy - y * y / count)).sqrt();
    if spread > 1e-6 { ((xy - x * y / count) / spread) as f32 } else { 0.0 }
}
