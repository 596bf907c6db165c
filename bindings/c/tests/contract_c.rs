//! Runs the rules of the wire contract against the library in a program in C: `.ci/c` builds it
//! first, and names it in `FACE_LIVENESS_C`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::process::Command;
use std::sync::LazyLock;

use face_liveness_test_support::{Contract, Endpoint, Piped, contract_rules};

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::of_binding(start));

contract_rules!(tests CONTRACT);

fn start() -> Box<dyn Endpoint> {
    Box::new(Piped::start(&mut Command::new(std::env::var("FACE_LIVENESS_C").unwrap())))
}
