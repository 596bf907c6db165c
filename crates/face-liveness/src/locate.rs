//! Decodes an image in as much detail as its faces need, and detects them.

use face_liveness_detection::{BoundingBox, Face, FaceDetector, largest};
use face_liveness_image::{self as imaging, Orientation, decode_scaled};

use crate::Error;
use crate::distortion::search_distorted;
use crate::image_source::{ImageSource, Input};
use crate::position::position;
use crate::progress::{Reporter, Stage};
use crate::rotation::{
    ROTATIONS, Rotated, UPSIDE_DOWN, highest_score, is_upright, search_rotations, upright,
};
use crate::working_image::{FULL_SIDE, SEARCH_SIDE, WorkingImage};

/// An image without a face of at least this score is also searched upside down, where a better face
/// shows that it is not upright. Of 1,025 faces in upright photos (Caltech, CompreFace and the
/// development sets), 4 score lower; of 18 false faces in 235 upside-down ones, none scores higher.
/// It is also the minimum score of a face in a copy of other proportions.
const CERTAIN_SCORE: f32 = 0.98;

/// Finds the faces of an image.
pub(crate) struct Locator {
    pub(crate) detector: Box<dyn FaceDetector>,
    /// The minimum shorter side of a face, in pixels of the full image.
    pub(crate) min_face_side: u32,
    /// Whether to search the other rotations of an image that shows no certain upright face.
    pub(crate) search_rotations: bool,
    pub(crate) progress: Reporter,
}

/// A working image, and the faces in it.
pub(crate) struct Located<'a> {
    pub(crate) image: WorkingImage<'a>,
    /// The rotation in which the faces were found.
    orientation: Orientation,
    /// The faces, in pixels of the working image.
    pub(crate) faces: Vec<Face>,
    /// Whether the faces were found in a copy of other proportions.
    pub(crate) is_distorted: bool,
}

impl Locator {
    /// Decodes an image with at least this longer side and detects its faces. Decodes it again in
    /// more detail when no face is found, or when the largest has too few pixels to be scored.
    pub(crate) fn locate<'a>(
        &self,
        input: &Input<'a>,
        limits: &imaging::Limits,
        longer_side: u32,
    ) -> Result<Located<'a>, Error> {
        let located = self.search(self.decode(input, limits, longer_side)?, input.index)?;
        let more_detail = match located.largest_face() {
            Some(face) => located.image.longer_side_for(&face.bounding_box),
            None => located.image.is_scaled_down().then_some(FULL_SIDE),
        };
        let Some(longer_side) = more_detail else { return Ok(located) };
        // Both decodings are not in memory at once.
        drop(located);
        self.locate(input, limits, longer_side)
    }

    /// Decodes an image in enough detail to score a face, given in pixels of the full image.
    pub(crate) fn decode_for<'a>(
        &self,
        input: &Input<'a>,
        limits: &imaging::Limits,
        face: &BoundingBox,
    ) -> Result<WorkingImage<'a>, Error> {
        let image = self.decode(input, limits, SEARCH_SIDE)?;
        let more_detail = image.longer_side_for(&image.box_in_working(face));
        let Some(longer_side) = more_detail else { return Ok(image) };
        drop(image);
        self.decode(input, limits, longer_side)
    }

    fn decode<'a>(
        &self,
        input: &Input<'a>,
        limits: &imaging::Limits,
        longer_side: u32,
    ) -> Result<WorkingImage<'a>, Error> {
        match input.source {
            ImageSource::Rgb(view) => Ok(view.into()),
            ImageSource::Encoded { bytes, auto_rotate } => {
                self.progress.time(Stage::Decode, Some(input.index), || {
                    let decoded = decode_scaled(bytes, limits, auto_rotate, longer_side);
                    let path = || input.data_path.clone();
                    Ok(decoded.map_err(|source| Error::Image { path: path(), source })?.into())
                })
            }
        }
    }

    /// Detects the faces of an image. Where they are missing or uncertain, searches it rotated, or
    /// with other proportions.
    fn search<'a>(&self, image: WorkingImage<'a>, index: usize) -> Result<Located<'a>, Error> {
        let found = self.detect(&image, index)?;
        let is_faceless = found.is_empty();
        let mut faces = self.large_enough(found, &image);
        let detect = |other: &WorkingImage<'_>| {
            Ok::<_, Error>(self.large_enough(self.detect(other, index)?, other))
        };
        let score = highest_score(&faces);
        let may_be_rotated = self.search_rotations || !faces.is_empty();
        if may_be_rotated && score < CERTAIN_SCORE {
            let rotations = if self.search_rotations { &ROTATIONS[..] } else { &[UPSIDE_DOWN] };
            match search_rotations(&image, rotations, score, detect)? {
                Some(Rotated { orientation, faces }) if self.search_rotations => {
                    let image = image.into_rotated(orientation);
                    let faces = match faces {
                        Some(faces) => faces,
                        None => upright(detect(&image)?),
                    };
                    return Ok(Located { image, orientation, faces, is_distorted: false });
                }
                // The box is not a face, or the face is not upright.
                Some(_) => faces.clear(),
                None if self.search_rotations => faces.retain(is_upright),
                None => {}
            }
        }
        if is_faceless {
            faces = search_distorted(&image, CERTAIN_SCORE, detect)?;
        }
        let is_distorted = is_faceless && !faces.is_empty();
        Ok(Located { image, orientation: Orientation::UPRIGHT, faces, is_distorted })
    }

    /// All faces, unless the image is too small for one that counts.
    fn detect(&self, image: &WorkingImage<'_>, index: usize) -> Result<Vec<Face>, Error> {
        let [width, height] = image.full_size();
        if width.min(height) < self.min_face_side {
            return Ok(Vec::new());
        }
        let detect = || self.detector.detect(image.view());
        Ok(self.progress.time(Stage::Detect, Some(index), detect)?)
    }

    /// The faces that are large enough to count.
    fn large_enough(&self, mut faces: Vec<Face>, image: &WorkingImage<'_>) -> Vec<Face> {
        let [width, height] = image.full_size();
        faces.retain(|face| {
            let position = position(&image.face_in_full(face).bounding_box, width, height);
            position.width.min(position.height) >= self.min_face_side
        });
        faces
    }
}

impl Located<'_> {
    /// The face to score.
    pub(crate) fn largest_face(&self) -> Option<&Face> {
        largest(&self.faces)
    }

    /// Whether the image was rotated to find the faces.
    pub(crate) fn is_rotated(&self) -> bool {
        self.orientation != Orientation::UPRIGHT
    }

    /// Maps a face to the full image as it was sent.
    pub(crate) fn in_sent_image(&self, face: &Face) -> Face {
        let [width, height] = self.image.full_size();
        self.image.face_in_full(face).oriented(self.orientation.inverse(), width, height)
    }

    /// Width and height of the full image as it was sent.
    pub(crate) fn sent_size(&self) -> [u32; 2] {
        let [width, height] = self.image.full_size();
        self.orientation.inverse().apply_to_size(width, height)
    }
}
