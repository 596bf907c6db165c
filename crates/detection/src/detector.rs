//! What a face detector is.

use face_liveness_image::ImageView;

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

/// Finds faces. Shared between threads.
pub trait FaceDetector: Send + Sync {
    /// The faces in an image, in that image's pixels, in any order.
    ///
    /// # Errors
    /// When the network fails: never because of what the image shows.
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error>;
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
