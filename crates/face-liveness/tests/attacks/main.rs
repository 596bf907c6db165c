//! Resource exhaustion: requests made to take as much memory or time as possible. Each has its own
//! bounds. `cargo test --release --test attacks -- --nocapture --test-threads 1` prints what each
//! takes, as the rows of the table in `docs/THREAT-MODEL.md`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod base64_text;
mod bmp;
mod burst;
mod exif;
mod gif;
mod jpeg;
mod json;
mod png;
mod rotation;
mod webp;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cpu_time::ProcessTime;
use face_liveness::Engine;
use face_liveness_test_support::*;
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Memory and processor time are measured for the whole process, so attacks run one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The most memory that any request takes besides its body: 300 MiB to decode a picture
/// (`Limits::max_memory`), or the picture and its rotated copies. `docs/SERVICE.md` and the
/// manifests in `docs/deploy` count on it.
const MAX_MEGABYTES: f32 = 330.0;

/// The time and memory that a request may take.
struct Bounds {
    /// The pixels that it may decode, in megapixels of 3 MB each.
    megapixels: f32,
    /// Memory at the peak besides the body and the decoded pixels.
    megabytes: f32,
    /// Processor time, of all threads: about ten times the usual time, so that only a denial of
    /// service fails.
    seconds: f64,
}

/// Sends a body, and checks the code of the answer (200 for a response), the time and the memory.
#[track_caller]
fn attack(what: &str, body: impl FnOnce() -> Vec<u8>, expected: u64, bounds: Bounds) {
    attack_on(&ENGINE, what, body, expected, bounds);
}

/// The same, for an engine with other settings.
#[track_caller]
fn attack_on(
    engine: &Engine,
    what: &str,
    body: impl FnOnce() -> Vec<u8>,
    expected: u64,
    bounds: Bounds,
) {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let body = body();
    assert!(body.len() <= engine.limits().max_body_bytes, "{} bytes", body.len());

    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let start = ProcessTime::now();
    let answer = engine.detect_json(&body);
    let time = start.elapsed();
    let total = (MEMORY.peak_usage() - before) as f32 / 1e6;
    let megabytes = (total - 3.0 * bounds.megapixels).max(0.0);

    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let code = answer["error"]["code"].as_u64().unwrap_or(200);
    let kilobytes = body.len() / 1_000;
    println!("| {what} | {kilobytes} KB | {code} | {time:.1?} | {megabytes:.0} MB |");
    assert_eq!(code, expected, "{what}: {answer}");
    assert!(megabytes <= bounds.megabytes, "{what}: {megabytes} MB");
    assert!(total <= MAX_MEGABYTES, "{what}: {total} MB");
    assert!(time <= Duration::from_secs_f64(bounds.seconds), "{what}: {time:?}");
}

/// A request for one file.
fn file(bytes: &[u8]) -> Vec<u8> {
    request([image(0, base64(bytes))]).to_string().into_bytes()
}

/// A request for one file, with `autoRotate`.
fn auto_rotated(bytes: &[u8]) -> Vec<u8> {
    json!({ "images": [image(0, base64(bytes))], "autoRotate": true }).to_string().into_bytes()
}

/// Bytes with some of them replaced.
fn patched(mut bytes: Vec<u8>, at: usize, patch: &[u8]) -> Vec<u8> {
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}
