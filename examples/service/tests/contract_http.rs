//! The wire contract, kept by the HTTP server: every rule over a socket, by a client of another make.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../../../crates/face-liveness/tests/contract/rules.rs"]
mod rules;
mod running;
#[path = "../../../crates/face-liveness/tests/support/mod.rs"]
mod support;

use face_liveness::{Engine, JsonAnswer};
use running::Running;

type Served = Running;

fn serve(engine: Engine) -> Served {
    Running::with_engine(engine, &[])
}

impl support::Answers for Running {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        let (status, body) = self.post(body);
        JsonAnswer { status, body }
    }
}
