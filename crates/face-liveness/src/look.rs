//! An image to its faces, read in no more detail than that takes: the stages of decoding and detection together.

use face_liveness_detection::{BoundingBox, Face, largest};
use face_liveness_image::{
    self as image, ImageView, Orientation, RgbImage, ScaledImage, decode_scaled,
};

use crate::engine::Engine;
use crate::position::position;
use crate::{Error, ImageSource, Stage};

/// Faces are looked for in a copy of a large photo whose longer side is at least so many pixels: three times what the
/// detector's first input has.
pub(crate) const SEARCH_SIDE: u32 = 800;
/// The longer side to ask for to have a copy in full.
pub(crate) const IN_FULL: u32 = u32::MAX;
/// The shorter side of a face in the copy that the models read; a photo whose face has fewer is read in more detail. Their
/// inputs show 64 pixels of one and fewer.
const FACE_SIDE: f32 = 96.0;
/// A face that leans by more degrees lies sideways or upside down. Between the 45° up to which the detectors know faces and
/// the 90° of a turn.
const UPRIGHT_LEAN: f32 = 60.0;
/// The orientations that turn an image by 90°, 270° and 180° clockwise.
const QUARTER_TURNS: [u32; 3] = [6, 8, 3];

/// An image that a model takes, and where it stands in the request, for errors.
pub(crate) struct Input<'a> {
    pub(crate) source: ImageSource<'a>,
    pub(crate) path: String,
    /// The path of its bytes.
    pub(crate) data_path: String,
}

impl<'a> Input<'a> {
    /// An image that a caller gave.
    pub(crate) fn given(index: usize, source: ImageSource<'a>) -> Self {
        let path = format!("images[{index}]");
        Self { source, data_path: path.clone(), path }
    }
}

impl Engine {
    /// Finds the faces of an image in a copy of at least that longer side; reads it in more detail where the copy shows none, or
    /// too few pixels of the largest.
    pub(crate) fn look<'a>(
        &self,
        input: &Input<'a>,
        limits: &image::Limits,
        longer_side: u32,
    ) -> Result<Seen<'a>, Error> {
        let seen = self.search(self.copy(input, limits, longer_side)?)?;
        let more = match largest(&seen.faces) {
            Some(face) => seen.copy.longer_side_for(&face.bounding_box),
            None => seen.copy.is_reduced().then_some(IN_FULL),
        };
        more.map_or(Ok(seen), |longer_side| self.look(input, limits, longer_side))
    }

    /// The copy in which a face of the image in full is scored.
    pub(crate) fn copy_for<'a>(
        &self,
        input: &Input<'a>,
        face: &BoundingBox,
    ) -> Result<Copy<'a>, Error> {
        let limits = &self.limits().image;
        let copy = self.copy(input, limits, SEARCH_SIDE)?;
        let more = copy.longer_side_for(&copy.of_full(face));
        more.map_or(Ok(copy), |longer_side| self.copy(input, limits, longer_side))
    }

    fn copy<'a>(
        &self,
        input: &Input<'a>,
        limits: &image::Limits,
        longer_side: u32,
    ) -> Result<Copy<'a>, Error> {
        match input.source {
            ImageSource::Rgb(view) => {
                Ok(Copy { pixels: Pixels::Borrowed(view), full: [view.width(), view.height()] })
            }
            ImageSource::Encoded { bytes, auto_rotate } => {
                let reduced = decode_scaled(bytes, limits, auto_rotate, longer_side);
                let ScaledImage { image, full_width, full_height, .. } = reduced
                    .map_err(|source| Error::Image { path: input.data_path.clone(), source })?;
                Ok(self.ended(
                    Stage::Decode,
                    Copy { pixels: Pixels::Owned(image), full: [full_width, full_height] },
                ))
            }
        }
    }

    /// Finds the faces of a copy. Where rotations are searched and none is upright, those of the turn that shows the surest
    /// largest one; where no turn does, none.
    fn search<'a>(&self, copy: Copy<'a>) -> Result<Seen<'a>, Error> {
        let faces = self.faces(&copy)?;
        if !self.0.search_rotations || faces.iter().any(is_upright) {
            return Ok(Seen { copy, turned: Orientation::UPRIGHT, faces });
        }
        let mut best: Option<(f32, Seen<'a>)> = None;
        for turned in QUARTER_TURNS.into_iter().filter_map(Orientation::new) {
            let copy = copy.turned(turned);
            let mut faces = self.faces(&copy)?;
            faces.retain(is_upright);
            let score = largest(&faces).map(|face| face.score);
            if let Some(score) =
                score.filter(|&score| best.as_ref().is_none_or(|&(most, _)| score > most))
            {
                best = Some((score, Seen { copy, turned, faces }));
            }
        }
        let none = || Seen { copy, turned: Orientation::UPRIGHT, faces: Vec::new() };
        Ok(best.map_or_else(none, |(_, seen)| seen))
    }

    /// The faces that are large enough to count.
    fn faces(&self, copy: &Copy<'_>) -> Result<Vec<Face>, Error> {
        let [width, height] = copy.full;
        if width.min(height) < self.0.min_face_side {
            return Ok(Vec::new());
        }
        let mut faces = self.ended(Stage::Detect, self.0.detector.detect(copy.view())?);
        faces.retain(|face| {
            let position = position(&copy.in_full(face).bounding_box, width, height);
            position.width.min(position.height) >= self.0.min_face_side
        });
        Ok(faces)
    }
}

