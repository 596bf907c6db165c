//! The differential oracle of the scaled JPEG decoder, on third-party corpora.
//!
//!     FACE_LIVENESS_DATA=DIR cargo test --release --test corpora -- --ignored
//!
//! CONTRIBUTING.md says where the files of `DIR` come from.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use face_liveness_fuzz::jpeg_scaled::{
    Difference, PHOTO_BOUND, decode_full, decode_scaled, difference,
};
use face_liveness_jpeg_scaled::Scale;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn every_jpeg_scaled_down_is_its_full_decode_scaled_down() {
    let root = std::env::var_os("FACE_LIVENESS_DATA").expect("the folder of corpora");
    let (mut compared, mut largest) = (0, Difference { mean: [0.0; 3], max: [0.0; 3] });
    let folders = ["decoders", "exif", "faces"].map(|name| Path::new(&root).join(name));
    for path in folders.iter().flat_map(|folder| files(folder)) {
        let file = std::fs::read(&path).unwrap();
        for &scale in Scale::ALL {
            let Some(scaled) = decode_scaled(&file, scale) else { continue };
            // Files that only one decoder accepts are damaged.
            let Some(full) = decode_full(&file) else { continue };
            let Some(difference) = difference(&full, &scaled) else { continue };
            let message = format!("{} {scale:?}: {difference:?}", path.display());
            assert!(difference.is_within(&PHOTO_BOUND), "{message}");
            for channel in 0..3 {
                largest.mean[channel] = largest.mean[channel].max(difference.mean[channel]);
                largest.max[channel] = largest.max[channel].max(difference.max[channel]);
            }
            compared += 1;
        }
    }
    println!("{compared} decodes, largest {largest:?}");
    assert!(compared >= 800, "{compared} decodes");
}
