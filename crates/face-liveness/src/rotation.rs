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

/// The maximum number of pixels of a rotated copy, 38 MB: a photo of 4032 × 3024 is searched at
/// its size. A quarter of the pixels of the largest image, so that it and two copies take less than
/// decoding may (`Limits::max_memory`).
const MAX_COPY_PIXELS: f32 = 12.5e6;

/// A rotation, and the upright faces that it shows.
pub(crate) struct Rotated {
    pub(crate) orientation: Orientation,
    /// In pixels of the rotated image. `None` if they were found in a smaller copy of it, whose
    /// boxes are less exact.
    pub(crate) faces: Option<Vec<Face>>,
}

/// Returns the rotation of an image whose largest upright face has the highest score; `None` when
/// no such face has more than `min_score`. One rotated copy is in memory at a time.
pub(crate) fn search_rotations(
    image: &WorkingImage<'_>,
    rotations: &[u32],
    min_score: f32,
    detect: impl Fn(&WorkingImage<'_>) -> Result<Vec<Face>, Error>,
) -> Result<Option<Rotated>, Error> {
    let smaller = image.within(MAX_COPY_PIXELS)?;
    let searched = smaller.as_ref().unwrap_or(image);
    let mut best = None;
    let mut highest = min_score;
    for orientation in rotations.iter().copied().filter_map(Orientation::new) {
        let faces = upright(detect(&searched.rotated(orientation))?);
        let Some(score) = largest(&faces).map(|face| face.score) else { continue };
        if score > highest {
            highest = score;
            best = Some(Rotated { orientation, faces: smaller.is_none().then_some(faces) });
        }
    }
    Ok(best)
}

/// The upright ones of some faces.
pub(crate) fn upright(mut faces: Vec<Face>) -> Vec<Face> {
    faces.retain(is_upright);
    faces
}

/// The highest score of an upright face; 0 without one.
pub(crate) fn highest_score(faces: &[Face]) -> f32 {
    faces.iter().filter(|face| is_upright(face)).map(|face| face.score).fold(0.0, f32::max)
}

/// Whether a face is upright. Without landmarks, a face counts as upright.
pub(crate) fn is_upright(face: &Face) -> bool {
    face.roll_degrees().is_none_or(|degrees| degrees.abs() <= MAX_UPRIGHT_ROLL)
}
