//! The networks alone, in one run: `cargo bench --bench networks`.
//!
//! `FACE_LIVENESS_PEERS=DIR` measures `models/minifasnetv2_80.onnx` of that folder beside them, as published: without
//! the rewriting of PRelu that [`Network`] does. Then both are also run by turns, so that whatever else the machine does
//! slows both, and the last line is the ratio of the medians.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use face_liveness::detection::Network;
use face_liveness::inference::{Fusion, RgbSingle};
use face_liveness_models as weights;
use tract_onnx::prelude::*;

fn networks(criterion: &mut Criterion) {
    let [close_file, near_file] = [weights::RGB_SINGLE_V1_CLOSE.onnx, weights::RGB_SINGLE_V1_NEAR.onnx];
    let close = Network::from_onnx(close_file, [3, RgbSingle::CLOSE_SIDE, RgbSingle::CLOSE_SIDE]).unwrap();
    let near = Network::from_onnx(near_file, [3, RgbSingle::NEAR_SIDE, RgbSingle::NEAR_SIDE]).unwrap();

    let run = |network: &Network| network.run(|mut planes| planes.fill(100.0)).unwrap();
    let ours = || (run(&close), run(&near));
    let mut by_turns = None;

    let mut group = criterion.benchmark_group("networks");
    group.sample_size(50);
    group.bench_function("rgb-single-v1", |bencher| bencher.iter(ours));
    if let Some(peers) = std::env::var_os("FACE_LIVENESS_PEERS") {
        let file = Path::new(&peers).join("models/minifasnetv2_80.onnx");
        let published = as_published(&std::fs::read(file).unwrap()).unwrap();
        let theirs = || {
            let planes = Tensor::zero::<f32>(&[1, 3, 80, 80]).unwrap();
            published.run(tvec!(planes.into_tvalue())).unwrap()
        };
        group.bench_function("MiniFASNetV2 as published", |bencher| bencher.iter(theirs));
        by_turns = Some(medians_by_turns(ours, theirs));
    }
    group.sample_size(10);
    group.bench_function("load rgb-single-v1", |bencher| {
        bencher.iter(|| {
            RgbSingle::new("", close_file, near_file, Fusion { close: 1.0, near: 1.0, intercept: 0.0 })
                .unwrap()
        })
    });
    group.finish();
    if let Some((ours, theirs)) = by_turns {
        println!("by turns: {ours:.2} ms against {theirs:.2} ms, ratio {:.3}", ours / theirs);
    }
}

/// The median time of each in ms, of 300 turns.
fn medians_by_turns<A, B>(mut a: impl FnMut() -> A, mut b: impl FnMut() -> B) -> (f64, f64) {
    let (mut times_a, mut times_b) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        times_a.push(milliseconds(&mut a));
        times_b.push(milliseconds(&mut b));
    }
    (median(times_a), median(times_b))
}

fn milliseconds<A>(run: &mut impl FnMut() -> A) -> f64 {
    let start = Instant::now();
    std::hint::black_box(run());
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
