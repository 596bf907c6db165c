//! A fully convolutional detector: one map in which the centre of a face glows, and maps that tell its box and landmarks
//! there ("Objects as Points", Zhou, Wang, Krähenbühl, 2019, arXiv:1904.07850).

use face_liveness_image::{ImageView, resize};
use ndarray::{ArrayView3, Axis, Ix4};

use crate::resize::fill;
use crate::{BoundingBox, Error, Face, FaceDetector, Network, Point, largest};

/// The cells of the maps are this many input pixels wide.
const STRIDE: f32 = 8.0;
/// The logarithms of sides, in cells, that training allows.
const LOG_SIDES: std::ops::RangeInclusive<f32> = -2.0..=5.0;
const MAPS: usize = 15;

/// A heatmap detector with inputs for wide and for tall photos, tried from the first size to the last until one finds a
/// face that is large enough in it.
///
/// Input: RGB, 0 to 255, the photo, made smaller where it does not fit, at the top left, zeros beyond it.
/// Output: 15 maps with a cell for every 8 × 8 pixels. The log-odds that a face has its centre about there; from the cell's
/// centre to the face's, x and y, as parts of the box's width and height; the logarithms of width and height in cells; x and
/// y of five landmarks, from the face's centre, as parts of the box.
#[derive(Debug)]
pub struct HeatmapDetector {
    params: HeatmapDetectorParams,
    passes: Vec<Pass>,
}

/// The settings of [`HeatmapDetector`].
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapDetectorParams {
    /// Longer and shorter side of the inputs, in the order in which they are tried; multiples of 32.
    pub input_sizes: Vec<[u32; 2]>,
    /// The least score of a face, 0 to 1: that of its best cell.
    pub score_threshold: f32,
    /// The least score with which another cell has a say in the face's box and landmarks.
    pub vote_threshold: f32,
    /// Where the largest face has a shorter side than this in the input's pixels, the next, finer input decides.
    pub trusted_side: f32,
    /// Boxes with a higher IoU are of the same face.
    pub same_face_iou: f32,
}

impl Default for HeatmapDetectorParams {
    fn default() -> Self {
        Self {
            // The first finds faces of a twentieth of a 4:3 photo's longer side and more, the other those of a 130th.
            input_sizes: vec![[288, 224], [1920, 1440]],
            score_threshold: 0.5,
            vote_threshold: 0.1,
            // 27 pixels of a photo 640 wide: less than a face must have.
            trusted_side: 12.0,
            same_face_iou: 0.4,
        }
    }
}

#[derive(Debug)]
struct Pass {
    wide: Network,
    tall: Network,
    longer: u32,
    shorter: u32,
}

impl HeatmapDetector {
    /// Loads the network with the default settings.
    ///
    /// # Errors
    /// When the bytes are not a heatmap detector as ONNX.
    pub fn new(onnx: &[u8]) -> Result<Self, Error> {
        Self::with_params(onnx, HeatmapDetectorParams::default())
    }

    /// Loads the network, twice for each input size.
    ///
    /// # Errors
    /// When the bytes are not a heatmap detector as ONNX, or there is no input size.
    pub fn with_params(onnx: &[u8], params: HeatmapDetectorParams) -> Result<Self, Error> {
        if params.input_sizes.is_empty() {
            return Err(Error::new("cannot be loaded", "HeatmapDetectorParams::input_sizes is empty"));
        }
        let network =
            |width: u32, height: u32| Network::from_onnx(onnx, [3, height as usize, width as usize]);
        let load = |&[longer, shorter]: &[u32; 2]| -> Result<Pass, Error> {
            Ok(Pass { wide: network(longer, shorter)?, tall: network(shorter, longer)?, longer, shorter })
        };
        let passes = params.input_sizes.iter().map(load).collect::<Result<_, _>>()?;
        Ok(Self { params, passes })
    }
}

