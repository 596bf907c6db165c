//! Checks a decision again: `cargo run --release --example replay_audit -- EVENTS ID PHOTO…`.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use face_liveness::{Engine, ImageSource, Response};
use serde_json::Value;

/// Scores the photos of an event of the server's audit log again, and compares every value of the
/// answer.
///
/// Exit status: 0 if all are the same, 1 if one differs, 2 if they could not be compared.
#[derive(Parser)]
struct Arguments {
    /// The audit log.
    events: std::path::PathBuf,
    /// The `id` of the event, or its `time` where several have that id.
    id: String,
    /// The photos that the customer sent, in the order of their indexes.
    #[arg(required = true)]
    photos: Vec<std::path::PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(differences) if differences.is_empty() => {
            println!("the same: this build and these photos give the answer of the event");
            ExitCode::SUCCESS
        }
        Ok(differences) => {
            differences.iter().for_each(|difference| println!("{difference}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("replay_audit: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(Arguments { events, id, photos }: &Arguments) -> Result<Vec<String>, Box<dyn Error>> {
    let event = find(&read(events)?, id)?;
    let recorded = &event["response"];
    if recorded.is_null() {
        return Err(format!("the event has no score, but this: {}", event["error"]).into());
    }
    let photos: Vec<_> = photos.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let mut differences = Vec::new();
    match replay(recorded, &photos)? {
        Ok(replayed) => compare("", recorded, &replayed, &mut differences),
        Err(description) => differences.push(format!("no score now: {description}")),
    }
    Ok(differences)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The event with that id or time. Lines that are not events are skipped.
fn find(log: &[u8], id: &str) -> Result<Value, String> {
    let mut found = Vec::new();
    for (number, line) in log.split(|&byte| byte == b'\n').enumerate() {
        match serde_json::from_slice::<Value>(line) {
            Ok(event) if event["id"] == id || event["time"] == id => found.push(event),
            Ok(_) => {}
            Err(_) if line.is_empty() => {}
            Err(_) => eprintln!("replay_audit: line {} is not an event", number + 1),
        }
    }
    let times: Vec<_> = found.iter().map(|event| event["time"].to_string()).collect();
    match found.pop() {
        None => Err(format!("there is no event {id}")),
        Some(event) if found.is_empty() => Ok(event),
        Some(_) => Err(format!("several events have this id; name a time: {}", times.join(", "))),
    }
}

/// The answer of this build, as a client reads it, or the description of its error.
fn replay(recorded: &Value, photos: &[Vec<u8>]) -> Result<Result<Value, String>, Box<dyn Error>> {
    let Response { model, provenance, quality, .. } = serde_json::from_value(recorded.clone())?;
    let provenance = provenance.ok_or("the event has no provenance")?;
    let (used, given) = (provenance.images.len(), photos.len());
    if used != given {
        return Err(format!("photos given: {given}; used: {used}").into());
    }
    let engine = Engine::builder()
        .search_rotations(provenance.search_rotations)
        .provenance(true)
        .quality(quality.is_some())
        .build()?;
    let images: Vec<_> = photos
        .iter()
        .zip(&provenance.images)
        .map(|(bytes, image)| ImageSource::Encoded { bytes, auto_rotate: image.auto_rotate })
        .collect();
    match engine.detect_images(&images, Some(&model)) {
        // Through its text, so that numbers have the digits that were recorded.
        Ok(detection) => Ok(Ok(serde_json::from_slice(&serde_json::to_vec(&detection.response)?)?)),
        Err(error) => Ok(Err(error.description())),
    }
}

/// Adds a line for each value that differs.
fn compare(path: &str, recorded: &Value, replayed: &Value, found: &mut Vec<String>) {
    match (recorded, replayed) {
        (Value::Object(before), Value::Object(now)) => {
            for key in before.keys().chain(now.keys().filter(|key| !before.contains_key(*key))) {
                let [before, now] =
                    [before, now].map(|object| object.get(key).unwrap_or(&Value::Null));
                compare(&format!("{path}/{key}"), before, now, found);
            }
        }
        _ if recorded == replayed => {}
        _ => found.push(format!("{path}: recorded {recorded}, now {replayed}")),
    }
}
