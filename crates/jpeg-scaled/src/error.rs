//! Why a file is not decoded.

/// Why a file is not decoded. No variant holds image data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file ends before its image does. A full decoder fails on it too, if it is strict.
    #[error("the JPEG is truncated")]
    Truncated,
    /// The file is malformed, or of a kind that this crate does not read. A full decoder may read
    /// it.
    #[error("the JPEG needs a full decoder")]
    Unsupported,
    /// The buffer given for the pixels does not have three bytes for each of them.
    #[error("the pixel buffer has {actual} bytes instead of {expected}")]
    BufferLength {
        /// The length that the image needs, in bytes.
        expected: usize,
        /// The length of the buffer, in bytes.
        actual: usize,
    },
}
