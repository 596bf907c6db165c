//! The faults of a request, apart from its images.

use crate::ErrorCode;

/// A fault of a request, found before any image is decoded.
///
/// Every variant names the field by its path: `images[1].data`, or `body` for the whole. No variant
/// holds a value that the client sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// 110: a required field is absent.
    #[error("{path} is missing")]
    Missing {
        /// The path of the field.
        path: String,
    },
    /// 111: a field has the wrong JSON type.
    #[error("{path} must be {expected}, not {found}")]
    InvalidType {
        /// The path of the field.
        path: String,
        /// The type in the contract, with its article: `an integer`.
        expected: &'static str,
        /// The type of the value, with its article: `a string`.
        found: &'static str,
    },
    /// 112: a field has the right type but a value that is not allowed.
    #[error("{path} {problem}")]
    InvalidValue {
        /// The path of the field.
        path: String,
        /// A predicate: `is not valid JSON (line 1, column 5)`.
        problem: String,
    },
    /// 113: a field names something that does not exist.
    #[error("{path} names an unknown model")]
    NotFound {
        /// The path of the field.
        path: String,
    },
    /// 116: a value that must be unique appears more than once.
    #[error("{path} {problem}")]
    Duplicated {
        /// The path of the repeated field.
        path: String,
        /// A predicate: `is also the index of images[0]`.
        problem: String,
    },
    /// 219: fewer images than the model needs.
    #[error("images has {given} of the {required} images that the model needs")]
    TooFewImages {
        /// The number of images in the request.
        given: usize,
        /// The number of images that the model needs.
        required: usize,
    },
}

impl RequestError {
    /// The code of the contract.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Missing { .. } => ErrorCode::Missing,
            Self::InvalidType { .. } => ErrorCode::InvalidType,
            Self::InvalidValue { .. } => ErrorCode::InvalidValue,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Duplicated { .. } => ErrorCode::Duplicated,
            Self::TooFewImages { .. } => ErrorCode::TooFewImages,
        }
    }

    /// The path of the faulty field in the body: `images[1].data`.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Missing { path }
            | Self::InvalidType { path, .. }
            | Self::InvalidValue { path, .. }
            | Self::NotFound { path }
            | Self::Duplicated { path, .. } => path,
            Self::TooFewImages { .. } => "images",
        }
    }

    pub(crate) fn invalid_value(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::InvalidValue { path: path.into(), problem: problem.into() }
    }
}
