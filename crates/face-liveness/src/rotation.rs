//! Searches the other three rotations of an image for upright faces.

use face_liveness_detection::{Face, largest};
use face_liveness_image::Orientation;

use crate::Error;
use crate::working_image::WorkingImage;

/// The maximum roll, in degrees, of an upright face: between 45°, up to which the detector is
/// trained, and 90°, the step between two rotations.
const MAX_UPRIGHT_ROLL: f32 = 60.0;
/// The orientations that rotate an image by 90°, 270° and 180° clockwise.
const ROTATIONS: [u32; 3] = [6, 8, 3];

/// A rotated image, and the upright faces in it.
pub(crate) struct Rotated<'a> {
    pub(crate) image: WorkingImage<'a>,
    pub(crate) orientation: Orientation,
    pub(crate) faces: Vec<Face>,
}

/// Rotates an image three times and returns the rotation whose largest upright face has the highest
/// score; `None` when no rotation shows an upright face.
pub(crate) fn search_rotations<'a>(
    image: &WorkingImage<'_>,
    detect: impl Fn(&WorkingImage<'_>) -> Result<Vec<Face>, Error>,
) -> Result<Option<Rotated<'a>>, Error> {
    let mut best: Option<(f32, Rotated<'a>)> = None;
    for orientation in ROTATIONS.into_iter().filter_map(Orientation::new) {
        let image = image.rotated(orientation);
        let mut faces = detect(&image)?;
        faces.retain(is_upright);
        let Some(score) = largest(&faces).map(|face| face.score) else { continue };
        if best.as_ref().is_none_or(|&(highest, _)| score > highest) {
            best = Some((score, Rotated { image, orientation, faces }));
        }
    }
    Ok(best.map(|(_, rotated)| rotated))
}

/// Whether a face is upright. Without landmarks, a face counts as upright.
pub(crate) fn is_upright(face: &Face) -> bool {
    face.roll_degrees().is_none_or(|degrees| degrees.abs() <= MAX_UPRIGHT_ROLL)
}
