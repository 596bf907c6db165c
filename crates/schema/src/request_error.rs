//! What can be wrong with a request.

use crate::ErrorCode;

/// What is wrong with a request, before any image is looked at.
///
/// Every variant names the field by its path (`images[1].data`; `body` is the whole) and none of them
/// holds a value that the client sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// 110: a required field is absent.
    #[error("{path} is missing")]
    Missing {
        /// The field.
        path: String,
    },
    /// 111: a field has the wrong JSON type.
    #[error("{path} must be {expected}, not {found}")]
    InvalidType {
        /// The field.
        path: String,
        /// The type that the contract asks for, with its article: `an integer`.
        expected: &'static str,
        /// The type that was sent, with its article: `a string`.
        found: &'static str,
    },
    /// 112: the right type, a value that is not allowed.
    #[error("{path} {problem}")]
    InvalidValue {
        /// The field.
        path: String,
        /// A predicate: `is not valid JSON (line 1, column 5)`.
        problem: String,
    },
    /// 113: the field names something that does not exist.
    #[error("{path} names no model of this engine")]
    NotFound {
        /// The field.
        path: String,
    },
    /// 116: a value that must be unique stands twice.
    #[error("{path} {problem}")]
    Duplicated {
        /// The second of the two.
        path: String,
        /// A predicate: `is also the index of images[0]`.
        problem: String,
    },
    /// 219: fewer images than the model needs.
    #[error("images holds {given} of the {required} images that the model needs")]
    TooFewImages {
        /// How many there are.
        given: usize,
        /// How many the model needs.
        required: usize,
    },
}

impl RequestError {
    /// The contract's code.
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

    /// The field at fault, by its path in the body: `images[1].data`.
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
