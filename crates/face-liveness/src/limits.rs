//! The limits on a request.

use face_liveness_image as imaging;

/// Limits on the memory and time of a request. They are checked before the memory or time is spent.
///
/// JSON may nest to any depth: it is read without recursion. Some limits cannot be changed. Images
/// that the model does not take are never decoded. Only the first frame of a GIF or an animated
/// WebP is decoded. A JPEG has at most 100 scans, a WebP at most 64 MB of Huffman tables, and a PNG
/// at most 16 MB besides its pixels (215 beyond that).
///
/// ```
/// use face_liveness::{Engine, Limits};
///
/// let limits = Limits::default().with_max_body_bytes(10_000_000);
/// let engine = Engine::builder().limits(limits).build()?;
/// assert_eq!(engine.limits().max_body_bytes, 10_000_000);
/// # Ok::<(), face_liveness::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest request body, in bytes; 413 beyond it. 5 million, as in the vendor's API: enough
    /// for a 12-megapixel photo from a phone. A server should stop reading a body there.
    pub max_body_bytes: usize,
    /// The limits on one image; 215 beyond them. When a model takes several images, they share the
    /// pixels, the memory and the scan pixels equally, so that eight frames cost no more than one
    /// photo.
    pub image: imaging::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_body_bytes: 5_000_000, image: imaging::Limits::default() }
    }
}

impl Limits {
    /// Sets [`max_body_bytes`](Self::max_body_bytes).
    #[must_use]
    pub fn with_max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sets [`image`](Self::image).
    #[must_use]
    pub fn with_image(mut self, limits: imaging::Limits) -> Self {
        self.image = limits;
        self
    }

    /// The limits on each of several images.
    pub(crate) fn per_image(&self, images: usize) -> imaging::Limits {
        let (mut limits, images) = (self.image, images.max(1) as u64);
        limits.max_pixels /= images;
        limits.max_memory /= images;
        limits.max_scan_pixels /= images;
        limits
    }
}
