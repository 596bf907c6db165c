//! Checks a decision again: `cargo run --release --example replay_audit -- EVENTS ID PHOTO…`.
//!
//! Takes the event with that id from the audit log of the server, and scores the photos that the
//! customer sent. This build and these photos must give the answer of the event, to the bit.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::process::ExitCode;

use face_liveness::{Engine, ImageSource, Response};
use serde::Deserialize;
use serde_json::Value;

/// The part of an event that is checked.
#[derive(Deserialize)]
struct Event {
    id: String,
    time: String,
    response: Option<Response>,
}

fn main() -> ExitCode {
    match run() {
        Ok(differences) if differences.is_empty() => ExitCode::SUCCESS,
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

fn run() -> Result<Vec<String>, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(events), Some(id)) = (arguments.next(), arguments.next()) else {
        return Err("usage: replay_audit EVENTS ID PHOTO…".into());
    };
    let log = std::fs::read_to_string(events)?;
    let event = find(&log, &id)?.ok_or_else(|| format!("there is no event {id}"))?;
    let recorded = event.response.ok_or("the event has no score")?;
    let photos: Vec<_> = arguments.map(std::fs::read).collect::<Result<_, _>>()?;
    let differences = differences(&recorded, &photos)?;
    let verdict = if differences.is_empty() { "the same" } else { "another" };
    println!("{}: this build and these photos give {verdict} answer", event.time);
    Ok(differences)
}

fn find(log: &str, id: &str) -> Result<Option<Event>, serde_json::Error> {
    for line in log.lines() {
        let event: Event = serde_json::from_str(line)?;
        if event.id == id {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

/// What differs between a recorded answer and that of this build.
fn differences(recorded: &Response, photos: &[Vec<u8>]) -> Result<Vec<String>, Box<dyn Error>> {
    let provenance = recorded.provenance.as_ref().ok_or("the event has no provenance")?;
    if provenance.images.len() != photos.len() {
        let used = provenance.images.len();
        return Err(format!("{used} images were used, and {} given", photos.len()).into());
    }
    let engine =
        Engine::builder().search_rotations(provenance.search_rotations).provenance(true).build()?;
    let images: Vec<_> = photos
        .iter()
        .zip(&provenance.images)
        .map(|(bytes, image)| ImageSource::Encoded { bytes, auto_rotate: image.auto_rotate })
        .collect();
    let replayed = engine.detect_images(&images, Some(&recorded.model))?.response;

    let mut found = Vec::new();
    compare("", &as_sent(recorded)?, &as_sent(&replayed)?, &mut found);
    Ok(found)
}

/// The JSON of an answer, whose numbers have the digits that a client reads.
fn as_sent(response: &Response) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(&serde_json::to_vec(response)?)
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
