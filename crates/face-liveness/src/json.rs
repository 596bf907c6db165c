//! A request body to the status and the body to answer with.

use face_liveness_schema::RequestDocument;

use crate::{Engine, Error, Response, Stage};

/// What to answer over HTTP. The body is JSON: send it as `application/json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonAnswer {
    /// The HTTP status: 200, 400, 413 or 500.
    pub status: u16,
    /// A [`Response`], or an [`ErrorBody`](crate::ErrorBody).
    pub body: Vec<u8>,
}

impl Engine {
    /// Answers the body of a request, whatever it holds, as the contract demands. Knows nothing of HTTP:
    /// the method, the path, the content type and the client's rights are the caller's to check.
    ///
    /// ```
    /// # let engine = face_liveness::Engine::builder().build()?;
    /// let answer = engine.detect_json(br#"{"images": []}"#);
    /// assert_eq!(answer.status, 400);
    /// assert!(answer.body.starts_with(br#"{"error":{"code":219,"message":"image_data_too_few""#));
    /// # Ok::<(), face_liveness::Error>(())
    /// ```
    pub fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        let answer = self.try_detect_json(body).and_then(|response| {
            let body = serde_json::to_vec(&response);
            let body = body.map_err(|error| crate::inference::Error::new("failed", error))?;
            Ok(JsonAnswer { status: 200, body })
        });
        answer.unwrap_or_else(|error| {
            let body = serde_json::to_vec(&error.to_body()).unwrap_or_default();
            JsonAnswer { status: error.code().http_status(), body }
        })
    }

    fn try_detect_json(&self, body: &[u8]) -> Result<Response, Error> {
        let limit = self.limits().max_body_bytes;
        if body.len() > limit {
            return Err(Error::BodyTooLarge { length: body.len(), limit });
        }
        let document = RequestDocument::parse(body)?;
        let model = self.model(document.model())?;
        let images = self.ended(Stage::Parse, document.select(model.inputs())?);
        self.score(model, images)
    }
}
