//! The evaluator against the engine alone, both on every core: `cargo bench --bench throughput`.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use face_liveness::{Engine, ImageSource};
use face_liveness_evaluate::{dataset, scoring};
use rayon::prelude::*;

const IMAGES: usize = 64;

fn throughput(criterion: &mut Criterion) {
    let engine = Engine::builder().build().unwrap();
    let photo =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../photos/astronaut.jpg")).unwrap();
    let set = tempfile::tempdir().unwrap();
    std::fs::create_dir(set.path().join("live")).unwrap();
    for i in 0..IMAGES {
        std::fs::write(set.path().join(format!("live/{i}.jpg")), &photo).unwrap();
    }
    let models = ["rgb-single-v2".to_owned()];

    let mut group = criterion.benchmark_group("throughput");
    group.throughput(Throughput::Elements(IMAGES as u64)).sample_size(10);
    group.bench_function("engine", |bencher| {
        bencher.iter(|| {
            let photos = vec![&photo; IMAGES];
            let detect = |bytes: &&Vec<u8>| {
                engine
                    .detect_image(ImageSource::Encoded { bytes, auto_rotate: true })
                    .unwrap()
                    .response
                    .spoof_score
            };
            photos.par_iter().map(detect).sum::<f32>()
        });
    });
    group.bench_function("evaluator", |bencher| {
        bencher.iter(|| {
            let presentations = dataset::read(set.path()).unwrap();
            scoring::score(&engine, &models, &presentations, |_, _| ())
        });
    });
}

criterion_group!(benches, throughput);
criterion_main!(benches);
