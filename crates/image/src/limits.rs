//! What an image may cost.

use crate::Error;

/// What an image may cost. Checked on the file's header, before the memory is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels. 50 million: more than any phone's main camera makes by default, and 150 MB as RGB.
    pub max_pixels: u64,
    /// The most pixels on one side. 16,384: what most decoders take as their own limit.
    pub max_side: u32,
    /// The most bytes that the decoder's working memory and its output may take together. 512 MiB.
    pub max_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 50_000_000, max_side: 16_384, max_memory: 512 << 20 }
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
}
