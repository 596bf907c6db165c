//! A fully convolutional detector: one map in which the centre of a face glows, and maps that tell its box and landmarks
//! there ("Objects as Points", Zhou, Wang, Krähenbühl, 2019, arXiv:1904.07850).

use std::sync::OnceLock;

use face_liveness_image::{ImageView, resize};
use ndarray::{ArrayView3, Axis, Ix4};

use crate::refiner::Refiner;
use crate::resize::{framed, write_framed};
use crate::{BoundingBox, Error, Face, FaceDetector, Network};

/// The cells of the maps are this many input pixels wide.
const STRIDE: f32 = 8.0;
/// The logarithms of sides, in cells, that training allows.
const LOG_SIDES: std::ops::RangeInclusive<f32> = -2.0..=5.0;
const MAPS: usize = 15;

/// A heatmap detector with inputs for wide and for tall photos. Where the smallest shows no face, it looks again in the next one
/// that a photo fits as it is, or in the largest. What the heatmap takes for a face, a second network, the refiner, looks at more closely, in the photo as it was sent:
/// that tells whether it is one, and its box and landmarks.
///
/// Input of the heatmap: RGB, 0 to 255, the photo, made smaller where it does not fit, at the top left, zeros beyond it, in a frame
/// of zeros, 1 pixel wide.
/// Output: 15 maps with a cell for every 8 × 8 pixels. The log-odds that a face has its centre about there; from the cell's
/// centre to the face's, x and y, as parts of the box's width and height; the logarithms of width and height in cells; x and
/// y of five landmarks, from the face's centre, as parts of the box.
///
/// Input of the refiner: RGB, 0 to 255, the square of 1.4 times the box's longer side about its middle, at 64 × 64 pixels,
/// zeros beyond the photo, in such a frame. Output: the log-odds of a face; from the crop's middle to the box's, x and y, in sides of the
/// crop; the logarithms of width and height in sides of the crop; x and y of five landmarks, from the crop's middle, in sides
/// of the crop.
#[derive(Debug)]
pub struct HeatmapDetector {
    params: HeatmapDetectorParams,
    /// The ONNX file.
    heatmap: Box<[u8]>,
    passes: Vec<Pass>,
    refiner: Refiner,
}

/// The settings of [`HeatmapDetector`].
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapDetectorParams {
    /// Longer and shorter side of the heatmap's inputs, the smallest first; multiples of 32.
    pub input_sizes: Vec<[u32; 2]>,
    /// The least score of the heatmap, 0 to 1, that is worth a closer look.
    pub candidate_threshold: f32,
    /// The least score with which another cell has a say in where that look goes.
    pub vote_threshold: f32,
    /// At most so many closer looks in a pass, best first.
    pub most_candidates: usize,
    /// After so many candidates in a row that are no faces, the rest of the pass is left.
    pub most_refused: usize,
    /// The least score of a face, 0 to 1, by the refiner.
    pub score_threshold: f32,
    /// The score of the heatmap from which on a lower score by the refiner is enough.
    pub sure: f32,
    /// The least shorter side of a box, in the input's pixels, of which the heatmap can be sure.
    pub sure_side: f32,
    /// That lower score.
    pub sure_score_threshold: f32,
    /// The shorter side of the smallest face, in the photo's pixels.
    pub least_side: f32,
    /// Boxes with a higher IoU are of the same face.
    pub same_face_iou: f32,
}

impl Default for HeatmapDetectorParams {
    fn default() -> Self {
        Self {
            // The first finds faces of a twentieth of the photo's longer side and more, the last those of a 130th: 32 pixels of
            // 4032. Both are of a shape between 4:3 and 16:9, in which either photo leaves little empty. Those between are for
            // what webcams send, and for what is left of a large photo that was read in less detail.
            input_sizes: vec![[288, 192], [640, 480], [1024, 768], [1728, 1280]],
            candidate_threshold: 0.1,
            vote_threshold: 0.05,
            // A crowd; and a bound of what a hostile picture costs.
            most_candidates: 100,
            // In a busy photo much has some score beside its clear face.
            most_refused: 2,
            score_threshold: 0.9,
            // Faces unlike those that both have learnt: hats with beards and glasses.
            sure: 0.5,
            // What is smaller may be anything: a whole small portrait looks like a face.
            sure_side: 16.0,
            sure_score_threshold: 0.3,
            // Smaller ones are blots; half of what a request's face must have.
            least_side: 16.0,
            same_face_iou: 0.4,
        }
    }
}

#[derive(Debug)]
struct Pass {
    longer: u32,
    shorter: u32,
    wide: OnceLock<Network>,
    tall: OnceLock<Network>,
}

