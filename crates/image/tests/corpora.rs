//! The WebP guard on third-party corpora.
//!
//!     FACE_LIVENESS_DATA=DIR cargo test --release --test corpora -- --ignored
//!
//! CONTRIBUTING.md says where the files of `DIR` come from.
#![cfg(feature = "webp")]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use face_liveness_image::{Limits, decode};
use support::decode_unguarded;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn the_guard_refuses_no_webp_that_image_webp_decodes() {
    let root = std::env::var_os("FACE_LIVENESS_DATA").expect("the folder of corpora");
    let mut decoded = 0;
    for path in ["decoders", "exif"].iter().flat_map(|name| files(&Path::new(&root).join(name))) {
        let file = std::fs::read(&path).unwrap();
        if !file.get(8..).is_some_and(|rest| rest.starts_with(b"WEBP")) {
            continue;
        }
        if decode_unguarded(&file).is_some() {
            assert!(decode(&file, &Limits::new(), false).is_ok(), "{}", path.display());
            decoded += 1;
        }
    }
    assert!(decoded >= 15, "{decoded} files");
}
