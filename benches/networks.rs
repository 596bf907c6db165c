//! The networks alone, in one run: `cargo bench --bench networks`.
//!
//! `FACE_LIVENESS_PEERS=DIR` measures `models/minifasnetv2_80.onnx` of that folder beside them, as published: without
//! the rewriting of PRelu that [`Network`] does.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use face_liveness::detection::Network;
use face_liveness::inference::{Fusion, RgbSingle};
use face_liveness_models as weights;
use tract_onnx::prelude::*;

fn networks(criterion: &mut Criterion) {
    let [close_file, near_file] = [weights::RGB_SINGLE_V1_CLOSE.onnx, weights::RGB_SINGLE_V1_NEAR.onnx];
    let close = Network::from_onnx(close_file, [3, RgbSingle::CLOSE_SIDE, RgbSingle::CLOSE_SIDE]).unwrap();
    let near = Network::from_onnx(near_file, [3, RgbSingle::NEAR_SIDE, RgbSingle::NEAR_SIDE]).unwrap();

    let mut group = criterion.benchmark_group("networks");
    group.sample_size(50);
    group.bench_function("rgb-single-v1", |bencher| {
        bencher.iter(|| {
            let run = |network: &Network| network.run(|mut planes| planes.fill(100.0)).unwrap();
            (run(&close), run(&near))
        })
    });
    if let Some(peers) = std::env::var_os("FACE_LIVENESS_PEERS") {
        let file = Path::new(&peers).join("models/minifasnetv2_80.onnx");
        let published = as_published(&std::fs::read(file).unwrap()).unwrap();
        group.bench_function("MiniFASNetV2 as published", |bencher| {
            bencher.iter(|| {
                let planes = Tensor::zero::<f32>(&[1, 3, 80, 80]).unwrap();
                published.run(tvec!(planes.into_tvalue())).unwrap()
            })
        });
    }
    group.sample_size(10);
    group.bench_function("load rgb-single-v1", |bencher| {
        bencher.iter(|| {
            RgbSingle::new("", close_file, near_file, Fusion { close: 1.0, near: 1.0, intercept: 0.0 })
                .unwrap()
        })
    });
}

fn as_published(onnx: &[u8]) -> TractResult<Arc<TypedSimplePlan>> {
    tract_onnx::onnx()
        .with_ignore_output_shapes(true)
        .with_ignore_value_info(true)
        .model_for_read(&mut &onnx[..])?
        .with_input_fact(0, f32::fact([1, 3, 80, 80]).into())?
        .into_optimized()?
        .into_runnable()
}

criterion_group!(benches, networks);
criterion_main!(benches);
