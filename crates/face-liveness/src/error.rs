//! The errors of a request and of building an engine.

use std::error::Error as _;

use face_liveness_image as imaging;
use face_liveness_network as network;
use face_liveness_schema::{ErrorBody, ErrorCode, RequestError};

/// Why a request has no response. Holds no image data and no value that the client sent.
///
/// `Display` names the field and leaves the cause to `source()`; [`description`](Self::description)
/// has both.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 110, 111, 112, 113, 116 or 219: the request breaks the contract.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// 112 for text that is not base64, 215 for a file that is not a usable image.
    #[error("{path} cannot be used")]
    Image {
        /// The field: `images[0].data`.
        path: String,
        /// The problem with the image.
        source: imaging::Error,
    },
    /// 223: no face of at least the minimum size.
    #[error("No face was found in {path}")]
    NoFace {
        /// The image: `images[0]`.
        path: String,
    },
    /// 112: a frame of a burst shows another face than the frame before it, or another capture.
    #[error("{path} does not continue the frame before it: another face, or another capture")]
    OtherFace {
        /// The image: `images[1]`.
        path: String,
    },
    /// 112: a face that the caller passed has no place in the image.
    #[error("{path} {problem}")]
    FaceBox {
        /// The field: `face.width`.
        path: &'static str,
        /// The problem with the field: `is not finite`.
        problem: &'static str,
    },
    /// 413: the body exceeds the limit.
    #[error("body is {length} bytes long, more than the limit of {limit}")]
    BodyTooLarge {
        /// The length of the body in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// 500: the engine failed. The request is not at fault.
    #[error("the engine failed")]
    Engine(#[from] network::Error),
}

impl Error {
    /// The contract's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Request(error) => error.code(),
            Self::Image { source: imaging::Error::Base64, .. } => ErrorCode::InvalidValue,
            Self::Image { .. } => ErrorCode::ImageNotSupported,
            Self::OtherFace { .. } | Self::FaceBox { .. } => ErrorCode::InvalidValue,
            Self::NoFace { .. } => ErrorCode::NoFace,
            Self::BodyTooLarge { .. } => ErrorCode::BodyTooLarge,
            Self::Engine(_) => ErrorCode::Internal,
        }
    }

    /// The path of the field at fault; `None` when the engine failed.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Request(error) => Some(error.path()),
            Self::Image { path, .. } | Self::NoFace { path } | Self::OtherFace { path } => {
                Some(path)
            }
            Self::FaceBox { path, .. } => Some(path),
            Self::BodyTooLarge { .. } => Some("body"),
            Self::Engine(_) => None,
        }
    }

    /// The error and all of its causes in one line: `images[0].data cannot be used: the text is not
    /// base64`.
    ///
    /// ```
    /// use face_liveness::{Error, network};
    ///
    /// let error = Error::from(network::Error::run("the output is not finite"));
    /// let description = "the engine failed: the network failed: the output is not finite";
    /// assert_eq!(error.description(), description);
    /// ```
    pub fn description(&self) -> String {
        let mut description = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            description += &format!(": {error}");
            cause = error.source();
        }
        description
    }

    /// The body to answer with. It tells the client nothing about a failure of the engine.
    pub fn to_body(&self) -> ErrorBody {
        let description = match self {
            Self::Engine(_) => "The engine failed; the request may be valid".to_owned(),
            error => error.description(),
        };
        ErrorBody::new(self.code(), description)
    }
}

/// Why an engine cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A built-in network cannot be loaded.
    #[error("{name} cannot be loaded")]
    Load {
        /// The detector or the model.
        name: &'static str,
        /// Why.
        source: network::Error,
    },
    /// A setting names a model that does not exist.
    #[error("no model is named {name} ({setting})")]
    UnknownModel {
        /// The setting: `default_model` or `built_in_models`.
        setting: &'static str,
        /// The name that was set.
        name: String,
    },
    /// The default model is a built-in one, and
    /// [`EngineBuilder::built_in_models`](crate::EngineBuilder::built_in_models) leaves it out.
    #[error("default_model {name} is not loaded; loaded: {}", listed(.loaded))]
    NotLoaded {
        /// The name of the default model.
        name: String,
        /// The models that are loaded.
        loaded: Vec<String>,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