impl HeatmapDetector {
    /// Loads the networks with the default settings.
    ///
    /// # Errors
    /// When the bytes are not a heatmap and a refiner as ONNX.
    pub fn new(heatmap: &[u8], refiner: &[u8]) -> Result<Self, Error> {
        Self::with_params(heatmap, refiner, HeatmapDetectorParams::default())
    }

    /// Loads the networks, the heatmap for the smallest input size. For another size it is loaded when a photo first asks for it,
    /// which takes some 15 ms.
    ///
    /// # Errors
    /// When the bytes are not a heatmap and a refiner as ONNX, or there is no input size.
    pub fn with_params(heatmap: &[u8], refiner: &[u8], params: HeatmapDetectorParams) -> Result<Self, Error> {
        let passes: Vec<_> = params.input_sizes.iter().map(Pass::new).collect();
        let Some(first) = passes.first() else {
            return Err(Error::new("cannot be loaded", "HeatmapDetectorParams::input_sizes is empty"));
        };
        first.network(heatmap, true)?;
        first.network(heatmap, false)?;
        Ok(Self { params, heatmap: heatmap.into(), passes, refiner: Refiner::new(refiner)? })
    }

    /// What is a face among what a pass takes for one, each face once, best first.
    fn seen(&self, image: ImageView<'_>, pass: &Pass) -> Result<Vec<Face>, Error> {
        let HeatmapDetectorParams { most_refused, least_side, .. } = self.params;
        let network = pass.network(&self.heatmap, image.width() >= image.height())?;
        let candidates = pass.candidates(image, network, &self.params)?;
        let (mut faces, mut refused) = (Vec::new(), 0);
        for candidate in candidates {
            let Candidate { bounding_box, score_threshold } = candidate;
            let face = self.refiner.face(image, bounding_box, score_threshold)?;
            refused = if face.is_some() { 0 } else { refused + 1 };
            faces.extend(face);
            if refused == most_refused {
                break;
            }
        }
        faces.retain(|face| face.bounding_box.width.min(face.bounding_box.height) >= least_side);
        faces.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut kept: Vec<Face> = Vec::new();
        for face in faces {
            let same = |other: &Face| other.bounding_box.iou(&face.bounding_box) > self.params.same_face_iou;
            if !kept.iter().any(same) {
                kept.push(face);
            }
        }
        Ok(kept)
    }
}

impl FaceDetector for HeatmapDetector {
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
        let [first, closer @ ..] = &self.passes[..] else { return Ok(Vec::new()) };
        let faces = self.seen(image, first)?;
        let in_full = closer.iter().find(|pass| pass.scale(image) == 1.0);
        match in_full.or(closer.last()) {
            Some(closer) if faces.is_empty() && first.scale(image) < 1.0 => self.seen(image, closer),
            _ => Ok(faces),
        }
    }
}

impl Pass {
    fn new(&[longer, shorter]: &[u32; 2]) -> Self {
        Self { longer, shorter, wide: OnceLock::new(), tall: OnceLock::new() }
    }

    /// Two threads that ask for it at once may both load it; one of the two is kept.
    fn network(&self, heatmap: &[u8], wide: bool) -> Result<&Network, Error> {
        let (network, width, height) = if wide {
            (&self.wide, self.longer, self.shorter)
        } else {
            (&self.tall, self.shorter, self.longer)
        };
        if let Some(network) = network.get() {
            return Ok(network);
        }
        let loaded = Network::from_onnx(heatmap, [3, framed(height), framed(width)])?;
        Ok(network.get_or_init(|| loaded))
    }

    /// By how much a photo is made smaller to fit: at most 1.
    fn scale(&self, photo: ImageView<'_>) -> f32 {
        let (longer, shorter) = (photo.width().max(photo.height()), photo.width().min(photo.height()));
        let fit = |side: u32, photo: u32| side as f32 / photo as f32;
        fit(self.longer, longer).min(fit(self.shorter, shorter)).min(1.0)
    }

    /// Where faces may be, in the photo's pixels, best first.
    fn candidates(
        &self,
        image: ImageView<'_>,
        network: &Network,
        params: &HeatmapDetectorParams,
    ) -> Result<Vec<Candidate>, Error> {
        let scale = self.scale(image);
        let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
        let small = resize(image, side(image.width()), side(image.height()))
            .map_err(|cause| Error::new("cannot be given the image", cause))?;
        let outputs = network.run(|planes| write_framed(planes, small.view(), [0, 0]))?;
        let maps = outputs.first().and_then(|maps| maps.view().into_dimensionality::<Ix4>().ok());
        let maps = maps.filter(|maps| maps.shape()[..2] == [1, MAPS]);
        let maps = maps.ok_or_else(|| Error::new("failed", "the output is not a heatmap detector's"))?;
        let cells = cells(maps.index_axis(Axis(0), 0), params.vote_threshold);
        let scales = [(image.width(), small.width()), (image.height(), small.height())];
        let scales = scales.map(|(photo, small)| photo as f32 / small as f32);
        let mut faces = by_face(cells, params.same_face_iou, params.most_candidates);
        faces.retain(|face| face[0].score > params.candidate_threshold);
        let candidate = |face: &Vec<Cell>| {
            let (score, in_input) = (face[0].score, fused(face));
            let is_sure = score > params.sure && in_input.width.min(in_input.height) >= params.sure_side;
            Candidate {
                bounding_box: in_input.scaled(scales),
                score_threshold: if is_sure { params.sure_score_threshold } else { params.score_threshold },
            }
        };
        Ok(faces.iter().map(candidate).collect())
    }
}

