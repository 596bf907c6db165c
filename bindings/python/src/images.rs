//! The images that Python hands over.

use face_liveness::imaging::{Error, ImageView};
use face_liveness::{Detection, Engine, ImageSource};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

/// The bytes of a file, or pixels. Shares the memory of a `bytes` object.
pub(crate) enum Image {
    Encoded(PyBackedBytes),
    Rgb { width: u32, height: u32, pixels: PyBackedBytes },
}

impl Image {
    /// `bytes`, `bytearray`, or an object with NumPy's array interface.
    pub(crate) fn extract(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.extract() {
            return Ok(Self::Encoded(bytes));
        }
        let Ok(interface) = object.getattr("__array_interface__") else {
            let kind = object.get_type().name()?.to_string();
            return Err(PyTypeError::new_err(format!(
                "image is a {kind}; expected bytes, or an array of height × width × 3, R, G and B"
            )));
        };
        let kind: String = interface.get_item("typestr")?.extract()?;
        let shape: Vec<usize> = interface.get_item("shape")?.extract()?;
        let side = |length: usize| u32::try_from(length).ok();
        let sides = match (&*kind, &*shape) {
            ("|u1", &[height, width, 3]) => side(width).zip(side(height)),
            _ => None,
        };
        let Some((width, height)) = sides else {
            return Err(PyValueError::new_err(format!(
                "image is an array of {kind} and shape {shape:?}; expected uint8 and height × \
                 width × 3, R, G and B"
            )));
        };
        let pixels = object.call_method0("tobytes")?.extract()?;
        Ok(Self::Rgb { width, height, pixels })
    }

    /// Scores the image with the model of that name, or the default one.
    pub(crate) fn detect(
        &self,
        engine: &Engine,
        auto_rotate: bool,
        model: Option<&str>,
    ) -> Result<Detection, face_liveness::Error> {
        let source = match self {
            Self::Encoded(bytes) => ImageSource::Encoded { bytes, auto_rotate },
            Self::Rgb { width, height, pixels } => {
                let view = ImageView::new(*width, *height, pixels);
                ImageSource::Rgb(view.map_err(unusable)?)
            }
        };
        engine.detect_images(&[source], model)
    }
}

fn unusable(source: Error) -> face_liveness::Error {
    face_liveness::Error::Image { path: "image".to_owned(), source }
}
