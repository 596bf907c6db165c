//! Around every request: its id, its limits of path and headers, its line in the log, its counters.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use face_liveness::JsonAnswer;
use serde::Deserialize;
use uuid::Uuid;

use crate::metrics::{Metrics, Part};
use crate::openapi;
use crate::refusal::Refusal;
use crate::router::{MAX_HEADERS, MAX_URI, Service};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the handler tells the log: nothing that the client sent but its size.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) client: Option<String>,
    pub(crate) bytes: usize,
    code: Option<u16>,
}

impl Seen {
    /// Reads the code of an error, for the log, and the score, for its histogram alone.
    pub(crate) fn note(&mut self, answer: &JsonAnswer, metrics: &Metrics) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            spoof_score: Option<f64>,
            error: Option<Detail>,
        }
        #[derive(Deserialize)]
        struct Detail {
            code: u16,
        }
        if let Ok(answer) = serde_json::from_slice::<Answer>(&answer.body) {
            self.code = answer.error.map(|error| error.code);
            answer.spoof_score.into_iter().for_each(|score| metrics.scored(score));
        }
    }
}

pub(crate) async fn observe(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = known_path(&request);
    let mut response = match within_limits(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let seen = response.extensions_mut().remove::<Seen>().unwrap_or_default();
    let status = response.status().as_u16();
    let took = began.elapsed();
    service.metrics.answered(path, status, seen.code.unwrap_or(0));
    if path == openapi::PATH {
        service.metrics.took(Part::Total, took);
    }
    let client = seen.client.as_deref().unwrap_or("-");
    let took_ms = took.as_secs_f64() * 1e3;
    let (code, bytes) = (seen.code, seen.bytes);
    tracing::info!(%id, %method, path, status, code, client, bytes, took_ms, "answered");

    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if service.draining.load(Ordering::Relaxed) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The client's `X-Request-Id`, where it is one that a log can show; otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    given.filter(plain).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// The path as it was routed; what clients make up is none, or there would be a counter for each.
fn known_path(request: &Request) -> &'static str {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let known = [openapi::PATH, "/", "/healthz", "/readyz", "/metrics", openapi::DOCUMENT];
    known.into_iter().find(|&known| path == Some(known)).unwrap_or("other")
}

fn within_limits(request: &Request) -> Result<(), Refusal> {
    let uri = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
    if uri > MAX_URI {
        return Err(Refusal::UriTooLong);
    }
    // `Name: value\r\n`
    let headers =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    if headers.sum::<usize>() > MAX_HEADERS {
        return Err(Refusal::HeadersTooLarge);
    }
    Ok(())
}
