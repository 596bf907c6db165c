//! Runs the rules of the wire contract against the installed wheel: `.ci/python` builds it first,
//! and names its interpreter in `FACE_LIVENESS_PYTHON`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use face_liveness_test_support::{
    Contract, ENGINE, Endpoint, Piped, base64, contract_rules, image, request,
};

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::of_binding(start));

contract_rules!(tests CONTRACT);

/// The answers are those of the engine to the bit.
#[test]
fn golden_photos_have_the_answers_of_the_engine() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["examples/photos", "crates/face-liveness/tests/golden"];
    let files = folders.iter().flat_map(|folder| crates.join(folder).read_dir().unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let is_photo = |path: &Path| path.extension().is_some_and(|end| end == "jpg" || end == "png");
    let mut count = 0;
    for path in files.filter(|path| is_photo(path)) {
        let photo = image(0, base64(&std::fs::read(&path).unwrap()));
        let body = request([photo]).to_string().into_bytes();
        assert_eq!(CONTRACT.detect_json(&body), ENGINE.detect_json(&body), "{}", path.display());
        count += 1;
    }
    assert!(count >= 15, "{count}");
}

fn start() -> Box<dyn Endpoint> {
    let python = std::env::var("FACE_LIVENESS_PYTHON").unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answer.py");
    Box::new(Piped::start(Command::new(python).arg(script)))
}
