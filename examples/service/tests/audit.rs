//! The audit log, the program that checks its events again (`AUDIT_EVENTS` of them, 6 unless set),
//! and the one that compares two weeks of them.
#![allow(missing_docs, clippy::unwrap_used)]

mod running;

use std::fs;
use std::path::Path;
use std::process::Command;

use face_liveness_test_support::{PORTRAIT, base64, image, photo, request};
use jpeg_encoder::{ColorType, Encoder};
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

#[test]
fn drift_reads_the_events_of_the_server() {
    const WEEK: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let events = path("events.jsonl");
    let server = ServerProcess::start(&["--log", "off", "--audit", events.to_str().unwrap()]);
    // In the second week, pictures have another size.
    let cropped = PORTRAIT.crop_imm(60, 0, 400, 480).into_rgb8();
    let mut second = Vec::new();
    Encoder::new(&mut second, 90).encode(&cropped, 400, 480, ColorType::Rgb).unwrap();
    let bodies = [photo("astronaut.jpg"), second].map(|file| request([image(0, base64(&file))]));
    for (week, body) in bodies.iter().enumerate() {
        for index in 0..WEEK {
            assert_eq!(post(&server, &format!("{week}-{index}"), body), 200);
        }
    }
    while fs::read_to_string(&events).unwrap().lines().count() < 2 * WEEK {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let log = fs::read_to_string(&events).unwrap();
    let lines: Vec<_> = log.lines().collect();
    let (first, second) = lines.split_at(WEEK);
    fs::write(path("before"), first.join("\n")).unwrap();
    // The server was killed in the middle of a line.
    fs::write(path("after"), format!("{}\n{}", second.join("\n"), &first[0][..90])).unwrap();
    fs::write(path("empty"), "").unwrap();

    let drift = |before: &str, after: &str| {
        let mut command = Command::new(example("drift"));
        let output = command.args([path(before), path(after), "--report".into(), path("report")]);
        let output = output.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (status, text) = drift("before", "after");
    assert_eq!(status, Some(1), "{text}");
    for words in [
        format!("after: {WEEK} events"),
        "broken lines: 1\n".into(),
        "image size 400 × 480 ".into(),
        "image size 512 × 512 ".into(),
        "scores of rgb-single-v2 ".into(),
    ] {
        assert!(text.contains(&words), "{words}\n{text}");
    }
    assert!(path("report/index.html").exists() && path("report/figures.json").exists());
    let (status, text) = drift("before", "before");
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = drift("before", "empty");
    assert!(status == Some(2) && text.contains("it has no event"), "{text}");
}
