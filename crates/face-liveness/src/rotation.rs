//! Searches other rotations of an image for upright faces.

use face_liveness_detection::{Face, largest};
use face_liveness_image::Orientation;

use crate::Error;
use crate::working_image::WorkingImage;

/// The maximum roll, in degrees, of an upright face: between 45°, up to which the detector is
/// trained, and 90°, the step between two rotations.
const MAX_UPRIGHT_ROLL: f32 = 60.0;
/// The Exif orientation that rotates an image by 180°.
pub(crate) const UPSIDE_DOWN: u32 = 3;
/// The Exif orientations that rotate an image by 90°, 270° and 180° clockwise.
pub(crate) const ROTATIONS: [u32; 3] = [6, 8, UPSIDE_DOWN];

/// A rotated image, and the upright faces in it.
pub(crate) struct Rotated<'a> {
    pub(crate) image: WorkingImage<'a>,
    pub(crate) orientation: Orientation,
    pub(crate) faces: Vec<Face>,
}

/// Rotates an image and returns the rotation whose largest upright face has the highest score;
/// `None` when no such face has more than `min_score`.
pub(crate) fn search_rotations<'a>(
    image: &WorkingImage<'_>,
    rotations: &[u32],
    min_score: f32,
    detect: impl Fn(&WorkingImage<'_>) -> Result<Vec<Face>, Error>,
) -> Result<Option<Rotated<'a>>, Error> {
    let mut best = None;
    let mut highest = min_score;
    for orientation in rotations.iter().copied().filter_map(Orientation::new) {
        let image = image.rotated(orientation);
        let mut faces = detect(&image)?;
        faces.retain(is_upright);
        let Some(score) = largest(&faces).map(|face| face.score) else { continue };
        if score > highest {
            highest = score;
            best = Some(Rotated { image, orientation, faces });
        }
    }
    Ok(best)
}

/// The highest score of an upright face; 0 without one.
pub(crate) fn highest_score(faces: &[Face]) -> f32 {
    faces.iter().filter(|face| is_upright(face)).map(|face| face.score).fold(0.0, f32::max)
}

/// Whether a face is upright. Without landmarks, a face counts as upright.
pub(crate) fn is_upright(face: &Face) -> bool {
    face.roll_degrees().is_none_or(|degrees| degrees.abs() <= MAX_UPRIGHT_ROLL)
}
