//! The image that the detector and the models read: the full image, or a smaller decoding of it.

use face_liveness_detection::{BoundingBox, Face};
use face_liveness_image::{ImageView, Orientation, RgbImage, ScaledImage, resize};
use face_liveness_network::Error;

/// The longer side, in pixels, at which a large photo is searched for faces: 2.8 times the input of
/// the detector's first full pass.
pub(crate) const SEARCH_SIDE: u32 = 800;
/// The longer and the shorter side, in pixels, of an image that the detector searches in one pass.
const SMALL_SIDES: [f32; 2] = [288.0, 192.0];
/// A longer side that requests the full image.
pub(crate) const FULL_SIDE: u32 = u32::MAX;
/// The shorter side of a face, in pixels of the working image, below which a photo is decoded again
/// in more detail. The models' inputs hold at most 64 pixels of it.
const SCORED_FACE_SIDE: f32 = 96.0;

/// An image at the size at which it is searched and scored.
pub(crate) struct WorkingImage<'a> {
    pixels: Pixels<'a>,
    /// Width and height of the full image.
    full_size: [u32; 2],
}

enum Pixels<'a> {
    Owned(RgbImage),
    Borrowed(ImageView<'a>),
}

impl<'a> From<ImageView<'a>> for WorkingImage<'a> {
    fn from(view: ImageView<'a>) -> Self {
        Self { pixels: Pixels::Borrowed(view), full_size: [view.width(), view.height()] }
    }
}

impl From<ScaledImage> for WorkingImage<'_> {
    fn from(ScaledImage { image, full_width, full_height, .. }: ScaledImage) -> Self {
        Self { pixels: Pixels::Owned(image), full_size: [full_width, full_height] }
    }
}

impl WorkingImage<'_> {
    pub(crate) fn view(&self) -> ImageView<'_> {
        match &self.pixels {
            Pixels::Owned(image) => image.view(),
            Pixels::Borrowed(view) => *view,
        }
    }

    /// Width and height of the full image.
    pub(crate) fn full_size(&self) -> [u32; 2] {
        self.full_size
    }

    pub(crate) fn is_scaled_down(&self) -> bool {
        [self.view().width(), self.view().height()] != self.full_size
    }

    /// The longer side at which a face has enough pixels to be scored; `None` when it has them here
    /// or when there is no more detail to decode.
    pub(crate) fn longer_side_for(&self, face: &BoundingBox) -> Option<u32> {
        let factor = SCORED_FACE_SIDE / face.width.min(face.height);
        let image = self.view();
        let longer_side = (factor * image.width().max(image.height()) as f32).ceil();
        (self.is_scaled_down() && factor > 1.0).then_some(longer_side as u32)
    }

    /// A rotated copy.
    pub(crate) fn rotated<'b>(&self, orientation: Orientation) -> WorkingImage<'b> {
        let image = self.view();
        let [width, height] = self.full_size;
        WorkingImage {
            pixels: Pixels::Owned(orientation.apply_to_view(image)),
            full_size: orientation.apply_to_size(width, height),
        }
    }

    /// The same image rotated. The image before it is dropped, so that only one of them is left.
    pub(crate) fn into_rotated<'b>(self, orientation: Orientation) -> WorkingImage<'b> {
        self.rotated(orientation)
    }

    /// A copy scaled down to at most this number of pixels; `None` for an image that has no more.
    pub(crate) fn within<'b>(&self, max_pixels: f32) -> Result<Option<WorkingImage<'b>>, Error> {
        let image = self.view();
        let scale = (max_pixels / (image.width() as f32 * image.height() as f32)).sqrt();
        if scale >= 1.0 {
            return Ok(None);
        }
        let side = |length: u32| ((length as f32 * scale) as u32).max(1);
        let pixels =
            resize(image, side(image.width()), side(image.height())).map_err(Error::run)?;
        Ok(Some(WorkingImage { pixels: Pixels::Owned(pixels), full_size: self.full_size }))
    }

    /// A copy whose sides are multiplied by these factors, and scaled down to `SMALL_SIDES`.
    pub(crate) fn distorted<'b>(&self, factors: [f32; 2]) -> Result<WorkingImage<'b>, Error> {
        let image = self.view();
        let [width, height] =
            [image.width() as f32 * factors[0], image.height() as f32 * factors[1]];
        let [longer, shorter] = SMALL_SIDES;
        let scale = (longer / width.max(height)).min(shorter / width.min(height)).min(1.0);
        let side = |length: f32| ((length * scale).round() as u32).max(1);
        let pixels = resize(image, side(width), side(height)).map_err(Error::run)?;
        Ok(WorkingImage { pixels: Pixels::Owned(pixels), full_size: self.full_size })
    }

    /// Maps a face from the working image to the full image.
    pub(crate) fn face_in_full(&self, face: &Face) -> Face {
        face.scaled(self.scale())
    }

    /// Maps a face from the full image to the working image.
    pub(crate) fn face_in_working(&self, face: &Face) -> Face {
        face.scaled(self.scale().map(f32::recip))
    }

    /// Maps a box from the full image to the working image.
    pub(crate) fn box_in_working(&self, face: &BoundingBox) -> BoundingBox {
        face.scaled(self.scale().map(f32::recip))
    }

    /// Pixels of the full image per pixel of the working image, across and down.
    fn scale(&self) -> [f32; 2] {
        let image = self.view();
        let [width, height] = self.full_size;
        [width as f32 / image.width() as f32, height as f32 / image.height() as f32]
    }
}
