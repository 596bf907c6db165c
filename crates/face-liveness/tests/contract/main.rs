//! The wire contract, kept by the engine itself.
#![allow(missing_docs, clippy::unwrap_used)]

mod rules;
#[path = "../support/mod.rs"]
mod support;

use face_liveness::Engine;

type Served = Engine;

fn serve(engine: Engine) -> Served {
    engine
}
