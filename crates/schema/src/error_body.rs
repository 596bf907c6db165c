//! The error body.

use serde::{Deserialize, Serialize};

use crate::ErrorCode;

/// The body of an answer that is not a response: `{"error": {…}}`.
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
    /// What was wrong.
    pub error: ErrorDetail,
}

/// The one member of an error body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
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
