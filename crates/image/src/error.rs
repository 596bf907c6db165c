//! Why there are no pixels.

/// Why an image cannot be had. No variant holds image data, and none passes on a decoder's own words,
/// which may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not base64 in any of the accepted forms.
    #[error("the text is not base64")]
    Base64,
    /// The bytes are not of a supported format.
    #[error("the file is not a JPEG, PNG, GIF, WebP or BMP")]
    UnsupportedFormat,
    /// The bytes begin as a supported format and do not decode.
    #[error("the file does not decode as {format}")]
    Corrupt {
        /// The format's usual name: `JPEG`.
        format: &'static str,
    },
    /// The image is longer on a side, or has more pixels, than the limits allow.
    #[error("the image of {width} × {height} pixels is past the limit of {limit}")]
    TooLarge {
        /// The image's width in pixels.
        width: u32,
        /// The image's height in pixels.
        height: u32,
        /// The limit in words: `16384 pixels a side`.
        limit: String,
    },
    /// Decoding would take more memory than the limits allow.
    #[error("decoding the image would take more than {limit} bytes of memory")]
    TooMuchMemory {
        /// The limit in bytes.
        limit: u64,
    },
    /// A JPEG has more scans than the limits allow for its size.
    #[error("the JPEG has {scans} scans, past the limit of {limit} for its size")]
    TooManyScans {
        /// How many it has.
        scans: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A buffer of pixels does not have three bytes for each pixel of an image of at least 1 × 1.
    #[error("{length} bytes are not an RGB image of {width} × {height} pixels")]
    Shape {
        /// The width that was claimed.
        width: u32,
        /// The height that was claimed.
        height: u32,
        /// The length of the buffer.
        length: usize,
    },
}
