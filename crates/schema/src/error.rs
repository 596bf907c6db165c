//! The error codes of the contract, the error body, and what can be wrong with a request.

use serde::{Deserialize, Serialize};

/// The `code` of an error body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
#[non_exhaustive]
#[repr(u16)]
pub enum ErrorCode {
    /// 110: a required field is absent.
    Missing = 110,
    /// 111: a field has the wrong JSON type.
    InvalidType = 111,
    /// 112: the right type, a value that is not allowed.
    InvalidValue = 112,
    /// 113: the field names something that does not exist.
    NotFound = 113,
    /// 116: a value that must be unique stands twice.
    Duplicated = 116,
    /// 215: the image's format is not supported, it does not decode, or it is past a limit.
    ImageNotSupported = 215,
    /// 219: fewer images than the model needs.
    TooFewImages = 219,
    /// 223: no face.
    NoFace = 223,
    /// 413: the body is past the limit. The contract gives this case an HTTP status but no code; the
    /// status serves as both.
    BodyTooLarge = 413,
    /// 500: the engine's own trouble. The contract gives this case an HTTP status but no code; the
    /// status serves as both.
    Internal = 500,
}

impl ErrorCode {
    const ALL: [Self; 10] = [
        Self::Missing,
        Self::InvalidType,
        Self::InvalidValue,
        Self::NotFound,
        Self::Duplicated,
        Self::ImageNotSupported,
        Self::TooFewImages,
        Self::NoFace,
        Self::BodyTooLarge,
        Self::Internal,
    ];

    /// The `message` that goes with the code.
    pub fn message(self) -> &'static str {
        match self {
            Self::Missing => "body_parameter_missing",
            Self::InvalidType => "body_parameter_invalid_type",
            Self::InvalidValue => "body_parameter_invalid_value",
            Self::NotFound => "body_parameter_not_found",
            Self::Duplicated => "body_parameter_duplicated",
            Self::ImageNotSupported => "image_data_not_supported",
            Self::TooFewImages => "image_data_too_few",
            Self::NoFace => "image_entity_not_found",
            Self::BodyTooLarge => "body_too_large",
            Self::Internal => "internal_error",
        }
    }

    /// The HTTP status that the contract's table pairs with the code.
    pub fn http_status(self) -> u16 {
        match self {
            Self::BodyTooLarge => 413,
            Self::Internal => 500,
            _ => 400,
        }
    }
}

impl From<ErrorCode> for u16 {
    fn from(code: ErrorCode) -> Self {
        code as Self
    }
}

impl TryFrom<u16> for ErrorCode {
    type Error = UnknownErrorCode;

    fn try_from(number: u16) -> Result<Self, UnknownErrorCode> {
        Self::ALL.into_iter().find(|&code| code as u16 == number).ok_or(UnknownErrorCode(number))
    }
}

/// A number that is none of the contract's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an error code of the contract")]
pub struct UnknownErrorCode(u16);

#[cfg(feature = "json-schema")]
impl schemars::JsonSchema for ErrorCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "enum": Self::ALL.map(u16::from) })
    }
}

/// The body of an answer that is not a response: `{"error": {…}}`.
///
/// ```
/// use face_liveness_schema::{ErrorBody, ErrorCode};
///
/// let body = ErrorBody::new(ErrorCode::NoFace, "No face was found in images[0]");
/// assert_eq!(
///     serde_json::to_string(&body).unwrap(),
///     r#"{"error":{"code":223,"message":"image_entity_not_found","description":"No face was found in images[0]"}}"#
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(description = "The body of an answer that is not a response.")
)]
pub struct ErrorBody {
    /// What was wrong.
    pub error: ErrorDetail,
}

/// The one member of an error body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ErrorDetail {
    /// The number to branch on.
    pub code: ErrorCode,
    /// The code in words.
    pub message: String,
    /// A sentence for a developer: the field by its path and what was wrong with it, never image data.
    pub description: String,
}

impl ErrorBody {
    /// The body for a code and a sentence about this one case.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        let message = code.message().to_owned();
        Self { error: ErrorDetail { code, message, description: description.into() } }
    }
}

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