/// Where a face may be, in the photo's pixels, and the least score by the refiner for it to be one.
struct Candidate {
    bounding_box: BoundingBox,
    score_threshold: f32,
}

/// What a cell says of a face, in the input's pixels.
struct Cell {
    score: f32,
    bounding_box: BoundingBox,
}

impl Cell {
    fn of(maps: ArrayView3<'_, f32>, (row, column): (usize, usize), score: f32) -> Self {
        let at = |map: usize| maps[[map, row, column]];
        let side = |map: usize| at(map).clamp(*LOG_SIDES.start(), *LOG_SIDES.end()).exp() * STRIDE;
        let (width, height) = (side(3), side(4));
        let left = (column as f32 + 0.5) * STRIDE + (at(1) - 0.5) * width;
        let top = (row as f32 + 0.5) * STRIDE + (at(2) - 0.5) * height;
        Self { score, bounding_box: BoundingBox { left, top, width, height } }
    }
}

/// The mean by score of what the cells of one face say: steadier than the best alone ("Weighted boxes fusion", Solovyev, Wang,
/// Gabruseva, 2021, arXiv:1910.13302).
fn fused(cells: &[Cell]) -> BoundingBox {
    let total: f32 = cells.iter().map(|cell| cell.score).sum();
    let mean = |of: fn(&BoundingBox) -> f32| {
        cells.iter().map(|cell| cell.score * of(&cell.bounding_box)).sum::<f32>() / total
    };
    BoundingBox {
        left: mean(|face| face.left),
        top: mean(|face| face.top),
        width: mean(|face| face.width),
        height: mean(|face| face.height),
    }
}

/// Every cell above the threshold, best first.
fn cells(maps: ArrayView3<'_, f32>, vote_threshold: f32) -> Vec<Cell> {
    let log_odds = maps.index_axis_move(Axis(0), 0);
    let scores = log_odds.indexed_iter().map(|(cell, &log_odds)| (cell, 1.0 / (1.0 + (-log_odds).exp())));
    let scores = scores.filter(|&(_, score)| score > vote_threshold);
    let mut cells: Vec<_> = scores.map(|(cell, score)| Cell::of(maps, cell, score)).collect();
    cells.sort_by(|a, b| b.score.total_cmp(&a.score));
    cells
}

/// The cells of each of the best faces: those whose box overlaps its best one's.
fn by_face(cells: Vec<Cell>, same_face_iou: f32, most_faces: usize) -> Vec<Vec<Cell>> {
    let mut faces: Vec<Vec<Cell>> = Vec::new();
    for cell in cells {
        let same = |face: &Vec<Cell>| face[0].bounding_box.iou(&cell.bounding_box) > same_face_iou;
        match faces.iter().position(same) {
            Some(face) => faces[face].push(cell),
            None if faces.len() < most_faces => faces.push(vec![cell]),
            None => {}
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
        }
        maps
    }

    #[test]
    fn cells_become_one_candidate() {
        let cells = cells(maps().view(), 0.4);
        assert_eq!(cells.len(), 2);
        assert!(cells[0].score > cells[1].score && (cells[0].score - 0.880_797).abs() < 1e-4);
        let faces = by_face(cells, 0.4, 9);
        assert_eq!(faces.len(), 1);
        let BoundingBox { left, top, width, height } = fused(&faces[0]);
        for (value, expected) in [(left, 4.0), (top, 0.0), (width, 16.0), (height, 24.0)] {
            assert!((value - expected).abs() < 1e-4, "{value} is not {expected}");
        }
    }

    #[test]
    fn boxes_that_hardly_overlap_are_two_candidates() {
        let at = |left: f32, score| Cell {
            score,
            bounding_box: BoundingBox { left, top: 0.0, width: 10.0, height: 10.0 },
        };
        let cells = vec![at(1.0, 0.9), at(20.0, 0.7), at(40.0, 0.65), at(0.0, 0.6)];
        let faces = by_face(cells, 0.4, 2);
        assert_eq!(faces.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1], "the third is one too many");
        let left = fused(&faces[0]).left;
        assert!((left - 0.6).abs() < 1e-6, "the mean by score: {left}");
    }
}
