//! The wire contract, kept by a worker of NATS, asked by a client of NATS and through the HTTP server. Needs `nats-server`:
//! `cargo test --release --test contract_nats`.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../../../crates/face-liveness/tests/contract/rules.rs"]
mod rules;
mod running;
#[path = "../../../crates/face-liveness/tests/support/mod.rs"]
mod support;

use bytes::Bytes;
use face_liveness::{Engine, JsonAnswer};
use face_liveness_service::{Metrics, Remote, RemoteParams};
use running::nats::{NATS, NatsServer};
use running::{RUNTIME, Running, start_worker};

/// The two ways to the worker.
struct Served {
    remote: Remote,
    server: Running,
}

fn serve(engine: Engine) -> Served {
    let subject = NatsServer::subject();
    let limit = engine.limits().max_body_bytes;
    start_worker(&NATS.url, &subject, engine);
    let remote =
        Remote::connect(&NATS.url, &subject, limit, RemoteParams::default(), Metrics::default());
    let remote = RUNTIME.block_on(remote).unwrap();
    let server = Running::with_workers(limit, &NATS.url, &["--subject", &subject]);
    Served { remote, server }
}

impl support::Answers for Served {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        let answer = RUNTIME.block_on(self.remote.answer(Bytes::copy_from_slice(body))).unwrap();
        let (status, through) = self.server.post(body);
        assert_eq!(status, answer.status);
        // Of a body past the limit the server tells without asking a worker.
        if status != 413 {
            assert_eq!(through, answer.body);
        }
        answer
    }
}
