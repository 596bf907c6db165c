//! A fully convolutional detector: one map in which the centre of a face glows, and maps that tell its box and landmarks
//! there ("Objects as Points", Zhou, Wang, Krähenbühl, 2019, arXiv:1904.07850).

use std::sync::OnceLock;

use face_liveness_image::{ImageView, resize};
use ndarray::{ArrayView3, Axis, Ix4};

use crate::refiner::{Refiner, log_odds, probability};
use crate::resize::{framed, write_framed};
use crate::{BoundingBox, Error, Face, FaceDetector, Network};

/// The cells of the maps are this many input pixels wide.
const STRIDE: f32 = 8.0;
/// The logarithms of sides, in cells, that training allows.
const LOG_SIDES: std::ops::RangeInclusive<f32> = -2.0..=5.0;
const MAPS: usize = 15;
/// By what part of an input's side a photo is squeezed rather than laid into a larger one: 162 rows of 16:9 become 160.
const SQUEEZED: f32 = 1.0 / 64.0;

/// A heatmap detector with inputs of several sizes for wide and for tall photos. It looks at a photo made small, and where that shows no
/// face at more of it. What the heatmap takes for a face, a second network, the refiner, looks at more closely, in the photo as it was sent:
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
    inputs: Vec<Input>,
    refiner: Refiner,
}

/// The settings of [`HeatmapDetector`].
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapDetectorParams {
    /// Longer and shorter side within which a photo is laid, made smaller where it has to be: at the first look, and at each one
    /// after a look that finds no face.
    pub look_sizes: Vec<[u32; 2]>,
    /// Longer and shorter side of the heatmap's inputs, the smallest first; multiples of 32. What is looked at goes into the first
    /// that holds it.
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
            // The first look finds faces of a twentieth of the photo's longer side and more, the other those of a 130th: 32 pixels of
            // 4032.
            look_sizes: vec![[288, 192], [1728, 1280]],
            // The first look at photos of 4:3, 16:9 and shapes between; the other at what webcams send, at what is left of a large
            // photo that was read in less detail, and at the rest.
            input_sizes: vec![[288, 160], [288, 192], [640, 480], [1024, 768], [1728, 1280]],
            candidate_threshold: 0.2,
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

/// The heatmap for one size of its input.
#[derive(Debug)]
struct Input {
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
    /// When the bytes are not a heatmap and a refiner as ONNX, or there is no look or no input that holds it.
    pub fn with_params(
        heatmap: &[u8],
        refiner: &[u8],
        params: HeatmapDetectorParams,
    ) -> Result<Self, Error> {
        let inputs: Vec<_> = params.input_sizes.iter().map(Input::new).collect();
        let (Some(smallest), [_, ..]) = (inputs.first(), &params.look_sizes[..]) else {
            return Err(Error::new(
                "cannot be loaded",
                "HeatmapDetectorParams has no look_sizes or input_sizes",
            ));
        };
        for &[longer, shorter] in &params.look_sizes {
            holding(&inputs, longer, shorter)?;
        }
        smallest.network(heatmap, true)?;
        smallest.network(heatmap, false)?;
        Ok(Self { params, heatmap: heatmap.into(), inputs, refiner: Refiner::new(refiner)? })
    }

    /// What is a face among what the heatmap takes for one at a look, each face once, best first.
    fn look(&self, image: ImageView<'_>, scale: f32) -> Result<Vec<Face>, Error> {
        let HeatmapDetectorParams { most_refused, least_side, .. } = self.params;
        let candidates = self.candidates(image, scale)?;
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
            let same = |other: &Face| {
                other.bounding_box.iou(&face.bounding_box) > self.params.same_face_iou
            };
            if !kept.iter().any(same) {
                kept.push(face);
            }
        }
        Ok(kept)
    }

    /// Where faces may be, in the photo's pixels, best first.
    fn candidates(&self, image: ImageView<'_>, scale: f32) -> Result<Vec<Candidate>, Error> {
        let params = &self.params;
        let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
        let (width, height) = (side(image.width()), side(image.height()));
        let is_wide = width >= height;
        let input = holding(&self.inputs, width.max(height), width.min(height))?;
        let (widest, highest) = input.sides(is_wide);
        let small = resize(image, width.min(widest), height.min(highest))
            .map_err(|cause| Error::new("cannot be given the image", cause))?;
        let network = input.network(&self.heatmap, is_wide)?;
        let outputs = network.run(|planes| write_framed(planes, small.view(), [0, 0]))?;
        let maps = outputs.first().and_then(|maps| maps.view().into_dimensionality::<Ix4>().ok());
        let maps = maps.filter(|maps| maps.shape()[..2] == [1, MAPS]);
        let maps =
            maps.ok_or_else(|| Error::new("failed", "the output is not a heatmap detector's"))?;
        let cells = cells(maps.index_axis(Axis(0), 0), params.vote_threshold);
        let scales = [(image.width(), small.width()), (image.height(), small.height())];
        let scales = scales.map(|(photo, small)| photo as f32 / small as f32);
        let mut faces = by_face(cells, params.same_face_iou, params.most_candidates);
        faces.retain(|face| face[0].score > params.candidate_threshold);
        let candidate = |face: &Vec<Cell>| {
            let (score, in_input) = (face[0].score, fused(face));
            let is_sure =
                score > params.sure && in_input.width.min(in_input.height) >= params.sure_side;
            Candidate {
                bounding_box: in_input.scaled(scales),
                score_threshold: if is_sure {
                    params.sure_score_threshold
                } else {
                    params.score_threshold
                },
            }
        };
        Ok(faces.iter().map(candidate).collect())
    }
}

