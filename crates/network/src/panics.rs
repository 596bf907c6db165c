//! Panics of tract, as errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::prelude::*;

/// Turns a panic into an error. tract panics on some malformed graphs (sonos/tract#2390 and
/// others), when it loads them or when it runs them.
pub(crate) fn catch_panics<T>(call: impl FnOnce() -> TractResult<T>) -> TractResult<T> {
    let panicked = |_| Err(TractError::msg("the network caused a panic"));
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(panicked)
}
