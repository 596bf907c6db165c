//! What is answered instead of a response, for reasons of the service and not of the body.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use face_liveness::ErrorCode;
use serde_json::json;

/// Why the service does not answer a request. The body has the form of the contract's errors; where
/// the contract has no code, the status is it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400, code 112: a body that ends before its end is no JSON.
    #[error("body ends before its end")]
    BrokenOff,
    /// 401.
    #[error("The header Authorization: Bearer KEY is missing, or its key is not known")]
    Unauthorised,
    /// 404.
    #[error("There is nothing at this path; the API is POST /v1/liveness")]
    NotFound,
    /// 405.
    #[error("This path does not take this method")]
    MethodNotAllowed,
    /// 408.
    #[error("The body did not arrive in time")]
    BodyTooSlow,
    /// 413.
    #[error("The body is past the limit of {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// 414.
    #[error("The path and the query are past the limit of {} bytes", crate::router::MAX_URI)]
    UriTooLong,
    /// 415.
    #[error("The content type must be application/json")]
    NotJson,
    /// 429.
    #[error("Too many requests; try again when Retry-After says")]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// 431.
    #[error("The headers are past the limit of {} bytes", crate::router::MAX_HEADERS)]
    HeadersTooLarge,
    /// 500.
    #[error("The engine failed; the request may be in order")]
    Failed,
    /// 502.
    #[error("The workers cannot be reached")]
    Unreachable,
    /// 503.
    #[error("All workers are busy and the queue is full; try again in a moment")]
    Busy,
    /// 504.
    #[error("No answer was ready before the deadline")]
    TooLate,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BrokenOff => StatusCode::BAD_REQUEST,
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unreachable => StatusCode::BAD_GATEWAY,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLate => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The `code` of the body.
    pub fn code(&self) -> u16 {
        match self {
            Self::BrokenOff => ErrorCode::InvalidValue.into(),
            other => other.status().as_u16(),
        }
    }

    /// The `message` of the body.
    pub fn message(&self) -> &'static str {
        match self {
            Self::BrokenOff => ErrorCode::InvalidValue.message(),
            Self::Unauthorised => "unauthorized",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooSlow => "request_timeout",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::UriTooLong => "uri_too_long",
            Self::NotJson => "content_type_not_supported",
            Self::TooMany { .. } => "too_many_requests",
            Self::HeadersTooLarge => "headers_too_large",
            Self::Failed => "internal_error",
            Self::Unreachable => "bad_gateway",
            Self::Busy => "service_unavailable",
            Self::TooLate => "gateway_timeout",
        }
    }

    /// The refusal of that status, where a worker far away has said it.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            503 => Self::Busy,
            504 => Self::TooLate,
            _ => Self::Failed,
        }
    }

    /// How long a client should wait before it tries again.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { wait } => Some(*wait),
            Self::Busy => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, message) = (self.code(), self.message());
        let body = json!({ "error": { "code": code, "message": message, "description": self.to_string() } });
        let json = HeaderValue::from_static("application/json");
        let mut response =
            (self.status(), [(header::CONTENT_TYPE, json)], body.to_string()).into_response();
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs_f64().ceil().max(1.0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds as u64));
        }
        if self == Self::Unauthorised {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
