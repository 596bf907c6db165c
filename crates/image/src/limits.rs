//! What an image may cost.

use crate::Error;

/// Each has tables to build, however small the image is.
const MAX_SCANS: u64 = 100;

/// What an image may cost. Checked on what the file's headers say, before the memory or the time is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels. 50 million: more than any phone's main camera makes by default, and 150 MB as RGB.
    pub max_pixels: u64,
    /// The most pixels on one side. 16,384: what most decoders take as their own limit.
    pub max_side: u32,
    /// The most bytes that the decoder's working memory and its output may take together. 512 MiB: a progressive JPEG of
    /// 50 megapixels needs 450 MB.
    pub max_memory: u64,
    /// The most pixels that the scans of a JPEG may go over together: 1 billion, so 20 scans of 50 megapixels, and 83 of 12. Encoders
    /// of progressive files write about ten; more than a hundred are refused whatever the size. A scan of a hundred bytes may go
    /// over all of an image, which takes 0.08 s for 50 megapixels.
    pub max_scan_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 50_000_000,
            max_side: 16_384,
            max_memory: 512 << 20,
            max_scan_pixels: 1_000_000_000,
        }
    }
}

impl Limits {
    /// Checks an image of this size, whose decoder needs `working_memory` bytes beside the RGB output.
    pub(crate) fn check(&self, width: u32, height: u32, working_memory: u64) -> Result<(), Error> {
        let pixels = u64::from(width) * u64::from(height);
        let too_large = |limit| Err(Error::TooLarge { width, height, limit });
        if width > self.max_side || height > self.max_side {
            return too_large(format!("{} pixels a side", self.max_side));
        }
        if pixels > self.max_pixels {
            return too_large(format!("{} pixels", self.max_pixels));
        }
        if pixels.saturating_mul(3).saturating_add(working_memory) > self.max_memory {
            return Err(Error::TooMuchMemory { limit: self.max_memory });
        }
        Ok(())
    }

    /// How many scans a JPEG of this size may have.
    pub(crate) fn scans(&self, width: u32, height: u32) -> usize {
        let pixels = u64::from(width) * u64::from(height);
        (self.max_scan_pixels / pixels.max(1)).min(MAX_SCANS) as usize
    }
}
