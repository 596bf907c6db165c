//! Compares the public API of crates with files under `docs/api`: `.ci/api` runs it.
//!
//! ```sh
//! public_api [--write] SNAPSHOTS RUSTDOC_JSON...
//! ```

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use public_api::Builder;

/// Crates whose types a signature may name, besides the crates that are compared. A new version of
/// any other crate is then never a breaking change of ours. `schemars` is there for the feature
/// `json-schema` only.
const ALLOWED: [&str; 6] = ["alloc", "core", "schemars", "serde", "serde_core", "std"];

/// Automatic traits that say nothing to a caller. `Send` and `Sync` do, and stay.
const IGNORED_TRAITS: [&str; 5] = ["Freeze", "RefUnwindSafe", "Unpin", "UnsafeUnpin", "UnwindSafe"];

/// As in `pub fn u16::from(ErrorCode) -> Self`.
const PRIMITIVES: [&str; 7] = ["bool", "f32", "f64", "i64", "u16", "u64", "usize"];

fn main() -> ExitCode {
    let mut arguments: Vec<_> = env::args().skip(1).collect();
    let write = arguments.first().is_some_and(|argument| argument == "--write");
    let paths = arguments.split_off(usize::from(write));
    let [snapshots, inputs @ ..] = &paths[..] else { panic!("no folder of snapshots") };
    let own: Vec<_> = inputs.iter().map(|input| crate_name(input)).collect();

    let mut findings = 0;
    for (input, name) in inputs.iter().zip(&own) {
        let api = public_api(input);
        for line in &api {
            for root in roots(line).filter(|root| !ALLOWED.contains(root) && !own.contains(root)) {
                println!("{name}: a type of `{root}` in the public API: {line}");
                findings += 1;
            }
        }
        let snapshot = Path::new(snapshots).join(name).with_extension("txt");
        if write {
            fs::write(&snapshot, api.join("\n") + "\n").expect("the snapshot is written");
        } else {
            findings += differences(&fs::read_to_string(&snapshot).unwrap_or_default(), &api);
        }
    }
    println!("{findings} findings in the public API of {} crates", own.len());
    ExitCode::from(u8::from(findings > 0))
}

/// The name in `target/doc/NAME.json`.
fn crate_name(input: &str) -> &str {
    Path::new(input).file_stem().and_then(|name| name.to_str()).expect("the path of a file")
}

/// A line for each public item, sorted.
fn public_api(input: &str) -> Vec<String> {
    let api = Builder::from_rustdoc_json(input).omit_blanket_impls(true).build();
    let api = api.unwrap_or_else(|error| panic!("{input}: {error}"));
    let lines = api.items().map(ToString::to_string);
    lines.filter(|line| !is_ignored(line)).collect()
}

fn is_ignored(line: &str) -> bool {
    IGNORED_TRAITS.iter().any(|name| {
        let path = format!("::{name} for ");
        line.starts_with("impl") && line.contains(&path)
    })
}

/// The crates that the paths in a line begin with.
fn roots(line: &str) -> impl Iterator<Item = &str> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    line.split(move |c| !is_path(c))
        .filter_map(|path| path.split_once("::"))
        .map(|(root, _)| root)
        .filter(|root| root.starts_with(|c: char| c.is_lowercase() || c == '_'))
        .filter(|root| !PRIMITIVES.contains(root))
}

/// Prints the lines that were removed and added, and counts them.
fn differences(snapshot: &str, api: &[String]) -> usize {
    let old: BTreeSet<_> = snapshot.lines().collect();
    let new: BTreeSet<_> = api.iter().map(String::as_str).collect();
    let (removed, added) = (old.difference(&new), new.difference(&old));
    removed.clone().for_each(|line| println!("- {line}"));
    added.clone().for_each(|line| println!("+ {line}"));
    removed.count() + added.count()
}
