//! What a face detector is.

use std::sync::Arc;

use face_liveness_image::{ImageView, Orientation};

use crate::{BoundingBox, Error, Point};

/// A face in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// Where it is, inside the image.
    pub bounding_box: BoundingBox,
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// The eye at the image's left, the eye at its right, the tip of the nose, the corner of the mouth at
    /// the left, the corner at the right; `None` from a detector without landmarks.
    pub landmarks: Option<[Point; 5]>,
}

impl Face {
    /// By how many degrees the face leans to the image's right, -180 to 180: 0 when it is upright, 90 when the top of the head
    /// is at the right. From the middle of the mouth to the middle of the eyes; `None` without landmarks.
    ///
    /// ```
    /// use face_liveness_detection::{BoundingBox, Face, Point};
    ///
    /// let [left_eye, right_eye, nose, left_mouth, right_mouth] =
    ///     [(40.0, 20.0), (40.0, 40.0), (30.0, 30.0), (20.0, 20.0), (20.0, 40.0)].map(|(x, y)| Point { x, y });
    /// let landmarks = Some([left_eye, right_eye, nose, left_mouth, right_mouth]);
    /// let bounding_box = BoundingBox { left: 0.0, top: 0.0, width: 60.0, height: 60.0 };
    /// assert_eq!(Face { bounding_box, score: 0.9, landmarks }.lean(), Some(90.0));
    /// ```
    pub fn lean(&self) -> Option<f32> {
        let [left_eye, right_eye, _, left_mouth, right_mouth] = self.landmarks?;
        let right = left_eye.x + right_eye.x - left_mouth.x - right_mouth.x;
        let down = left_eye.y + right_eye.y - left_mouth.y - right_mouth.y;
        Some(right.atan2(-down).to_degrees())
    }

    /// The face in another size of its image, `across` times as wide and `down` times as high.
    pub fn scaled(&self, [across, down]: [f32; 2]) -> Self {
        Self {
            bounding_box: self.bounding_box.scaled([across, down]),
            score: self.score,
            landmarks: self
                .landmarks
                .map(|points| points.map(|point| point.scaled([across, down]))),
        }
    }

    /// Where the face lies once its image, stored as `width × height`, is turned upright. The landmarks keep their order.
    pub fn upright(&self, orientation: Orientation, width: u32, height: u32) -> Self {
        Self {
            bounding_box: self.bounding_box.upright(orientation, width, height),
            score: self.score,
            landmarks: self
                .landmarks
                .map(|points| points.map(|point| point.upright(orientation, width, height))),
        }
    }
}

/// Finds faces. Shared between threads.
pub trait FaceDetector: Send + Sync {
    /// The faces in an image, in that image's pixels, in any order.
    ///
    /// # Errors
    /// When the network fails: never because of what the image shows.
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error>;
}

/// A detector that several owners share.
impl<D: FaceDetector + ?Sized> FaceDetector for Arc<D> {
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
        (**self).detect(image)
    }
}

/// The face with the largest box; of equals, the one with the higher score.
///
/// ```
/// use face_liveness_detection::{largest, BoundingBox, Face};
///
/// let face = |width, score| Face {
///     bounding_box: BoundingBox { left: 0.0, top: 0.0, width, height: 40.0 },
///     score,
///     landmarks: None,
/// };
/// let faces = [face(30.0, 0.9), face(40.0, 0.6), face(40.0, 0.7)];
/// assert_eq!(largest(&faces), Some(&faces[2]));
/// assert_eq!(largest(&[]), None);
/// ```
pub fn largest(faces: &[Face]) -> Option<&Face> {
    faces.iter().max_by(|a, b| {
        let by_area = a.bounding_box.area().total_cmp(&b.bounding_box.area());
        by_area.then(a.score.total_cmp(&b.score))
    })
}
