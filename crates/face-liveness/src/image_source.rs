//! The source of an image's pixels.

use std::fmt;

use face_liveness_image::ImageView;

/// An image that the caller holds.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum ImageSource<'a> {
    /// A JPEG, PNG, GIF, WebP or BMP file.
    Encoded {
        /// The content of the file.
        bytes: &'a [u8],
        /// Whether to apply the file's Exif orientation.
        auto_rotate: bool,
    },
    /// Upright RGB pixels.
    Rgb(ImageView<'a>),
}

impl fmt::Debug for ImageSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoded { bytes, .. } => write!(f, "Encoded({} bytes)", bytes.len()),
            Self::Rgb(view) => write!(f, "Rgb({view:?})"),
        }
    }
}

/// An image of a capture, with its paths for error messages.
pub(crate) struct Input<'a> {
    pub(crate) source: ImageSource<'a>,
    /// The index in the capture.
    pub(crate) index: usize,
    /// The image: `images[0]`.
    pub(crate) path: String,
    /// The field that holds the image file: `images[0].data` in a request.
    pub(crate) data_path: String,
}

impl<'a> Input<'a> {
    /// An image that the caller passed directly.
    pub(crate) fn direct(index: usize, source: ImageSource<'a>) -> Self {
        let path = format!("images[{index}]");
        Self { source, index, data_path: path.clone(), path }
    }
}
