//! The paths, and the checks that a request passes on its way to an answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use tower_http::catch_panic::CatchPanicLayer;

use crate::audit::Outcome;
use crate::keys::Keys;
use crate::metrics::{Metrics, Step};
use crate::nats::Remote;
use crate::observe::{Observers, Report, observe};
use crate::openapi;
use crate::page::{self, Package};
use crate::pool::{Answer, Pool};
use crate::rates::Rates;
use crate::refusal::Refusal;
use crate::upload::Uploads;

/// Where requests are scored.
pub(crate) enum Backend {
    Here(Pool),
    Workers(Remote),
}

impl Backend {
    async fn answer(&self, body: Bytes) -> Result<Answer, Refusal> {
        match self {
            Self::Here(pool) => pool.answer(body).await,
            Self::Workers(remote) => remote.answer(body).await,
        }
    }

    async fn models(&self) -> Result<Bytes, Refusal> {
        match self {
            Self::Here(pool) => Ok(pool.models()),
            Self::Workers(remote) => remote.models().await,
        }
    }

    async fn is_ready(&self) -> bool {
        match self {
            Self::Here(_) => true,
            Self::Workers(remote) => remote.is_ready().await,
        }
    }
}

/// The state that all requests share.
pub(crate) struct Service {
    pub(crate) backend: Backend,
    pub(crate) keys: Option<Keys>,
    pub(crate) rates: Rates,
    pub(crate) uploads: Uploads,
    pub(crate) observers: Observers,
    pub(crate) package: Option<Package>,
}

pub(crate) fn router(service: Arc<Service>) -> Router {
    let observed = axum::middleware::from_fn_with_state(service.observers.clone(), observe);
    Router::new()
        .route(openapi::PATH, post(liveness))
        .route(openapi::MODELS, get(models))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .merge(page::routes(service.package.as_ref()))
        .merge(openapi::routes())
        .method_not_allowed_fallback(|| async { Refusal::MethodNotAllowed })
        .fallback(|| async { Refusal::NotFound })
        .layer(CatchPanicLayer::custom(|_| Refusal::Failed.into_response()))
        .layer(observed)
        .with_state(service)
}

async fn liveness(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let mut report = Report::default();
    let is_audited = service.observers.audit.is_some();
    let mut response = match service.answer(&parts.headers, &mut body, &mut report).await {
        Ok(Ok(response)) => {
            service.observers.metrics.scored(&response);
            report.outcome = is_audited.then(|| Outcome::Response(response.clone()));
            Json(response).into_response()
        }
        Ok(Err(error)) => {
            report.code = Some(error.error.code.into());
            report.outcome = is_audited.then(|| Outcome::Error(error.error.clone()));
            let status = StatusCode::from_u16(error.error.code.http_status());
            (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(error)).into_response()
        }
        Err(refusal) => {
            service.uploads.linger(&parts.headers, body).await;
            report.code = refusal.code().map(Into::into);
            refusal.into_response()
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(report);
    response
}

/// The models that requests can name.
async fn models(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let mut report = Report::default();
    let mut response = match service.models(&headers, &mut report).await {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    response.extensions_mut().insert(report);
    response
}

impl Service {
    async fn models(&self, headers: &HeaderMap, report: &mut Report) -> Result<Bytes, Refusal> {
        let client = self.client(headers)?;
        report.client = Some(client.to_owned());
        self.rates.take(client)?;
        self.backend.models().await
    }

    async fn answer(
        &self,
        headers: &HeaderMap,
        body: &mut Body,
        report: &mut Report,
    ) -> Result<Answer, Refusal> {
        let client = self.client(headers)?;
        report.client = Some(client.to_owned());
        self.rates.take(client)?;
        if !is_json(headers) {
            return Err(Refusal::NotJson);
        }
        if is_compressed(headers) {
            return Err(Refusal::CompressedBody);
        }
        let began = Instant::now();
        let body = self.uploads.receive(headers, body).await?;
        report.bytes = body.len();
        self.observers.metrics.took(Step::Receive, began.elapsed());
        self.backend.answer(body).await
    }

    /// The name of the client by its key; `anyone` for a server without keys.
    fn client(&self, headers: &HeaderMap) -> Result<&str, Refusal> {
        let Some(keys) = &self.keys else { return Ok("anyone") };
        let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let key = given.and_then(bearer).ok_or(Refusal::Unauthorised)?;
        keys.client(key).ok_or(Refusal::Unauthorised)
    }
}

/// The key in `Bearer KEY`. The name of a scheme is written in any case (RFC 9110).
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = authorization.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| key.trim_ascii())
}

/// Whether the body is compressed.
fn is_compressed(headers: &HeaderMap) -> bool {
    let encodings = headers.get_all(header::CONTENT_ENCODING).into_iter();
    encodings.map(HeaderValue::as_bytes).any(|value| !value.eq_ignore_ascii_case(b"identity"))
}

/// Whether the content type is `application/json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Answers 503 when the server is about to stop, or reaches no worker.
async fn ready(State(service): State<Arc<Service>>) -> Response {
    if service.observers.draining.load(Ordering::Relaxed) || !service.backend.is_ready().await {
        return (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response();
    }
    "ready\n".into_response()
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    metrics_text(&service.observers.metrics)
}

fn metrics_text(metrics: &Metrics) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, OPEN_METRICS)], metrics.text()).into_response()
}

/// The router of a process that serves only `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn probes(metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/metrics", get(|| async move { metrics_text(&metrics) }))
}
