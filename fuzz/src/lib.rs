//! The fuzz targets: each function takes arbitrary bytes, and panics if an invariant fails.
//!
//! `cargo fuzz run TARGET` drives a function with libFuzzer,
//! `cargo run --release --bin TARGET FILE…` runs it on files, and `cargo test` runs it on the files
//! in `regressions/TARGET`.
#![allow(clippy::expect_used, clippy::unwrap_used)]

pub mod jpeg_scaled;

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use face_liveness::detection::{BoundingBox, HeatmapDetector, HeatmapDetectorParams};
use face_liveness::imaging::{ImageView, Limits, Orientation, ScaledImage, decode_scaled};
use face_liveness::inference::Crop;
use face_liveness::network::{Network, PlanesMut};
use face_liveness::{Engine, Response};
use face_liveness_models::{CropInput, face_detector_v1, rgb_single_v1, rgb_single_v2};

/// Small limits, for many inputs per second. libFuzzer's `-malloc_limit_mb` is set slightly above.
const LIMITS: Limits = Limits::new()
    .with_max_pixels(1_000_000)
    .with_max_memory(64 << 20)
    .with_max_scan_pixels(20_000_000);

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    // Without the second pass, which takes most of the time if there is no face.
    let mut params = HeatmapDetectorParams::default();
    params.pass_sizes.truncate(1);
    let bundle = face_detector_v1().expect("the built-in weights");
    let detector = HeatmapDetector::with_params(&bundle, params).expect("the built-in detector");
    let limits = face_liveness::Limits::default().with_image(LIMITS);
    Engine::builder().detector(detector).limits(limits).build().expect("an engine")
});

/// Every body gets a response with a score from 0 to 1, or an error of the contract, and always the
/// same one.
pub fn detect_json(body: &[u8]) {
    let answer = ENGINE.detect_json(body);
    if answer.status == 200 {
        let response: Response = serde_json::from_slice(&answer.body).expect("a response");
        assert!((0.0..=1.0).contains(&response.spoof_score));
        assert!(response.position.width >= 32 && response.position.height >= 32);
        assert_eq!(answer, ENGINE.detect_json(body));
    } else {
        let error: serde_json::Value = serde_json::from_slice(&answer.body).expect("an error");
        let code = error["error"]["code"].as_u64();
        assert_eq!(answer.status, 400);
        assert!([110, 111, 112, 113, 116, 215, 219, 223].map(Some).contains(&code), "{code:?}");
    }
}

/// Every file becomes an image within the limits, or an error. The first byte selects orientation
/// and scale.
pub fn decode(data: &[u8]) {
    let [options, file @ ..] = data else { return };
    let auto_rotate = options & 1 == 1;
    let longer_side = [u32::MAX, 800, 96, 1][usize::from(options >> 1) % 4];
    let decoded = decode_scaled(file, &LIMITS, auto_rotate, longer_side);
    if let Ok(ScaledImage { image, full_width, full_height, .. }) = decoded {
        assert!(u64::from(full_width) * u64::from(full_height) <= LIMITS.max_pixels);
        assert!(image.width() <= full_width && image.height() <= full_height);
        assert_eq!(
            image.pixels().len() as u64,
            3 * u64::from(image.width()) * u64::from(image.height())
        );
    }
}

