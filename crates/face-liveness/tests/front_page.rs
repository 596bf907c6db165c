//! Both front pages open with the program of `examples/hello.rs`, and what they show is current.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;

#[test]
fn front_pages_open_with_the_hello_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path| std::fs::read_to_string(root.join(path)).unwrap();
    let hello = read("examples/hello.rs");
    let program = &hello[hello.find("use ").unwrap()..];
    for page in ["README.md", "crates/face-liveness/README.md"] {
        let page = read(page);
        let (_, code) = page.split_once("```rust\n").unwrap();
        assert!(code.starts_with(&format!("{program}```")), "{program}");
    }
}

#[test]
fn the_profile_to_copy_is_that_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path| std::fs::read_to_string(root.join(path)).unwrap();
    let (page, workspace) = (read("README.md"), read("../../Cargo.toml"));
    let (_, profile) = page.split_once("```toml\n").unwrap();
    let (profile, _) = profile.split_once("```").unwrap();
    assert!(profile.lines().all(|line| workspace.lines().any(|other| line == other)), "{profile}");
    // The figures of the page hold with all of them.
    let units = workspace.lines().filter(|line| line.ends_with(".codegen-units = 1"));
    assert!(units.clone().count() >= 10);
    units.for_each(|line| assert!(profile.contains(line), "{line}"));
}

#[test]
fn the_photo_of_the_documentation_is_that_of_the_examples() {
    let photo = "examples/photos/astronaut.jpg";
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let [packaged, original] = [root.join(photo), root.join("../..").join(photo)];
    assert!(std::fs::read(packaged).unwrap() == std::fs::read(original).unwrap());
}