impl FaceDetector for HeatmapDetector {
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
        let mut faces = Vec::new();
        for pass in &self.passes {
            faces = pass.detect(image, &self.params)?;
            let scale = pass.scale(image);
            let trusted =
                |BoundingBox { width, height, .. }| width.min(height) * scale >= self.params.trusted_side;
            if scale == 1.0 || largest(&faces).is_some_and(|face| trusted(face.bounding_box)) {
                break;
            }
        }
        Ok(faces)
    }
}

impl Pass {
    /// By how much a photo is made smaller to fit: at most 1.
    fn scale(&self, photo: ImageView<'_>) -> f32 {
        let (longer, shorter) = (photo.width().max(photo.height()), photo.width().min(photo.height()));
        let fit = |side: u32, photo: u32| side as f32 / photo as f32;
        fit(self.longer, longer).min(fit(self.shorter, shorter)).min(1.0)
    }

    fn detect(&self, image: ImageView<'_>, params: &HeatmapDetectorParams) -> Result<Vec<Face>, Error> {
        let network = if image.width() >= image.height() { &self.wide } else { &self.tall };
        let scale = self.scale(image);
        let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
        let small = resize(image, side(image.width()), side(image.height()))
            .map_err(|cause| Error::new("cannot be given the image", cause))?;
        let outputs = network.run(|planes| fill(planes, &small))?;
        let maps = outputs.first().and_then(|maps| maps.view().into_dimensionality::<Ix4>().ok());
        let maps = maps.filter(|maps| maps.shape()[..2] == [1, MAPS]);
        let maps = maps.ok_or_else(|| Error::new("failed", "the output is not a heatmap detector's"))?;
        let candidates = candidates(maps.index_axis(Axis(0), 0), params.vote_threshold);
        let scales = [(image.width(), small.width()), (image.height(), small.height())];
        let scales = scales.map(|(photo, small)| photo as f32 / small as f32);
        let mut faces = by_face(candidates, params.same_face_iou);
        faces.retain(|face| face[0].score > params.score_threshold);
        Ok(faces.iter().filter_map(|face| Candidate::fused(face).in_photo(image, scales)).collect())
    }
}

/// What a cell says of a face, in the input's pixels.
struct Candidate {
    score: f32,
    /// Left, top, width, height of the box; x and y of five landmarks.
    values: [f32; 14],
}

impl Candidate {
    fn of(maps: ArrayView3<'_, f32>, (row, column): (usize, usize), score: f32) -> Self {
        let at = |map: usize| maps[[map, row, column]];
        let side = |map: usize| at(map).clamp(*LOG_SIDES.start(), *LOG_SIDES.end()).exp() * STRIDE;
        let sides = [side(3), side(4)];
        let centre = [
            (column as f32 + 0.5) * STRIDE + at(1) * sides[0],
            (row as f32 + 0.5) * STRIDE + at(2) * sides[1],
        ];
        let values = std::array::from_fn(|i| match i {
            0 | 1 => centre[i] - sides[i] / 2.0,
            2 | 3 => sides[i - 2],
            _ => centre[i % 2] + at(i + 1) * sides[i % 2],
        });
        Self { score, values }
    }

    /// The mean by score of the candidates of one face, with the best one's score: steadier than the best alone ("Weighted
    /// boxes fusion", Solovyev, Wang, Gabruseva, 2021, arXiv:1910.13302).
    fn fused(candidates: &[Self]) -> Self {
        let total: f32 = candidates.iter().map(|candidate| candidate.score).sum();
        let mean = |i: usize| {
            candidates.iter().map(|candidate| candidate.score * candidate.values[i]).sum::<f32>() / total
        };
        Self { score: candidates[0].score, values: std::array::from_fn(mean) }
    }

    fn bounding_box(&self) -> BoundingBox {
        let [left, top, width, height, ..] = self.values;
        BoundingBox { left, top, width, height }
    }

    /// From the input's pixels to the photo's, the box clipped to it.
    fn in_photo(&self, photo: ImageView<'_>, scales: [f32; 2]) -> Option<Face> {
        let scaled: [f32; 14] = std::array::from_fn(|i| self.values[i] * scales[i % 2]);
        let [left, top, width, height, ..] = scaled;
        let landmark = |i: usize| Point { x: scaled[4 + 2 * i], y: scaled[5 + 2 * i] };
        Some(Face {
            bounding_box: BoundingBox { left, top, width, height }.clipped(photo.width(), photo.height())?,
            score: self.score,
            landmarks: Some(std::array::from_fn(landmark)),
        })
    }
}

