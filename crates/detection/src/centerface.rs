//! CenterFace: an anchor-free detector (Xu et al., "CenterFace: Joint Face Detection and Alignment Using
//! Face as Point", 2019, arXiv:1911.03599).

use face_liveness_image::ImageView;
use ndarray::{ArrayD, ArrayView3, Axis, Ix4};

use crate::{BoundingBox, Error, Face, FaceDetector, Network, Point, resize, write_planes};

/// The cells of the output maps are this many input pixels wide.
const STRIDE: f32 = 4.0;

/// CenterFace with fixed square inputs, tried from the smallest to the largest until one finds a face.
///
/// Input: RGB, 0 to 255, the photo scaled to the input's side and placed at its top left, zeros beyond it.
/// Outputs, each with a cell for every 4 × 4 pixels: `heatmap` (the probability that a face has its centre
/// there), `scale` (the logarithm of the box's height and width), `offset` (of the centre within the cell,
/// y and x), `landmarks` (y and x of five points, as parts of the box).
#[derive(Debug)]
pub struct CenterFace {
    params: CenterFaceParams,
    networks: Vec<Network>,
}

/// The settings of [`CenterFace`].
#[derive(Debug, Clone, PartialEq)]
pub struct CenterFaceParams {
    /// The sides of the square inputs, in the order in which they are tried; multiples of 32.
    pub input_sides: Vec<u32>,
    /// The least score of a face, 0 to 1.
    pub score_threshold: f32,
    /// Of two boxes with a higher IoU, the one with the lower score is dropped.
    pub nms_iou: f32,
}

impl Default for CenterFaceParams {
    fn default() -> Self {
        Self {
            // 320 finds faces of a tenth of the photo's side, what an app's camera guide asks for, in a
            // quarter of the time of 640, which finds those of a twentieth.
            input_sides: vec![320, 640],
            // The publisher's.
            score_threshold: 0.5,
            nms_iou: 0.3,
        }
    }
}

impl CenterFace {
    /// Loads the network with the default settings.
    ///
    /// # Errors
    /// When the bytes are not CenterFace as ONNX.
    pub fn new(onnx: &[u8]) -> Result<Self, Error> {
        Self::with_params(onnx, CenterFaceParams::default())
    }

    /// Loads the network, once for each input side.
    ///
    /// # Errors
    /// When the bytes are not CenterFace as ONNX, or there is no input side.
    pub fn with_params(onnx: &[u8], params: CenterFaceParams) -> Result<Self, Error> {
        if params.input_sides.is_empty() {
            return Err(Error::new("cannot be loaded", "CenterFaceParams::input_sides is empty"));
        }
        let load = |&side: &u32| Network::from_onnx(onnx, [3, side as usize, side as usize]);
        let networks = params.input_sides.iter().map(load).collect::<Result<_, _>>()?;
        Ok(Self { params, networks })
    }
}

impl FaceDetector for CenterFace {
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
        for (&side, network) in self.params.input_sides.iter().zip(&self.networks) {
            let small = resize::to_longer_side(image, side)?;
            let outputs = network.run(|planes| write_planes(planes, small.view()))?;
            let candidates = Maps::new(&outputs)?.faces(self.params.score_threshold);
            let scale_x = image.width() as f32 / small.width() as f32;
            let scale_y = image.height() as f32 / small.height() as f32;
            let faces: Vec<_> = non_maximum_suppression(candidates, self.params.nms_iou)
                .into_iter()
                .filter_map(|face| face_in_photo(face, image, scale_x, scale_y))
                .collect();
            if !faces.is_empty() {
                return Ok(faces);
            }
        }
        Ok(Vec::new())
    }
}

/// The network's outputs without the batch axis.
struct Maps<'a> {
    heatmap: ArrayView3<'a, f32>,
    scale: ArrayView3<'a, f32>,
    offset: ArrayView3<'a, f32>,
    landmarks: ArrayView3<'a, f32>,
}

