//! The engine, and the stages of a request on their own.
#![allow(clippy::unwrap_used)]

use cpu_time::ProcessTime;
use face_liveness::Engine;
use face_liveness::detection::{FaceDetector, HeatmapDetector, largest};
use face_liveness::imaging::{Limits, decode_base64, decode_scaled};
use face_liveness::inference::{Frame, LivenessModel, RgbSingle};
use face_liveness::schema::{ImageType, ModelInputs, RequestDocument};
use face_liveness_models::{face_detector_v1, rgb_single_v2};

/// The stages of a request.
pub const STAGES: [&str; 5] = ["parse", "base64", "decode", "detect", "liveness"];
/// The longer side to which the engine decodes a large photo before it searches for faces.
pub const SEARCH_SIDE: u32 = 800;
/// Multiplications for a photo of one face, from the model cards: detection, by the heatmap and two
/// passes of the refiner; and liveness.
pub const MULTIPLICATIONS: [f64; 2] = [74e6 + 2.0 * 6e6, 60e6];

/// The engine, and its parts loaded a second time.
pub struct Stack {
    /// The whole engine.
    pub engine: Engine,
    /// The engine's detector.
    pub detector: HeatmapDetector,
    /// The engine's model.
    pub model: RgbSingle,
}

impl Stack {
    /// Loads the engine and its parts.
    ///
    /// # Panics
    /// Never, with the shipped networks.
    pub fn load() -> Self {
        Self {
            engine: Engine::builder().build().unwrap(),
            detector: HeatmapDetector::new(&face_detector_v1().unwrap()).unwrap(),
            model: RgbSingle::new(&rgb_single_v2().unwrap()).unwrap(),
        }
    }

    /// Adds the CPU time of each stage of a request, in ms.
    ///
    /// # Panics
    /// If the engine would refuse the body.
    pub fn stages(&self, body: &[u8], times: &mut [Vec<f64>; STAGES.len()]) {
        let inputs = ModelInputs::single(ImageType::Rgb);
        let limits = Limits::default();
        let [parse, base64, decode, detect, liveness] = times;
        let images =
            timed(parse, || RequestDocument::parse(body).unwrap().select(&inputs).unwrap());
        let file = timed(base64, || decode_base64(images[0].data.as_str()).unwrap());
        let photo = timed(decode, || decode_scaled(&file, &limits, false, SEARCH_SIDE).unwrap());
        let image = photo.image.view();
        let faces = timed(detect, || self.detector.detect(image).unwrap());
        let face = largest(&faces).unwrap().bounding_box;
        timed(liveness, || self.model.spoof_score(&[Frame::new(image, face)]).unwrap());
    }

    /// The CPU time of Huffman decoding in ms, measured by decoding at an eighth of the size.
    ///
    /// # Panics
    /// If the engine would refuse the body.
    pub fn entropy_decoding(&self, body: &[u8]) -> f64 {
        let inputs = ModelInputs::single(ImageType::Rgb);
        let images = RequestDocument::parse(body).unwrap().select(&inputs).unwrap();
        let file = decode_base64(images[0].data.as_str()).unwrap();
        milliseconds(|| drop(decode_scaled(&file, &Limits::default(), false, 1).unwrap()))
    }
}

fn timed<T>(times: &mut Vec<f64>, run: impl FnOnce() -> T) -> T {
    let start = ProcessTime::now();
    let value = run();
    times.push(start.elapsed().as_secs_f64() * 1e3);
    value
}

/// The CPU time of the process in ms.
pub fn milliseconds(run: impl FnOnce()) -> f64 {
    let mut times = Vec::new();
    timed(&mut times, run);
    times[0]
}

/// The median; the upper one of an even number.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The GFLOP/s of tract's plain matrix product, in a shape that convolutions often have.
///
/// # Panics
/// Never: tract supports the operator.
pub fn gemm_gflops() -> f64 {
    use tract_onnx::prelude::*;
    const CHANNELS: usize = 256;
    const PLACES: usize = 48 * 48;
    let gemm = || -> TractResult<_> {
        let mut model = TypedModel::default();
        let input = model.add_source("b", f32::fact([CHANNELS, PLACES]))?;
        let matrix = model.add_const("a", Tensor::zero::<f32>(&[CHANNELS, CHANNELS])?)?;
        let product = tract_onnx::tract_core::ops::einsum::EinSum::new(
            "mk,kn->mn".parse()?,
            f32::datum_type(),
        );
        let output = model.wire_node("product", product, &[matrix, input])?;
        model.select_output_outlets(&output)?;
        model.into_optimized()?.into_runnable()
    };
    let gemm = gemm().unwrap();
    let input: TValue = Tensor::zero::<f32>(&[CHANNELS, PLACES]).unwrap().into();
    let times: Vec<_> =
        (0..50).map(|_| milliseconds(|| drop(gemm.run(tvec!(input.clone())).unwrap()))).collect();
    2.0 * (CHANNELS * CHANNELS * PLACES) as f64 / median(&times) / 1e6
}
