//! The engine behind a route of axum: `cargo run --release --example embed_in_axum`, then
//!
//!     curl --json @BODY.json http://127.0.0.1:8080/v1/liveness
#![allow(clippy::print_stdout)]

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use face_liveness::{Engine, ErrorBody, ErrorCode};

async fn liveness(
    State(engine): State<Engine>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if !is_json(&headers) {
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The content type must be JSON");
    }
    let Ok(body) = body else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large or incomplete");
    };
    // Inference occupies a core for several milliseconds: keep it off the runtime's threads.
    let Ok(answer) = tokio::task::spawn_blocking(move || engine.detect_json(&body)).await else {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "The engine failed");
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], answer.body).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// A body of the contract's form, with the status as its code.
fn refusal(status: StatusCode, description: &str) -> Response {
    let body = ErrorBody::new(ErrorCode::from(status.as_u16()), description);
    (status, Json(body)).into_response()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder().build()?;
    let limit = DefaultBodyLimit::max(engine.limits().max_body_bytes);
    let app = Router::new().route("/v1/liveness", post(liveness)).layer(limit).with_state(engine);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
