//! What a request may cost.

use face_liveness_image as image;

/// What a request may cost: checked before the memory or the time is spent, and refused where it is more.
///
/// Others are not for a caller to set: JSON nests at most 127 deep, serde_json's own bound (112 beyond it); of `images`, those that the
/// model does not take are never decoded; of a GIF or an animated WebP only the first frame is; a JPEG has at most 100 scans and 100
/// parts of an extended XMP, the codes of a WebP 64 MB of tables, and a PNG 16 MB beside its pixels (215).
///
/// ```
/// use face_liveness::{Engine, Limits, image};
///
/// let image = image::Limits { max_pixels: 13_000_000, ..Default::default() };
/// let engine = Engine::builder().limits(Limits { image, ..Default::default() }).build()?;
/// assert_eq!(engine.limits().max_body_bytes, 5_000_000);
/// # Ok::<(), face_liveness::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest body that [`Engine::detect_json`](crate::Engine::detect_json) reads, in bytes; 413 beyond it. 5 million, as the
    /// vendor has it: a photo of 12 megapixels as phones write it. A server does well to stop reading there.
    pub max_body_bytes: usize,
    /// What an image may cost; 215 beyond it. Of several that a model takes, each may have an equal part of the pixels, so that
    /// eight frames cost no more to decode than one photo.
    pub image: image::Limits,
}

impl Limits {
    pub(crate) fn of_one_in(&self, images: usize) -> image::Limits {
        let part = |pixels: u64| pixels / images.max(1) as u64;
        let image::Limits { max_pixels, max_scan_pixels, .. } = self.image;
        image::Limits {
            max_pixels: part(max_pixels),
            max_scan_pixels: part(max_scan_pixels),
            ..self.image
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_body_bytes: 5_000_000, image: image::Limits::default() }
    }
}
