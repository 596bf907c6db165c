//! The body of an error answer.

use serde::{Deserialize, Serialize};

use crate::ErrorCode;

/// The body of an error answer: `{"error": {…}}`.
///
/// ```
/// use face_liveness_schema::{ErrorBody, ErrorCode};
///
/// let body = ErrorBody::new(ErrorCode::NoFace, "No face was found in images[0]");
/// assert_eq!(
///     serde_json::to_string(&body)?,
///     concat!(
///         r#"{"error":{"code":223,"message":"image_entity_not_found","#,
///         r#""description":"No face was found in images[0]"}}"#,
///     )
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(description = "The body of an answer that is not a response.")
)]
#[non_exhaustive]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// The content of an error body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ErrorDetail {
    /// The number to branch on.
    pub code: ErrorCode,
    /// The code in words.
    pub message: String,
    /// A sentence for developers: the path of the field and what is wrong with it. Never holds
    /// image data.
    pub description: String,
}

impl ErrorBody {
    /// The body for a code, with the code's `message`, and a sentence about this case.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        let message = code.message().to_owned();
        Self { error: ErrorDetail { code, message, description: description.into() } }
    }
}