/// Every cell above the threshold, best first.
fn candidates(maps: ArrayView3<'_, f32>, vote_threshold: f32) -> Vec<Candidate> {
    let log_odds = maps.index_axis_move(Axis(0), 0);
    let scores = log_odds.indexed_iter().map(|(cell, &log_odds)| (cell, 1.0 / (1.0 + (-log_odds).exp())));
    let scores = scores.filter(|&(_, score)| score > vote_threshold);
    let mut candidates: Vec<_> = scores.map(|(cell, score)| Candidate::of(maps, cell, score)).collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates
}

/// The candidates of each face: those whose box overlaps its best one's.
fn by_face(candidates: Vec<Candidate>, same_face_iou: f32) -> Vec<Vec<Candidate>> {
    let mut faces: Vec<Vec<Candidate>> = Vec::new();
    for candidate in candidates {
        let same = |face: &&mut Vec<Candidate>| {
            face[0].bounding_box().iou(&candidate.bounding_box()) > same_face_iou
        };
        match faces.iter_mut().find(same) {
            Some(face) => face.push(candidate),
            None => faces.push(vec![candidate]),
        }
    }
    faces
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    /// Maps of 3 × 4 cells, with one face of 16 × 24 about (12, 12), told by two cells.
    fn maps() -> Array3<f32> {
        let mut maps = Array3::zeros((MAPS, 3, 4));
        maps.index_axis_mut(Axis(0), 0).fill(-9.0);
        for (column, log_odds) in [(1, 2.0), (2, 1.0)] {
            let x = (column as f32 + 0.5) * STRIDE;
            let cells = maps.index_axis_mut(Axis(1), 1);
            let mut cell = cells.index_axis_move(Axis(1), column);
            cell[0] = log_odds;
            cell[1] = (12.0 - x) / 16.0;
            cell[3] = 2f32.ln();
            cell[4] = 3f32.ln();
            cell[9] = 0.25; // the tip of the nose, 4 pixels to the right
            cell[10] = -0.125; // and 3 up
        }
        maps
    }

    #[test]
    fn cells_become_one_face_with_its_landmarks() {
        let candidates = candidates(maps().view(), 0.4);
        assert_eq!(candidates.len(), 2);
        assert!(candidates[0].score > candidates[1].score);
        let faces = by_face(candidates, 0.4);
        assert_eq!(faces.len(), 1);
        let pixels = [0; 3 * 64 * 48];
        let photo = ImageView::new(64, 48, &pixels).expect("64 × 48");
        let face = Candidate::fused(&faces[0]).in_photo(photo, [2.0, 2.0]).expect("a face");
        let BoundingBox { left, top, width, height } = face.bounding_box;
        for (value, expected) in
            [(left, 8.0), (top, 0.0), (width, 32.0), (height, 48.0), (face.score, 0.880_797)]
        {
            assert!((value - expected).abs() < 1e-4, "{value} is not {expected}");
        }
        let nose = face.landmarks.expect("landmarks")[2];
        assert!((nose.x - 32.0).abs() < 1e-4 && (nose.y - 18.0).abs() < 1e-4, "{nose:?}");
    }

    #[test]
    fn boxes_that_hardly_overlap_are_two_faces() {
        let at = |left: f32, score| {
            let mut values = [0.0; 14];
            values[..4].copy_from_slice(&[left, 0.0, 10.0, 10.0]);
            Candidate { score, values }
        };
        let faces = by_face(vec![at(1.0, 0.9), at(20.0, 0.7), at(0.0, 0.6)], 0.4);
        assert_eq!(faces.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        let fused = Candidate::fused(&faces[0]);
        assert!((fused.values[0] - 0.6).abs() < 1e-6, "the mean by score: {}", fused.values[0]);
    }
}
