//! Runs the rules of the wire contract against the HTTP server, over a socket.
#![allow(missing_docs, clippy::unwrap_used)]

mod running;

use std::sync::LazyLock;

use face_liveness::JsonAnswer;
use face_liveness_test_support::{Contract, Endpoint, contract_rules};
use running::Running;

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::new(|engine| Box::new(Running::with_engine(engine, &[]))));

contract_rules!(tests CONTRACT);

impl Endpoint for Running {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        let (status, body) = self.post(body);
        JsonAnswer::new(status, body)
    }
}
