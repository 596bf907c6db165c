//! The one error type.

use face_liveness_schema::{ErrorBody, ErrorCode, RequestError};

/// Why there is no response. Holds no image data and no value that the client sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 110, 111, 112, 113, 116, 219: the request is not in order.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// 112 for what is not base64, 215 for an image that cannot be had.
    #[error("{path} cannot be used: {source}")]
    Image {
        /// The field: `images[0].data`.
        path: String,
        /// What is wrong with it.
        source: face_liveness_image::Error,
    },
    /// 223: no face of at least the smallest size.
    #[error("No face was found in {path}")]
    NoFace {
        /// The image: `images[0]`.
        path: String,
    },
    /// 413: the body is past the limit.
    #[error("body is {length} bytes long, past the limit of {limit}")]
    BodyTooLarge {
        /// The length of the body in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// 500: a network cannot be loaded, or fails.
    #[error(transparent)]
    Engine(#[from] face_liveness_inference::Error),
}

impl Error {
    /// The contract's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Request(error) => error.code(),
            Self::Image { source: face_liveness_image::Error::Base64, .. } => {
                ErrorCode::InvalidValue
            }
            Self::Image { .. } => ErrorCode::ImageNotSupported,
            Self::NoFace { .. } => ErrorCode::NoFace,
            Self::BodyTooLarge { .. } => ErrorCode::BodyTooLarge,
            Self::Engine(_) => ErrorCode::Internal,
        }
    }

    /// The field at fault, by its path in the body; `None` when the fault is the engine's.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Request(error) => Some(error.path()),
            Self::Image { path, .. } | Self::NoFace { path } => Some(path),
            Self::BodyTooLarge { .. } => Some("body"),
            Self::Engine(_) => None,
        }
    }

    /// The body to answer with. Of the engine's own trouble it tells the client nothing.
    pub fn to_body(&self) -> ErrorBody {
        let description = match self {
            Self::Engine(_) => "The engine failed; the request may be in order".to_owned(),
            error => error.to_string(),
        };
        ErrorBody::new(self.code(), description)
    }
}
