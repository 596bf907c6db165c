//! Why the service refuses a request without an answer from the engine.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use face_liveness::{ErrorBody, ErrorCode};

use crate::limits::{MAX_HEADERS, MAX_URI};

/// A refusal. Its body has the form of the contract's errors, with the HTTP status as the code
/// where the contract has no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400, code 112: the connection broke before the end of the body.
    #[error("body is incomplete")]
    BrokenOff,
    /// 400: the header `Host` is missing, or appears more than once (RFC 9112, 3.2).
    #[error("The header Host must appear once")]
    AmbiguousHost,
    /// 401: no key, or an unknown one.
    #[error("The header Authorization: Bearer KEY is missing, or the key is unknown")]
    Unauthorised,
    /// 404: no such path.
    #[error("There is nothing at this path; the API is POST /v1/liveness")]
    NotFound,
    /// 405: the path exists, but not for this method.
    #[error("This path does not support this method")]
    MethodNotAllowed,
    /// 408: the client sent its body too slowly.
    #[error("The body did not arrive in time")]
    BodyTooSlow,
    /// 413: the body is too large.
    #[error("The body exceeds the limit of {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// 414: the path and the query are too long.
    #[error("The path and the query exceed the limit of {} bytes", MAX_URI)]
    UriTooLong,
    /// 415: the body is not JSON.
    #[error("The content type must be application/json")]
    NotJson,
    /// 415: the body is compressed.
    #[error("The body must not be compressed: Content-Encoding is not supported")]
    CompressedBody,
    /// 429: the client, or all clients together, exceed a rate limit.
    #[error("Too many requests; try again after the time in Retry-After")]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// 431: the headers are too large.
    #[error("The headers exceed the limit of {} bytes", MAX_HEADERS)]
    HeadersTooLarge,
    /// 500: the engine failed.
    #[error("The engine failed; the request may be valid")]
    Failed,
    /// 502: there is no connection to the NATS server.
    #[error("The workers cannot be reached")]
    Unreachable,
    /// 503: no worker is free, and no place in a queue.
    #[error("No worker is free; try again in a moment")]
    Busy,
    /// 503: the request was sent to the workers twice, and was answered neither time.
    #[error("The workers took this request twice, and did not answer")]
    NoAnswer,
    /// 504: the deadline passed.
    #[error("No answer was ready before the deadline")]
    TooLate,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BrokenOff | Self::AmbiguousHost => StatusCode::BAD_REQUEST,
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::NotJson | Self::CompressedBody => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unreachable => StatusCode::BAD_GATEWAY,
            Self::Busy | Self::NoAnswer => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLate => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The contract's code, where it has one.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        (*self == Self::BrokenOff).then_some(ErrorCode::InvalidValue)
    }

    /// The body.
    pub fn to_body(&self) -> ErrorBody {
        let code = self.code().unwrap_or_else(|| self.status().as_u16().into());
        let mut body = ErrorBody::new(code, self.to_string());
        body.error.message = self.message().to_owned();
        body
    }

    /// The `message` of the body.
    fn message(&self) -> &'static str {
        match self {
            Self::BrokenOff => ErrorCode::InvalidValue.message(),
            Self::AmbiguousHost => "bad_request",
            Self::Unauthorised => "unauthorized",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooSlow => "request_timeout",
            Self::BodyTooLarge { .. } => ErrorCode::BodyTooLarge.message(),
            Self::UriTooLong => "uri_too_long",
            Self::NotJson => "content_type_not_supported",
            Self::CompressedBody => "content_encoding_not_supported",
            Self::TooMany { .. } => "too_many_requests",
            Self::HeadersTooLarge => "headers_too_large",
            Self::Failed => ErrorCode::Internal.message(),
            Self::Unreachable => "bad_gateway",
            Self::Busy | Self::NoAnswer => "service_unavailable",
            Self::TooLate => "gateway_timeout",
        }
    }

    /// The refusal of a remote worker, from its status.
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
            Self::Busy | Self::NoAnswer => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.to_body())).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs_f64().ceil().max(1.0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds as u64));
        }
        if self == Self::Unauthorised {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
