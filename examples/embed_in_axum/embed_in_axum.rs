//! The engine behind a route of axum: `cargo run --release --example embed_in_axum`, then
//!
//!     curl --json @BODY.json http://127.0.0.1:8080/v1/liveness
#![allow(clippy::print_stdout)]

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use face_liveness::Engine;

async fn liveness(State(engine): State<Engine>, body: Bytes) -> Response {
    // Inference occupies a core for several milliseconds: keep it off the runtime's threads.
    let Ok(answer) = tokio::task::spawn_blocking(move || engine.detect_json(&body)).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], answer.body).into_response()
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
