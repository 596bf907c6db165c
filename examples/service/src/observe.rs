//! Wraps every request: its id, the checks of path and headers, its log line, its counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use uuid::Uuid;

use crate::audit::{AuditLog, Event, Outcome};
use crate::limits::{MAX_HEADERS, MAX_URI};
use crate::metrics::{Metrics, Step};
use crate::openapi;
use crate::refusal::Refusal;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The handler's report for the logs. It holds no data of the image.
#[derive(Clone, Default)]
pub(crate) struct Report {
    pub(crate) client: Option<String>,
    pub(crate) bytes: usize,
    pub(crate) code: Option<u16>,
    /// The engine's answer, where there is an audit log.
    pub(crate) outcome: Option<Outcome>,
}

/// The metrics, the audit log and the state that observe the requests of a server.
#[derive(Clone)]
pub(crate) struct Observers {
    pub(crate) metrics: Metrics,
    pub(crate) audit: Option<Arc<AuditLog>>,
    /// The server is about to stop: clients should connect elsewhere.
    pub(crate) draining: Arc<AtomicBool>,
}

pub(crate) async fn observe(
    State(Observers { metrics, audit, draining }): State<Observers>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let method = known_method(request.method());
    let path = known_path(&request);
    let mut response = match check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let report = response.extensions_mut().remove::<Report>().unwrap_or_default();
    let status = response.status().as_u16();
    let took = began.elapsed();
    metrics.answered(path, status, report.code.unwrap_or(0));
    if path == openapi::PATH {
        metrics.took(Step::Total, took);
    }
    let client = report.client.as_deref().unwrap_or("-");
    let took_ms = took.as_micros() as f64 / 1e3;
    let (code, bytes) = (report.code, report.bytes);
    tracing::info!(%id, method, path, status, code, client, bytes, took_ms, "answered");
    if let (Some(audit), Some(outcome)) = (audit, &report.outcome) {
        audit.append(&Event { id: &id, time: Timestamp::now(), client, status, outcome });
    }

    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if draining.load(Ordering::Relaxed) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The client's `X-Request-Id` if it is safe to log, otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    given.filter(plain).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// A method that HTTP defines, or `other`, so that the log holds no text of the client's.
fn known_method(method: &Method) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"]
        .into_iter()
        .find(|&known| method == known)
        .unwrap_or("other")
}

/// The path as it was routed. Unknown paths share one name, or clients could create any number of
/// counters.
fn known_path(request: &Request) -> &'static str {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let known =
        [openapi::PATH, openapi::MODELS, "/", "/healthz", "/readyz", "/metrics", openapi::DOCUMENT];
    known.into_iter().find(|&known| path == Some(known)).unwrap_or("other")
}

fn check(request: &Request) -> Result<(), Refusal> {
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
    // Two programs in a row could take a different one of several hosts.
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() >= Version::HTTP_11 {
        return Err(Refusal::AmbiguousHost);
    }
    Ok(())
}
