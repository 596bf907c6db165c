//! The audit log, and the program that checks its events again: `AUDIT_EVENTS` of them, 6 unless
//! set.
#![allow(missing_docs, clippy::unwrap_used)]

mod running;

use std::fs;
use std::path::Path;
use std::process::Command;

use face_liveness_test_support::{base64, image, request};
use running::{ServerProcess, example};
use serde_json::{Value, json};

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../photos");

/// The exit status of `replay_audit`, and its output.
fn replay(events: &Path, id: &str, photo: &Path) -> (Option<i32>, String) {
    let output = Command::new(example("replay_audit")).arg(events).arg(id).arg(photo).output();
    let output = output.unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn post(server: &ServerProcess, id: &str, body: &Value) -> u16 {
    let request = ureq::post(format!("http://{}/v1/liveness", server.address));
    let request = request.config().http_status_as_error(false).build();
    let request = request.header("X-Request-Id", id).content_type("application/json");
    request.send(body.to_string()).unwrap().status().as_u16()
}

#[test]
fn each_event_can_be_replayed_and_an_altered_one_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let events = path("events.jsonl");
    let server = ServerProcess::start(&["--log", "off", "--audit", events.to_str().unwrap()]);
    let count = std::env::var("AUDIT_EVENTS").map_or(6, |count| count.parse().unwrap());
    let portrait = fs::read(Path::new(PHOTOS).join("astronaut.jpg")).unwrap();
    for index in 0..count {
        // A file of its own for each event: a comment after the start of the image.
        let comment = [b"\xff\xfe\x00\x0a", format!("{index:08}").as_bytes()].concat();
        let file = [&portrait[..2], &comment, &portrait[2..]].concat();
        fs::write(path(&index.to_string()), &file).unwrap();
        let mut body = request([image(0, base64(&file))]);
        body["autoRotate"] = json!(index % 2 == 0);
        assert_eq!(post(&server, &index.to_string(), &body), 200);
    }
    let invalid = request([image(0, "bm90IGFuIGltYWdl")]);
    assert_eq!(post(&server, "invalid", &invalid), 400);

    // The answer may come before the event.
    while fs::read_to_string(&events).unwrap().lines().count() <= count {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let log = fs::read_to_string(&events).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), count + 1);
    for (index, event) in lines[..count].iter().enumerate() {
        assert_eq!((&event["client"], &event["status"]), (&json!("anyone"), &json!(200)));
        let (status, output) = replay(&events, &index.to_string(), &path(&index.to_string()));
        assert_eq!(status, Some(0), "{output}");
    }
    let refused = &lines[count];
    assert_eq!((&refused["status"], &refused["error"]["code"]), (&json!(400), &json!(215)));
    let text = base64(&portrait);
    for start in (0..text.len() - 16).step_by(64) {
        assert!(!log.contains(&text[start..start + 16]), "image data in the audit log");
    }

    let (status, _) = replay(&events, "invalid", &path("0"));
    assert_eq!(status, Some(2), "an error cannot be replayed");

    // Another photo, half a line before the event, and an altered score.
    let (status, output) = replay(&events, "0", &path("1"));
    assert_eq!(status, Some(1));
    assert!(output.contains("/provenance/images: recorded"), "{output}");
    fs::write(path("broken"), format!("{{\"id\": \"0\n\n{log}")).unwrap();
    assert_eq!(replay(&path("broken"), "0", &path("0")).0, Some(0));
    let score = lines[0]["response"]["spoofScore"].to_string();
    fs::write(path("altered"), log.replacen(&score, "0.25", 1)).unwrap();
    let (status, output) = replay(&path("altered"), "0", &path("0"));
    assert_eq!(status, Some(1));
    assert!(output.contains(&format!("/spoofScore: recorded 0.25, now {score}")), "{output}");
}
