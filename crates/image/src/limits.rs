//! Limits on the size, the memory and the time of decoding an image.

use crate::Error;

/// Each scan has Huffman tables to build, however small the image is. Encoders of progressive files
/// write about ten scans.
const MAX_SCANS: u64 = 100;

/// Limits on the cost of decoding an image. They are checked against the headers of the file,
/// before the memory or the time is spent.
///
/// ```
/// use face_liveness_image::Limits;
///
/// let limits = Limits::new().with_max_pixels(13_000_000).with_max_side(8192);
/// assert_eq!((limits.max_pixels, limits.max_memory), (13_000_000, 300 << 20));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The maximum number of pixels. 50 million: more than the main camera of any phone takes by
    /// default, and 150 MB as RGB.
    pub max_pixels: u64,
    /// The maximum width and height in pixels. 16,384: the limit of most decoders.
    pub max_side: u32,
    /// The maximum memory that decoding takes at its peak, in bytes, with the output; copies of
    /// metadata and 16 MB for a PNG's chunks are not counted. 300 MiB: 6 bytes per pixel for
    /// 50 megapixels. A PNG or a sequential JPEG needs 3 bytes per pixel, a progressive JPEG 6 with
    /// 4:2:0 subsampling and 9 without, a JPEG of an uncommon kind (`docs/FORMATS.md`) 8 to 18, a
    /// BMP 3 or 4, a GIF 5 to 9, a WebP 5 to 16. Rotated pixels take 3 more.
    pub max_memory: u64,
    /// The maximum number of pixels that all scans of a JPEG cover together. 1 billion: 20 scans of
    /// 50 megapixels, 83 scans of 12. More than 100 scans are refused at any size. A scan of a
    /// hundred bytes may cover the whole image, which takes 0.08 s at 50 megapixels.
    pub max_scan_pixels: u64,
}

impl Limits {
    /// The default limits.
    pub const fn new() -> Self {
        Self {
            max_pixels: 50_000_000,
            max_side: 16_384,
            max_memory: 300 << 20,
            max_scan_pixels: 1_000_000_000,
        }
    }

    /// Sets [`max_pixels`](Self::max_pixels).
    pub const fn with_max_pixels(self, max_pixels: u64) -> Self {
        Self { max_pixels, ..self }
    }

    /// Sets [`max_side`](Self::max_side).
    pub const fn with_max_side(self, max_side: u32) -> Self {
        Self { max_side, ..self }
    }

    /// Sets [`max_memory`](Self::max_memory).
    pub const fn with_max_memory(self, max_memory: u64) -> Self {
        Self { max_memory, ..self }
    }

    /// Sets [`max_scan_pixels`](Self::max_scan_pixels).
    pub const fn with_max_scan_pixels(self, max_scan_pixels: u64) -> Self {
        Self { max_scan_pixels, ..self }
    }

    /// Checks an image of this size whose decoder takes `peak` bytes, with the output.
    pub(crate) fn check(&self, width: u32, height: u32, peak: u64) -> Result<(), Error> {
        let too_large = |limit| Err(Error::TooLarge { width, height, limit });
        if width > self.max_side || height > self.max_side {
            return too_large(format!("{} pixels a side", self.max_side));
        }
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return too_large(format!("{} pixels", self.max_pixels));
        }
        // Whatever the caller allows, one buffer holds no more than this: 2 GB on 32 bits.
        let limit = self.max_memory.min(isize::MAX as u64);
        if peak > limit {
            return Err(Error::TooMuchMemory { limit });
        }
        Ok(())
    }

    /// The maximum number of scans for a JPEG of this size.
    pub(crate) fn max_scans(&self, width: u32, height: u32) -> usize {
        let pixels = u64::from(width) * u64::from(height);
        (self.max_scan_pixels / pixels.max(1)).min(MAX_SCANS) as usize
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_larger_than_memory_is_past_any_limit() {
        let limits = Limits::new().with_max_memory(u64::MAX);
        let limit = isize::MAX as u64;
        assert_eq!(limits.check(1, 1, limit), Ok(()));
        assert_eq!(limits.check(1, 1, limit + 1), Err(Error::TooMuchMemory { limit }));
    }
}
