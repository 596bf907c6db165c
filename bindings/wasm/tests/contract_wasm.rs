//! Runs the rules of the wire contract against the package in Node.js: `.ci/wasm` builds it first.
#![allow(missing_docs, clippy::unwrap_used)]

use std::process::Command;
use std::sync::LazyLock;

use face_liveness_test_support::{Contract, Endpoint, Piped, contract_rules};

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::of_binding(start));

contract_rules!(tests CONTRACT);

fn start() -> Box<dyn Endpoint> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answer.mjs");
    Box::new(Piped::start(Command::new("node").arg(script)))
}
