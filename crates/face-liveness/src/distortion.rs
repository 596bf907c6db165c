//! Searches an image with a distorted aspect ratio for faces.
//!
//! A camera app that swaps width and height squeezes a photo of 4:3 to 3:4, and everyone in it to
//! 56 % of their width. A print at a slant looks much the same. The detector rarely finds such
//! faces; the crops of the models restore their aspect ratio.

use face_liveness_detection::Face;

use crate::Error;
use crate::rotation::{UPSIDE_DOWN, highest_score, is_upright, search_rotations};
use crate::working_image::WorkingImage;

/// The factors of width and height in each copy. Halving the height makes narrow faces wider.
const COPIES: [[f32; 2]; 2] = [[1.0, 0.5], [0.5, 1.0]];

/// The upright faces of at least this score in the first copy that has one, in pixels of the image.
/// A copy that has a better face upside down does not count.
pub(crate) fn search_distorted(
    image: &WorkingImage<'_>,
    min_score: f32,
    detect: impl Fn(&WorkingImage<'_>) -> Result<Vec<Face>, Error>,
) -> Result<Vec<Face>, Error> {
    for factors in COPIES {
        let copy = image.distorted(factors)?;
        let mut faces = detect(&copy)?;
        faces.retain(|face| face.score >= min_score && is_upright(face));
        if faces.is_empty() {
            continue;
        }
        let score = highest_score(&faces);
        if search_rotations(&copy, &[UPSIDE_DOWN], score, &detect)?.is_none() {
            let in_image = |face: &Face| image.face_in_working(&copy.face_in_full(face));
            return Ok(faces.iter().map(in_image).collect());
        }
    }
    Ok(Vec::new())
}
