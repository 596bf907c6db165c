//! A fully convolutional detector: one map scores each place as the centre of a face, and other
//! maps give its box ("Objects as Points", Zhou, Wang, Krähenbühl, 2019, arXiv:1904.07850).

mod decoding;
mod fusion;
mod params;
mod schedule;

use face_liveness_image::{ImageView, resize};
use face_liveness_models::{Channels, FaceDetectorBundle, HeatmapInput, Origin};
use face_liveness_network::{Error, Placement, write_rgb};

use self::decoding::{Cell, Maps};
use self::fusion::{group_by_face, weighted_mean};
pub use self::params::HeatmapDetectorParams;
use self::schedule::{Inputs, scale_within};
use crate::refiner::Refiner;
use crate::{BoundingBox, Face, FaceDetector};

/// A detector of two networks: a heatmap proposes faces in a downscaled photo; a refiner checks
/// each proposal in the original photo, and gives the score, the box and the landmarks.
///
/// A quick pass finds the face of a photo that shows a single large one. Otherwise the first pass
/// searches a larger input; if it finds no face, the next pass uses a still larger one.
///
/// Input of the heatmap: the photo, 0 to 255, at the top left, zeros beyond it, in a frame of
/// zeros. Output: 15 maps with a cell for every `stride × stride` pixels. The log-odds that a
/// face's centre is near the cell's; the offset from the cell's centre to the face's, x and y, in
/// widths and heights of the box; the logarithms of width and height in cells; x and y of five
/// landmarks, from the face's centre, in widths and heights of the box.
///
/// Input of the refiner: a square crop around the proposal, 0 to 255, zeros beyond the photo, in a
/// frame of zeros. Output: the log-odds of a face; the box's centre from the crop's, x and y; the
/// logarithms of width and height; x and y of five landmarks from the crop's centre. All lengths
/// are in sides of the crop.
///
/// The stride, the frame and the refiner's sizes come from the [`FaceDetectorBundle`], the rest
/// from [`HeatmapDetectorParams`].
#[derive(Debug)]
pub struct HeatmapDetector {
    params: HeatmapDetectorParams,
    heatmap: Inputs,
    refiner: Refiner,
    origin: Origin,
}

impl HeatmapDetector {
    /// Loads the networks with the default settings.
    ///
    /// # Errors
    /// When the bundle's files are not a heatmap and a refiner as ONNX.
    pub fn new(bundle: &FaceDetectorBundle) -> Result<Self, Error> {
        Self::with_params(bundle, HeatmapDetectorParams::default())
    }

    /// Loads the networks, the heatmap for the smallest input size. For another size, it is loaded
    /// when a photo first needs it, in about 15 ms.
    ///
    /// # Errors
    /// When the bundle's files are not a heatmap and a refiner as ONNX, or when there is no pass,
    /// or a pass is larger than every input.
    pub fn with_params(
        bundle: &FaceDetectorBundle,
        params: HeatmapDetectorParams,
    ) -> Result<Self, Error> {
        let heatmap = Inputs::new(&bundle.heatmap, &params.input_sizes, &params.pass_sizes)?;
        let refiner = Refiner::new(&bundle.refiner)?;
        Ok(Self { params, heatmap, refiner, origin: bundle.origin() })
    }

    /// The face of a photo that shows a single large one.
    fn detect_quickly(&self, photo: ImageView<'_>) -> Result<Option<Face>, Error> {
        let HeatmapDetectorParams {
            quick_size,
            quick_min_side,
            quick_min_score,
            max_consecutive_rejections,
            ..
        } = self.params;
        let Some(size) = quick_size else { return Ok(None) };
        let scale = scale_within(size, photo);
        let proposals = self.propose(photo, scale)?;
        let Some((Proposal { bounding_box, .. }, others)) = proposals.split_first() else {
            return Ok(None);
        };
        let is_large = bounding_box.width.min(bounding_box.height) * scale >= quick_min_side;
        if !is_large || others.len() > max_consecutive_rejections {
            return Ok(None);
        }
        for Proposal { bounding_box, score_threshold } in others {
            if self.refiner.refine(photo, *bounding_box, *score_threshold)?.is_some() {
                return Ok(None);
            }
        }
        self.refiner.refine_coarse(photo, *bounding_box, quick_min_score)
    }