/// Every Exif block, in each container format, and every file as a container, has an orientation.
pub fn exif(data: &[u8]) {
    Orientation::from_exif(data);
    let length = data.len() as u32;
    let jpeg = [
        b"\xff\xd8\xff\xe1".as_slice(),
        &((length + 8).min(0xffff) as u16).to_be_bytes(),
        b"Exif\0\0",
        data,
        b"\xff\xd9",
    ];
    let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &length.to_be_bytes(), b"eXIf", data, b"\0\0\0\0"];
    let webp = [
        b"RIFF".as_slice(),
        &(length + 30).to_le_bytes(),
        b"WEBPVP8X\x0a\0\0\0\x08\0\0\0\x0f\0\0\x0f\0\0EXIF",
        &length.to_le_bytes(),
        data,
        b"\0",
    ];
    let profile = |kind: &[u8; 4]| {
        let text = [b"Raw profile type exif\0".as_slice(), data].concat();
        let length = (text.len() as u32).to_be_bytes();
        [b"\x89PNG\r\n\x1a\n".as_slice(), &length, kind, &text, b"\0\0\0\0"].concat()
    };
    let profiles = [profile(b"tEXt"), profile(b"zTXt")];
    for file in [jpeg.concat(), png.concat(), webp.concat()].into_iter().chain(profiles) {
        let orientation = Orientation::from_exif(&file);
        assert!((1..=8).contains(&orientation.value()));
    }
}

/// An image of at most 256 × 256 pixels, and a box of arbitrary floats.
#[derive(Arbitrary)]
struct Marked<'a> {
    sides: [u8; 2],
    face: [f32; 4],
    colours: &'a [u8],
}

/// The inputs of the built-in liveness networks.
static INPUTS: LazyLock<Vec<CropInput>> = LazyLock::new(|| {
    let models = [rgb_single_v2(), rgb_single_v1()];
    let networks = models.map(|model| model.expect("the built-in weights").networks);
    networks.iter().flat_map(|networks| networks.values().map(|file| file.input)).collect()
});

/// For every box, the crop lies within the image and yields valid samples.
pub fn crop(data: &[u8]) {
    let Ok(marked) = Marked::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let [width, height] = marked.sides.map(|side| u32::from(side) + 1);
    let colours = if marked.colours.is_empty() { &[128] } else { marked.colours };
    let pixels: Vec<u8> =
        colours.iter().copied().cycle().take((width * height * 3) as usize).collect();
    let image = ImageView::new(width, height, &pixels).expect("the number of pixels matches");
    let [left, top, box_width, box_height] = marked.face;
    let face = BoundingBox { left, top, width: box_width, height: box_height };
    for scale in [1.0, 1.5, 2.7, 4.0] {
        let crop = Crop::around(face, scale, width, height);
        assert!(crop.width >= 1 && crop.left + crop.width <= width, "{crop:?}");
        assert!(crop.height >= 1 && crop.top + crop.height <= height, "{crop:?}");
    }
    let is_sample = |value: &f32| (0.0..=255.0).contains(value);
    for &input in &*INPUTS {
        let side = input.side as usize;
        let mut values = vec![f32::NAN; 3 * side * side];
        let mut planes = PlanesMut::new([3, side, side], &mut values).expect("three planes");
        Crop::around(face, input.crop_scale, width, height)
            .write(image, &mut planes, input.resize, input.channels)
            .expect("a crop");
        assert!(values.iter().all(is_sample));
    }
}

/// Every file is rejected, or loads as a network that runs or returns an error.
pub fn load_onnx(data: &[u8]) {
    if let Ok(network) = Network::from_onnx(data, [3, 8, 8]) {
        let _ = network.run(|mut planes| planes.values_mut().fill(0.5));
    }
}

/// Aborts on a panic in our code. Panics of decoders are caught, and allowed.
pub fn abort_on_our_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let file = panic.location().map_or("", |location| location.file());
        let theirs = file.contains("/registry/")
            || file.starts_with("/rustc/")
            || file.contains("/rustlib/");
        if !theirs {
            eprintln!("{panic}");
            std::process::abort();
        }
    }));
}

/// The entry point of a target.
#[macro_export]
macro_rules! target {
    ($function:path) => {
        #[cfg(fuzzing)]
        ::libfuzzer_sys::fuzz_target!(
            init: $crate::abort_on_our_panic(),
            |data: &[u8]| $function(data)
        );

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            std::env::args_os().skip(1).try_for_each(|path| Ok($function(&std::fs::read(path)?)))
        }
    };
}
