//! Runs the rules of the wire contract against a NATS worker, directly and through the HTTP server.
//! Needs `nats-server`: `cargo test --release --test contract_nats`.
#![allow(missing_docs, clippy::unwrap_used)]

mod running;

use std::sync::LazyLock;

use bytes::Bytes;
use face_liveness::{Engine, JsonAnswer};
use face_liveness_service::{Metrics, Remote, RemoteParams};
use face_liveness_test_support::{
    Contract, ENGINE, Endpoint, PORTRAIT_JPEG, contract_rules, image, request,
};
use running::nats::{NATS, NatsServer};
use running::{RUNTIME, Running, start_worker};

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::new(|engine| Box::new(Served::new(engine))));

contract_rules!(tests CONTRACT);

#[test]
fn the_server_in_front_counts_the_scores() {
    let served = Served::new(ENGINE.clone());
    let body = request([image(0, PORTRAIT_JPEG.as_str())]).to_string();
    assert_eq!(served.server.post(body.as_bytes()).0, 200);
    let (_, metrics) = served.server.get("/metrics");
    for line in [
        r#"face_liveness_spoof_score_count{model="rgb-single-v2"} 1"#,
        r#"face_liveness_warnings_total{model="rgb-single-v2",warning="smallFace"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

/// The two clients of the worker.
struct Served {
    remote: Remote,
    server: Running,
}

impl Served {
    fn new(engine: Engine) -> Self {
        let subject = NatsServer::subject();
        let limit = engine.limits().max_body_bytes;
        start_worker(&NATS.url, &subject, engine);
        let (params, metrics) = (RemoteParams::default(), Metrics::default());
        let remote = Remote::connect(&NATS.url, &subject, limit, params, metrics);
        let remote = RUNTIME.block_on(remote).unwrap();
        let server = Running::with_workers(limit, &NATS.url, &["--subject", &subject]);
        Self { remote, server }
    }
}

impl Endpoint for Served {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        let answer = RUNTIME.block_on(self.remote.answer(Bytes::copy_from_slice(body))).unwrap();
        let (status, through) = self.server.post(body);
        let (expected, body) = match &answer {
            Ok(response) => (200, serde_json::to_vec(response).unwrap()),
            Err(error) => (error.error.code.http_status(), serde_json::to_vec(error).unwrap()),
        };
        assert_eq!(status, expected);
        // The server refuses a body past the limit by itself, with another description.
        if status != 413 {
            assert_eq!(through, body);
        }
        JsonAnswer::new(status, body)
    }
}
