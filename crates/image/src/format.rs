//! The file formats, recognised by their first bytes.
//!
//! A format whose Cargo feature is off is not in the enum, so that no code can reach its decoder.

use image::ImageFormat;

use crate::Error;

/// A format that this crate decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    #[cfg(feature = "gif")]
    Gif,
    #[cfg(feature = "webp")]
    WebP,
    #[cfg(feature = "bmp")]
    Bmp,
}

impl Format {
    /// The format of a file.
    pub(crate) fn of(file: &[u8]) -> Result<Self, Error> {
        match image::guess_format(file) {
            Ok(ImageFormat::Jpeg) => Ok(Self::Jpeg),
            Ok(ImageFormat::Png) => Ok(Self::Png),
            #[cfg(feature = "gif")]
            Ok(ImageFormat::Gif) => Ok(Self::Gif),
            #[cfg(feature = "webp")]
            Ok(ImageFormat::WebP) => Ok(Self::WebP),
            #[cfg(feature = "bmp")]
            Ok(ImageFormat::Bmp) => Ok(Self::Bmp),
            _ => Err(other_format(file)),
        }
    }

    /// The error for a file that does not decode.
    pub(crate) fn corrupt(self) -> Error {
        let format = match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            #[cfg(feature = "gif")]
            Self::Gif => "GIF",
            #[cfg(feature = "webp")]
            Self::WebP => "WebP",
            #[cfg(feature = "bmp")]
            Self::Bmp => "BMP",
        };
        Error::Corrupt { format }
    }
}

/// The error for a file that is of no supported format.
fn other_format(file: &[u8]) -> Error {
    let brand = file.get(4..12).and_then(|bytes| bytes.strip_prefix(b"ftyp"));
    let format = match (brand, file) {
        (Some(b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"mif1" | b"msf1"), _) => "HEIC",
        (Some(b"avif" | b"avis"), _) => "AVIF",
        (_, [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..]) => "TIFF",
        (_, [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..]) => "JPEG XL",
        (_, [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..]) => "JPEG 2000",
        (_, [b'%', b'P', b'D', b'F', ..]) => "PDF",
        _ => return Error::UnsupportedFormat,
    };
    Error::OtherFormat { format }
}

#[cfg(any(feature = "bmp", feature = "gif", feature = "webp"))]
impl From<Format> for ImageFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg,
            Format::Png => Self::Png,
            #[cfg(feature = "gif")]
            Format::Gif => Self::Gif,
            #[cfg(feature = "webp")]
            Format::WebP => Self::WebP,
            #[cfg(feature = "bmp")]
            Format::Bmp => Self::Bmp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_format_is_named() {
        for (file, format) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0"[..], "HEIC"),
            (b"\0\0\0\x1cftypavif", "AVIF"),
            (b"MM\0*\0\0\0\x08", "TIFF"),
            (b"%PDF-1.7", "PDF"),
        ] {
            assert_eq!(Format::of(file), Err(Error::OtherFormat { format }));
        }
        assert_eq!(Format::of(b"ftypheic"), Err(Error::UnsupportedFormat));
    }

    #[test]
    fn a_format_whose_feature_is_off_is_unsupported() {
        let files: [(&[u8], bool); 3] = [
            (b"GIF89a", cfg!(feature = "gif")),
            (b"RIFF\0\0\0\0WEBP", cfg!(feature = "webp")),
            (b"BM", cfg!(feature = "bmp")),
        ];
        for (start, is_on) in files {
            assert_eq!(Format::of(start).is_ok(), is_on, "{start:?}");
        }
    }
}
