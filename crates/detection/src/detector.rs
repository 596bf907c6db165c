//! Faces, and the interface of a face detector.

use std::sync::Arc;

use face_liveness_image::{ImageView, Orientation};
use face_liveness_models::Origin;
use face_liveness_network::Error;

use crate::{BoundingBox, Point};

/// A face in an image.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Face {
    /// The face's box, inside the image.
    pub bounding_box: BoundingBox,
    /// The detector's score, 0 to 1.
    pub score: f32,
    /// In this order: the eye at the image's left, the eye at its right, the tip of the nose, the
    /// corner of the mouth at the left, the corner at the right. `None` from a detector without
    /// landmarks.
    pub landmarks: Option<[Point; 5]>,
}

impl Face {
    /// A face found by a detector of your own.
    pub fn new(bounding_box: BoundingBox, score: f32, landmarks: Option<[Point; 5]>) -> Self {
        Self { bounding_box, score, landmarks }
    }

    /// The roll of the head in degrees, -180 to 180: 0 when it is upright, 90 when the top of the
    /// head points to the image's right. Measured from the middle of the mouth to the middle of the
    /// eyes; `None` without landmarks.
    ///
    /// ```
    /// use face_liveness_detection::{BoundingBox, Face, Point};
    ///
    /// let landmarks = [[40.0, 20.0], [40.0, 40.0], [30.0, 30.0], [20.0, 20.0], [20.0, 40.0]];
    /// let landmarks = landmarks.map(|[x, y]| Point { x, y });
    /// let bounding_box = BoundingBox { left: 0.0, top: 0.0, width: 60.0, height: 60.0 };
    /// let face = Face::new(bounding_box, 0.9, Some(landmarks));
    /// assert_eq!(face.roll_degrees(), Some(90.0));
    /// ```
    pub fn roll_degrees(&self) -> Option<f32> {
        let [left_eye, right_eye, _, left_mouth, right_mouth] = self.landmarks?;
        let right = left_eye.x + right_eye.x - left_mouth.x - right_mouth.x;
        let down = left_eye.y + right_eye.y - left_mouth.y - right_mouth.y;
        Some(right.atan2(-down).to_degrees())
    }

    /// The face after its image is resized by a factor for x and one for y.
    pub fn scaled(&self, factors: [f32; 2]) -> Self {
        self.map(|bounding_box| bounding_box.scaled(factors), |point| point.scaled(factors))
    }

    /// The face after an orientation is applied to its image, stored as `width × height`. The
    /// landmarks keep their order.
    pub fn oriented(&self, orientation: Orientation, width: u32, height: u32) -> Self {
        self.map(
            |bounding_box| bounding_box.oriented(orientation, width, height),
            |point| point.oriented(orientation, width, height),
        )
    }

    fn map(
        &self,
        bounding_box: impl Fn(&BoundingBox) -> BoundingBox,
        point: impl Fn(&Point) -> Point,
    ) -> Self {
        Self {
            bounding_box: bounding_box(&self.bounding_box),
            score: self.score,
            landmarks: self.landmarks.as_ref().map(|points| points.each_ref().map(point)),
        }
    }
}

/// Finds faces.
///
/// An engine calls one detector from many threads at once. The default is
/// [`HeatmapDetector`](crate::HeatmapDetector).
///
/// ```
/// use face_liveness_detection::{BoundingBox, Error, Face, FaceDetector};
/// use face_liveness_image::ImageView;
///
/// /// For a booth whose camera frames the face: the middle half of the image.
/// struct Booth;
///
/// impl FaceDetector for Booth {
///     fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
///         let (width, height) = (image.width() as f32 / 2.0, image.height() as f32 / 2.0);
///         let (left, top) = (width / 2.0, height / 2.0);
///         Ok(vec![Face::new(BoundingBox { left, top, width, height }, 1.0, None)])
///     }
/// }
/// # let image = ImageView::new(4, 4, &[0; 48])?;
/// # assert_eq!(Booth.detect(image)?[0].bounding_box.left, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait FaceDetector: Send + Sync {
    /// The faces in an upright image, in that image's pixels, in any order. Boxes are inside the
    /// image and have sides above 0; scores are 0 to 1. Empty for an image without a face.
    ///
    /// Landmarks are optional. An engine uses them ([`Face::roll_degrees`]) to tell upright faces
    /// from rotated ones; a face without landmarks counts as upright.
    ///
    /// # Errors
    /// When the detector itself fails (see [`Error::run`]), never because of what the image shows.
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error>;

    /// The files that the detector was made from, for audits. Empty unless overridden.
    fn origin(&self) -> Origin {
        Origin::default()
    }
}

/// A detector that several owners share.
impl<D: FaceDetector + ?Sized> FaceDetector for Arc<D> {
    fn detect(&self, image: ImageView<'_>) -> Result<Vec<Face>, Error> {
        (**self).detect(image)
    }

    fn origin(&self) -> Origin {
        (**self).origin()
    }
}

/// The face with the largest box; among equals, the one with the highest score.
///
/// ```
/// use face_liveness_detection::{BoundingBox, Face, largest};
///
/// let face = |width, score| {
///     Face::new(BoundingBox { left: 0.0, top: 0.0, width, height: 40.0 }, score, None)
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
