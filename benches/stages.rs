//! Each stage of a request on its own, as the engine runs it: `cargo bench --bench stages`.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use face_liveness::detection::{FaceDetector, largest};
use face_liveness::imaging::{Limits, Orientation, RgbImage, decode_base64, decode_scaled};
use face_liveness::inference::{Frame, LivenessModel};
use face_liveness::schema::{ImageType, ModelInputs, RequestDocument};
use face_liveness_benches::{SEARCH_SIDE, SIZES, Stack, body, photo};

fn stages(criterion: &mut Criterion) {
    let limits = Limits::default();
    let inputs = ModelInputs::single(ImageType::Rgb);
    let Stack { detector, model, .. } = Stack::load();
    for (width, height) in SIZES {
        let size = format!("{width}x{height}");
        let jpeg = photo(width, height);
        let body = body(&jpeg);
        let select = || RequestDocument::parse(&body).unwrap().select(&inputs).unwrap();
        let images = select();
        let decode = || decode_scaled(&jpeg, &limits, false, SEARCH_SIDE).unwrap();
        let image = decode().image;
        let face = largest(&detector.detect(image.view()).unwrap()).unwrap().bounding_box;
        let frame = Frame::new(image.view(), face);

        let mut group = criterion.benchmark_group("stages");
        group.sample_size(30);
        let mut bench = |stage: &str, run: &mut dyn FnMut()| {
            group.bench_function(BenchmarkId::new(stage, &size), |bencher| bencher.iter(&mut *run));
        };
        bench("1 parse", &mut || drop(select()));
        bench("2 base64", &mut || drop(decode_base64(images[0].data.as_str()).unwrap()));
        bench("3 decode", &mut || drop(decode()));
        bench("4 orientation", &mut || {
            let (width, height) = (image.width(), image.height());
            let copy = RgbImage::new(width, height, image.pixels().to_vec()).unwrap();
            drop(Orientation::new(6).unwrap().apply(copy));
        });
        bench("5 detection", &mut || drop(detector.detect(image.view()).unwrap()));
        bench("6 inference", &mut || assert!(model.spoof_score(&[frame]).unwrap() <= 1.0));
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