fn is_upright(face: &Face) -> bool {
    face.lean().is_none_or(|lean| lean.abs() <= UPRIGHT_LEAN)
}

/// A copy of an image as it was looked at, and the faces in it, in the copy's pixels.
pub(crate) struct Seen<'a> {
    pub(crate) copy: Copy<'a>,
    /// What the image was taken for, to find a face that lies sideways or upside down.
    pub(crate) turned: Orientation,
    pub(crate) faces: Vec<Face>,
}

impl Seen<'_> {
    /// One of the faces in the image as it was given.
    pub(crate) fn in_image(&self, face: &Face) -> Face {
        let [width, height] = self.copy.full;
        self.copy.in_full(face).upright(self.turned.inverse(), width, height)
    }

    /// Width and height of the image as it was given.
    pub(crate) fn image_sides(&self) -> [u32; 2] {
        let [width, height] = self.copy.full;
        self.turned.inverse().apply_to_size(width, height)
    }
}

/// The pixels of an image: all, or those of a reduced copy.
pub(crate) struct Copy<'a> {
    pixels: Pixels<'a>,
    /// Width and height of the image in full.
    full: [u32; 2],
}

enum Pixels<'a> {
    Owned(RgbImage),
    Borrowed(ImageView<'a>),
}

impl Copy<'_> {
    pub(crate) fn view(&self) -> ImageView<'_> {
        match &self.pixels {
            Pixels::Owned(image) => image.view(),
            Pixels::Borrowed(view) => *view,
        }
    }

    fn is_reduced(&self) -> bool {
        [self.view().width(), self.view().height()] != self.full
    }

    /// The longer side of a copy with enough pixels of a face, where this one has too few.
    fn longer_side_for(&self, face: &BoundingBox) -> Option<u32> {
        let missing = FACE_SIDE / face.width.min(face.height);
        let image = self.view();
        let longer_side = (missing * image.width().max(image.height()) as f32).ceil();
        (self.is_reduced() && missing > 1.0).then_some(longer_side as u32)
    }

    fn turned<'b>(&self, by: Orientation) -> Copy<'b> {
        let image = self.view();
        let pixels = by.apply(image.crop(0, 0, image.width(), image.height()));
        let [width, height] = self.full;
        Copy { pixels: Pixels::Owned(pixels), full: by.apply_to_size(width, height) }
    }

    /// A face of the copy in the image in full.
    fn in_full(&self, face: &Face) -> Face {
        face.scaled(self.scales())
    }

    /// A box of the image in full in the copy.
    pub(crate) fn of_full(&self, face: &BoundingBox) -> BoundingBox {
        face.scaled(self.scales().map(f32::recip))
    }

    /// How many pixels of the image in full one of the copy stands for, across and down.
    fn scales(&self) -> [f32; 2] {
        let image = self.view();
        [self.full[0] as f32 / image.width() as f32, self.full[1] as f32 / image.height() as f32]
    }
}
