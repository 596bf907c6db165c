//! The networks alone: `cargo bench --bench networks`.
//!
//! `FACE_LIVENESS_PEERS=DIR` also measures two published networks of that folder, in tract:
//! `models/minifasnetv2_80.onnx` against the liveness networks, and
//! `models/yunet_n_640_640.onnx` at 320 × 320 against the face detector. Each pair also alternates,
//! so that other load slows both; the last lines are the ratios of the medians.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use face_liveness::detection::{HeatmapDetector, HeatmapDetectorParams};
use face_liveness::inference::RgbSingle;
use face_liveness::network::Network;
use face_liveness_benches::median;
use face_liveness_models::{CropInput, NetworkFile, face_detector_v1, rgb_single_v2};
use tract_onnx::prelude::*;

fn networks(criterion: &mut Criterion) {
    let (model, detector) = (rgb_single_v2().unwrap(), face_detector_v1().unwrap());
    let crop_network = |file: &NetworkFile<CropInput>| {
        let side = file.input.side as usize;
        Network::from_onnx(&file.onnx, [3, side, side]).unwrap()
    };
    let (fused, second): (Vec<_>, Vec<_>) =
        model.networks.iter().partition(|(role, _)| model.fusion.weights.contains_key(*role));
    let load = |files: Vec<(&String, _)>| -> Vec<_> {
        files.into_iter().map(|(_, file)| crop_network(file)).collect()
    };
    let (fused, second) = (load(fused), load(second));
    let [longer, shorter] =
        HeatmapDetectorParams::default().pass_sizes[0].map(|side| side as usize);
    let heatmap = Network::from_onnx(&detector.heatmap.onnx, [3, shorter, longer]).unwrap();
    let refiner = Network::from_onnx(&detector.refiner.onnx, [3, 66, 66]).unwrap();

    let run =
        |network: &Network| network.run(|mut planes| planes.values_mut().fill(100.0)).unwrap();
    let liveness = || fused.iter().map(run).collect::<Vec<_>>();
    // Where the first opinion is unsure.
    let reconsidered = || fused.iter().chain(&second).map(run).collect::<Vec<_>>();
    // A photo of one face: the refiner runs twice.
    let detect = || (run(&heatmap), run(&refiner), run(&refiner));

    let mut group = criterion.benchmark_group("networks");
    group.sample_size(50);
    group.bench_function("rgb-single-v2", |bencher| bencher.iter(liveness));
    group.bench_function("rgb-single-v2, unsure", |bencher| bencher.iter(reconsidered));
    group.bench_function("face-detector-v1", |bencher| bencher.iter(detect));
    let mut alternating = Vec::new();
    if let Some(peers) = std::env::var_os("FACE_LIVENESS_PEERS") {
        let models = Path::new(&peers).join("models");
        let minifasnet = AsPublished::load(&models.join("minifasnetv2_80.onnx"), 80).unwrap();
        let yunet = AsPublished::load(&models.join("yunet_n_640_640.onnx"), 320).unwrap();
        group.bench_function("MiniFASNetV2", |bencher| bencher.iter(|| minifasnet.run()));
        group.bench_function("YuNet at 320", |bencher| bencher.iter(|| yunet.run()));
        alternating.push((
            "rgb-single-v2 and MiniFASNetV2",
            medians_alternating(liveness, || minifasnet.run()),
        ));
        alternating.push((
            "rgb-single-v2, unsure, and MiniFASNetV2",
            medians_alternating(reconsidered, || minifasnet.run()),
        ));
        alternating.push((
            "face-detector-v1 and YuNet at 320",
            medians_alternating(detect, || yunet.run()),
        ));
    }
    group.sample_size(10);
    group.bench_function("load rgb-single-v2", |bencher| {
        bencher.iter(|| RgbSingle::new(&model).unwrap())
    });
    group.bench_function("load face-detector-v1", |bencher| {
        bencher.iter(|| HeatmapDetector::new(&detector).unwrap())
    });
    group.finish();
    for (both, (ours, theirs)) in alternating {
        println!(
            "{both}, alternating: {ours:.2} ms against {theirs:.2} ms, ratio {:.3}",
            ours / theirs
        );
    }
}

/// The median time of each in ms, over 300 alternations.
fn medians_alternating<A, B>(mut a: impl FnMut() -> A, mut b: impl FnMut() -> B) -> (f64, f64) {
    let (mut times_a, mut times_b) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        times_a.push(milliseconds(&mut a));
        times_b.push(milliseconds(&mut b));
    }
    (median(&times_a), median(&times_b))
}

fn milliseconds<A>(run: &mut impl FnMut() -> A) -> f64 {
    let start = Instant::now();
    std::hint::black_box(run());
    start.elapsed().as_secs_f64() * 1e3
}

struct AsPublished {
    plan: Arc<TypedSimplePlan>,
    side: usize,
}

impl AsPublished {
    fn load(file: &Path, side: usize) -> TractResult<Self> {
        let plan = tract_onnx::onnx()
            .with_ignore_output_shapes(true)
            .with_ignore_value_info(true)
            .model_for_path(file)?
            .with_input_fact(0, f32::fact([1, 3, side, side]).into())?
            .into_optimized()?
            .into_runnable()?;
        Ok(Self { plan, side })
    }

    fn run(&self) -> TVec<TValue> {
        let planes = Tensor::zero::<f32>(&[1, 3, self.side, self.side]).unwrap();
        self.plan.run(tvec!(planes.into_tvalue())).unwrap()
    }
}

criterion_group!(benches, networks);
criterion_main!(benches);
