//! The whole request, from the bytes of the body to those of the answer.
//!
//!     cargo bench --bench request
//!
//! `FACE_LIVENESS_BODIES=DIR` measures the bodies `DIR/*.json` instead of the generated ones.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use face_liveness::Engine;
use face_liveness_benches::{SIZES, body, photo};

fn bodies() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = std::env::var_os("FACE_LIVENESS_BODIES") else {
        return SIZES
            .map(|(width, height)| (format!("{width}x{height}"), body(&photo(width, height))))
            .into();
    };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut bodies: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                std::fs::read(&path).unwrap(),
            )
        })
        .collect();
    bodies.sort();
    bodies
}

fn request(criterion: &mut Criterion) {
    let engine = Engine::builder().build().unwrap();
    let mut group = criterion.benchmark_group("request");
    for (name, body) in bodies() {
        assert_eq!(engine.detect_json(&body).status, 200, "{name}");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.sample_size(30);
        group.bench_function(name, |bencher| bencher.iter(|| engine.detect_json(&body)));
    }
}

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.sample_size(10);
    group.bench_function("engine", |bencher| bencher.iter(|| Engine::builder().build().unwrap()));
}

criterion_group!(benches, request, start);
criterion_main!(benches);