impl<'a> Maps<'a> {
    fn new(outputs: &'a [ArrayD<f32>]) -> Result<Self, Error> {
        let map = |i: usize, channels: usize| -> Result<ArrayView3<'a, f32>, Error> {
            let map = outputs.get(i).and_then(|map| map.view().into_dimensionality::<Ix4>().ok());
            map.filter(|map| map.shape()[..2] == [1, channels] && map.shape()[2..] == outputs[0].shape()[2..])
                .map(|map| map.index_axis_move(Axis(0), 0))
                .ok_or_else(|| Error::new("failed", "the outputs are not CenterFace's"))
        };
        Ok(Self { heatmap: map(0, 1)?, scale: map(1, 2)?, offset: map(2, 2)?, landmarks: map(3, 10)? })
    }

    /// Every cell above the threshold as a face, in the input's pixels.
    fn faces(&self, threshold: f32) -> Vec<Face> {
        let scores = self.heatmap.indexed_iter().filter(|&(_, &score)| score > threshold);
        scores.map(|((_, row, column), &score)| self.face(row, column, score)).collect()
    }

    fn face(&self, row: usize, column: usize, score: f32) -> Face {
        let at = |map: &ArrayView3<'_, f32>, channel: usize| map[[channel, row, column]];
        let height = at(&self.scale, 0).exp() * STRIDE;
        let width = at(&self.scale, 1).exp() * STRIDE;
        let top = (row as f32 + at(&self.offset, 0) + 0.5) * STRIDE - height / 2.0;
        let left = (column as f32 + at(&self.offset, 1) + 0.5) * STRIDE - width / 2.0;
        let landmark = |i: usize| Point {
            x: left + at(&self.landmarks, 2 * i + 1) * width,
            y: top + at(&self.landmarks, 2 * i) * height,
        };
        let bounding_box = BoundingBox { left, top, width, height };
        Face { bounding_box, score, landmarks: Some(std::array::from_fn(landmark)) }
    }
}

fn non_maximum_suppression(mut candidates: Vec<Face>, iou: f32) -> Vec<Face> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for face in candidates {
        if kept.iter().all(|better| better.bounding_box.iou(&face.bounding_box) < iou) {
            kept.push(face);
        }
    }
    kept
}

/// From the input's pixels to the photo's, clipped to it.
fn face_in_photo(face: Face, photo: ImageView<'_>, scale_x: f32, scale_y: f32) -> Option<Face> {
    let BoundingBox { left, top, width, height } = face.bounding_box;
    let bounding_box = BoundingBox {
        left: left * scale_x,
        top: top * scale_y,
        width: width * scale_x,
        height: height * scale_y,
    };
    let to_photo = |point: Point| Point { x: point.x * scale_x, y: point.y * scale_y };
    Some(Face {
        bounding_box: bounding_box.clipped(photo.width(), photo.height())?,
        landmarks: face.landmarks.map(|landmarks| landmarks.map(to_photo)),
        score: face.score,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_overlapping_boxes_the_best_stays() {
        let face = |left, score| Face {
            bounding_box: BoundingBox { left, top: 0.0, width: 10.0, height: 10.0 },
            score,
            landmarks: None,
        };
        let kept = non_maximum_suppression(vec![face(0.0, 0.6), face(1.0, 0.9), face(20.0, 0.7)], 0.3);
        assert_eq!(kept, [face(1.0, 0.9), face(20.0, 0.7)]);
    }

    #[test]
    fn a_cell_becomes_a_box_and_landmarks() {
        let zeros = |channels| ArrayD::<f32>::zeros(vec![1, channels, 2, 2]);
        let (mut heatmap, mut scale, mut offset, mut landmarks) = (zeros(1), zeros(2), zeros(2), zeros(10));
        heatmap[[0, 0, 1, 0]] = 0.75;
        scale[[0, 0, 1, 0]] = 3f32.ln(); // height 12
        scale[[0, 1, 1, 0]] = 2f32.ln(); // width 8
        offset[[0, 0, 1, 0]] = 0.25; // centre y (1 + 0.25 + 0.5) · 4 = 7
        offset[[0, 1, 1, 0]] = 0.5; // centre x (0 + 0.5 + 0.5) · 4 = 4
        landmarks[[0, 4, 1, 0]] = 0.5; // the nose, in the middle of the box
        landmarks[[0, 5, 1, 0]] = 0.5;
        let outputs = [heatmap, scale, offset, landmarks];
        let faces = Maps::new(&outputs).expect("four maps").faces(0.5);
        assert_eq!(faces.len(), 1);
        let BoundingBox { left, top, width, height } = faces[0].bounding_box;
        for (value, expected) in [(left, 0.0), (top, 1.0), (width, 8.0), (height, 12.0)] {
            assert!((value - expected).abs() < 1e-4, "{value} is not {expected}");
        }
        let nose = faces[0].landmarks.expect("landmarks")[2];
        assert!((nose.x - 4.0).abs() < 1e-4 && (nose.y - 7.0).abs() < 1e-4);
    }
}
