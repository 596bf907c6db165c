//! Why an image cannot be decoded.

/// Why an image cannot be decoded. No variant holds image data or the text of a decoder's own
/// error, which may quote image data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not base64 in any of the accepted forms.
    #[error("the text is not base64")]
    Base64,
    /// The bytes are not of a supported format. Cargo features remove formats.
    #[error("the file is not a {}", supported_formats())]
    UnsupportedFormat,
    /// The bytes are of a known format that is not supported.
    #[error("{format} is not supported: convert the file to JPEG")]
    OtherFormat {
        /// The format's usual name: `HEIC`.
        format: &'static str,
    },
    /// The bytes begin like a supported format but do not decode.
    #[error("the file does not decode as {format}")]
    Corrupt {
        /// The format's usual name: `JPEG`.
        format: &'static str,
    },
    /// A JPEG of a kind that the decoder would get wrong.
    #[error("{what} is not supported in a JPEG")]
    UnsupportedJpeg {
        /// The kind.
        what: &'static str,
    },
    /// The image has longer sides or more pixels than the limits allow.
    #[error("the image of {width} × {height} pixels exceeds the limit of {limit}")]
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
    #[error("the JPEG has {scans} scans, more than the limit of {limit} for its size")]
    TooManyScans {
        /// The number of scans.
        scans: usize,
        /// The maximum number of scans for an image of this size.
        limit: usize,
    },
    /// A buffer of pixels does not have three bytes (RGBA: four) for each pixel of an image of at
    /// least 1 × 1.
    #[error("{length} bytes are not an image of {width} × {height} pixels")]
    Shape {
        /// The claimed width in pixels.
        width: u32,
        /// The claimed height in pixels.
        height: u32,
        /// The length of the buffer in bytes.
        length: usize,
    },
}

/// The formats in words: `JPEG, PNG or GIF`.
fn supported_formats() -> String {
    let formats = [
        "JPEG",
        "PNG",
        #[cfg(feature = "gif")]
        "GIF",
        #[cfg(feature = "webp")]
        "WebP",
        #[cfg(feature = "bmp")]
        "BMP",
    ];
    let [first @ .., last] = formats;
    format!("{} or {last}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(feature = "gif", feature = "webp", feature = "bmp"))]
    fn the_supported_formats_are_listed() {
        let text = Error::UnsupportedFormat.to_string();
        assert_eq!(text, "the file is not a JPEG, PNG, GIF, WebP or BMP");
    }
}
