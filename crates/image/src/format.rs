//! The file formats, told apart by their first bytes.

use image::ImageFormat;

use crate::Error;

/// A format that this crate decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    Bmp,
}

impl Format {
    /// The format of a file.
    pub(crate) fn of(file: &[u8]) -> Result<Self, Error> {
        match image::guess_format(file) {
            Ok(ImageFormat::Jpeg) => Ok(Self::Jpeg),
            Ok(ImageFormat::Png) => Ok(Self::Png),
            Ok(ImageFormat::Gif) => Ok(Self::Gif),
            Ok(ImageFormat::WebP) => Ok(Self::WebP),
            Ok(ImageFormat::Bmp) => Ok(Self::Bmp),
            _ => Err(Error::UnsupportedFormat),
        }
    }

    /// The error for a file that does not decode.
    pub(crate) fn corrupt(self) -> Error {
        let format = match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
        };
        Error::Corrupt { format }
    }
}

impl From<Format> for ImageFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg,
            Format::Png => Self::Png,
            Format::Gif => Self::Gif,
            Format::WebP => Self::WebP,
            Format::Bmp => Self::Bmp,
        }
    }
}