impl FaceDetector for HeatmapDetector {
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
        let mut faces = Vec::new();
        for &size in &self.params.look_sizes {
            let scale = scale_within(size, image);
            faces = self.look(image, scale)?;
            if !faces.is_empty() || scale == 1.0 {
                break;
            }
        }
        Ok(faces)
    }
}

/// By how much a photo is made smaller to fit: at most 1.
fn scale_within([longer, shorter]: [u32; 2], photo: ImageView<'_>) -> f32 {
    let fit = |side: u32, photo: u32| side as f32 / photo as f32;
    let (width, height) = (photo.width(), photo.height());
    fit(longer, width.max(height)).min(fit(shorter, width.min(height))).min(1.0)
}

/// The first input that holds what has such sides, or all but `SQUEEZED` of it.
fn holding(inputs: &[Input], longer: u32, shorter: u32) -> Result<&Input, Error> {
    let holds = |side: u32, of: u32| side <= of + (of as f32 * SQUEEZED) as u32;
    let input =
        inputs.iter().find(|input| holds(longer, input.longer) && holds(shorter, input.shorter));
    input.ok_or_else(|| Error::new("cannot be loaded", "no input size holds a look"))
}

impl Input {
    fn new(&[longer, shorter]: &[u32; 2]) -> Self {
        Self { longer, shorter, wide: OnceLock::new(), tall: OnceLock::new() }
    }

    /// Width and height.
    fn sides(&self, wide: bool) -> (u32, u32) {
        if wide { (self.longer, self.shorter) } else { (self.shorter, self.longer) }
    }

    /// Two threads that ask for it at once may both load it; one of the two is kept.
    fn network(&self, heatmap: &[u8], wide: bool) -> Result<&Network, Error> {
        let network = if wide { &self.wide } else { &self.tall };
        if let Some(network) = network.get() {
            return Ok(network);
        }
        let (width, height) = self.sides(wide);
        let loaded = Network::from_onnx(heatmap, [3, framed(height), framed(width)])?;
        Ok(network.get_or_init(|| loaded))
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
    let least = log_odds(vote_threshold);
    let scores = maps.index_axis_move(Axis(0), 0);
    let above = scores.indexed_iter().filter(|&(_, &log_odds)| log_odds > least);
    let mut cells: Vec<_> =
        above.map(|(cell, &log_odds)| Cell::of(maps, cell, probability(log_odds))).collect();
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
        assert_eq!(
            faces.iter().map(Vec::len).collect::<Vec<_>>(),
            [2, 1],
            "the third is one too many"
        );
        let left = fused(&faces[0]).left;
        assert!((left - 0.6).abs() < 1e-6, "the mean by score: {left}");
    }
}
