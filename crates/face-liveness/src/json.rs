//! The HTTP status and body of an answer.

use crate::{Error, Response};

/// The answer to a request body. Send the body as `application/json`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonAnswer {
    /// The HTTP status: 200, 400, 413 or 500.
    pub status: u16,
    /// A [`Response`], or an [`ErrorBody`](crate::ErrorBody).
    pub body: Vec<u8>,
}

impl JsonAnswer {
    /// The answer of a service in front of an engine.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into() }
    }
}

/// Turns the result of [`Engine::detect_body`](crate::Engine::detect_body) into an answer.
///
/// ```
/// use face_liveness::{Engine, JsonAnswer};
///
/// let engine = Engine::builder().build()?;
/// let answer = JsonAnswer::from(engine.detect_body(b"{}"));
/// assert_eq!(answer, engine.detect_json(b"{}"));
/// # Ok::<(), face_liveness::BuildError>(())
/// ```
impl From<Result<Response, Error>> for JsonAnswer {
    fn from(result: Result<Response, Error>) -> Self {
        let answer = result.and_then(|response| match serde_json::to_vec(&response) {
            Ok(body) => Ok(Self { status: 200, body }),
            Err(error) => Err(face_liveness_network::Error::run(error).into()),
        });
        answer.unwrap_or_else(|error| {
            let body = serde_json::to_vec(&error.to_body()).unwrap_or_default();
            Self { status: error.code().http_status(), body }
        })
    }
}