    /// The faces of one pass, each once, best first.
    fn detect_at(&self, photo: ImageView<'_>, scale: f32) -> Result<Vec<Face>, Error> {
        let HeatmapDetectorParams { max_consecutive_rejections, min_side, same_face_iou, .. } =
            self.params;
        let (mut faces, mut rejections) = (Vec::new(), 0);
        for Proposal { bounding_box, score_threshold } in self.propose(photo, scale)? {
            let face = self.refiner.refine(photo, bounding_box, score_threshold)?;
            rejections = if face.is_some() { 0 } else { rejections + 1 };
            faces.extend(face);
            if rejections == max_consecutive_rejections {
                break;
            }
        }
        faces.retain(|face| face.bounding_box.width.min(face.bounding_box.height) >= min_side);
        faces.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(non_maximum_suppression(faces, same_face_iou))
    }

    /// The proposals of one pass, best first.
    fn propose(&self, photo: ImageView<'_>, scale: f32) -> Result<Vec<Proposal>, Error> {
        let params = &self.params;
        let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
        let ([width, height], network) =
            self.heatmap.for_photo(side(photo.width()), side(photo.height()))?;
        let small = resize(photo, width, height).map_err(Error::run)?;
        let HeatmapInput { frame, stride, channels, .. } = self.heatmap.format();
        let placement =
            Placement::at(frame as usize, frame as usize).bgr(channels == Channels::Bgr);
        let outputs = network.run(|mut planes| write_rgb(&mut planes, small.view(), placement))?;
        let maps = outputs.first().and_then(Maps::new);
        let maps = maps.ok_or_else(|| Error::run("the output does not have a heatmap's shape"))?;

        let cells = maps.cells(stride as f32, params.vote_threshold);
        let mut faces = group_by_face(cells, params.same_face_iou, params.max_proposals);
        faces.retain(|face| face[0].score > params.proposal_threshold);
        let scales = [(photo.width(), small.width()), (photo.height(), small.height())];
        let scales = scales.map(|(photo, small)| photo as f32 / small as f32);
        Ok(faces.iter().map(|face| self.proposal(face, scales)).collect())
    }

    /// `scales` has the factors from the heatmap's input to the photo, for x and y.
    fn proposal(&self, cells: &[Cell], scales: [f32; 2]) -> Proposal {
        let params = &self.params;
        let (score, in_input) = (cells[0].score, weighted_mean(cells));
        let is_confident = score > params.confident_score
            && in_input.width.min(in_input.height) >= params.confident_min_side;
        let score_threshold =
            if is_confident { params.confident_score_threshold } else { params.score_threshold };
        Proposal { bounding_box: in_input.scaled(scales), score_threshold }
    }
}

impl FaceDetector for HeatmapDetector {
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
        if let Some(face) = self.detect_quickly(image)? {
            return Ok(vec![face]);
        }
        let mut faces = Vec::new();
        for &size in &self.params.pass_sizes {
            let scale = scale_within(size, image);
            faces = self.detect_at(image, scale)?;
            if !faces.is_empty() || scale == 1.0 {
                break;
            }
        }
        Ok(faces)
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

/// A possible face.
struct Proposal {
    /// In pixels of the photo.
    bounding_box: BoundingBox,
    /// The refiner's score above which the proposal is a face.
    score_threshold: f32,
}

/// Keeps each face once. `faces` are sorted, best first.
fn non_maximum_suppression(faces: Vec<Face>, same_face_iou: f32) -> Vec<Face> {
    let mut kept: Vec<Face> = Vec::new();
    for face in faces {
        let same = |other: &Face| other.bounding_box.iou(&face.bounding_box) > same_face_iou;
        if !kept.iter().any(same) {
            kept.push(face);
        }
    }
    kept
}
