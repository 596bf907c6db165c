//! Third-party corpora. They are not part of the repository, so these tests are ignored by default.
//!
//!     FACE_LIVENESS_DATA=DIR cargo test --release --test corpora -- --ignored --nocapture
//!
//! `DIR` holds `exif/`, `json/`, `decoders/` and `faces/`. CONTRIBUTING.md says where they come
//! from.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use face_liveness::Error::NoFace;
use face_liveness::detection::{BoundingBox, Point};
use face_liveness::imaging::{Error, Limits, Orientation, RgbImage, decode, decode_scaled, resize};
use face_liveness::{Engine, ImageSource};
use face_liveness_test_support::*;
use peak_alloc::PeakAlloc;
use serde::Deserialize;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn data(folder: &str) -> PathBuf {
    let root = std::env::var_os("FACE_LIVENESS_DATA")
        .expect("FACE_LIVENESS_DATA names the folder of corpora");
    let folder = Path::new(&root).join(folder);
    assert!(folder.is_dir(), "{} is missing", folder.display());
    folder
}

/// Every file below a folder, sorted by path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn upright(path: &Path) -> RgbImage {
    decode(&std::fs::read(path).unwrap(), &Limits::default(), true).unwrap()
}

/// The mean difference of two images' samples, 0 to 255.
fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    let sum: u64 = a.pixels().iter().zip(b.pixels()).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
    sum as f64 / a.pixels().len() as f64
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn every_exif_variant_becomes_upright() {
    let mut compared = 0;
    for scene in ["Landscape", "Portrait"] {
        let of = |orientation: u32| {
            upright(&data("exif/recurser").join(format!("{scene}_{orientation}.jpg")))
        };
        let reference = of(1);
        for orientation in [0, 2, 3, 4, 5, 6, 7, 8] {
            let variant = of(orientation);
            assert_eq!(
                (variant.width(), variant.height()),
                (reference.width(), reference.height())
            );
            let difference = mean_difference(&variant, &reference);
            println!("{scene} {orientation}: mean difference {difference:.2}");
            // Each picture shows its own number and has its own JPEG artefacts. A wrong rotation
            // differs by 40 and more.
            assert!(difference < 4.0, "{scene} {orientation}: {difference}");
            compared += 1;
        }
    }
    for extension in ["jpg", "webp"] {
        let of = |orientation: u32| {
            upright(
                &data("exif/pillow").join(format!("hopper_orientation_{orientation}.{extension}")),
            )
        };
        let reference = of(2);
        for orientation in 3..=8 {
            let variant = of(orientation);
            assert_eq!(
                (variant.width(), variant.height()),
                (reference.width(), reference.height())
            );
            let difference = mean_difference(&variant, &reference);
            println!("hopper {orientation} {extension}: mean difference {difference:.2}");
            assert!(difference < 4.0, "hopper {orientation} {extension}: {difference}");
            compared += 1;
        }
    }
    assert_eq!(compared, 28);
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn invalid_json_is_112_on_body_and_valid_json_is_not() {
    let engine = Engine::builder().build().unwrap();
    let mut counts = BTreeMap::new();
    for file in
        files(&data("json")).iter().filter(|path| path.extension().is_some_and(|e| e == "json"))
    {
        let (code, _, description) = error(&engine, &std::fs::read(file).unwrap());
        let not_json = code == 112 && description.starts_with("body is not ");
        let name = name(file);
        match &name[..2] {
            "y_" => assert!(!not_json, "{name}: {description}"),
            "n_" => assert!(not_json, "{name}: {code} {description}"),
            _ => {}
        }
        *counts.entry(name[..2].to_owned()).or_insert(0) += 1;
    }
    println!("{counts:?}");
    assert!(counts["y_"] >= 90 && counts["n_"] >= 180, "{counts:?}");
}

/// Measures the memory of the process, so it needs `--test-threads 1`.
#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn every_decoder_file_gives_pixels_or_215_within_5_s_and_600_mb() {
    let (mut decoded, mut refused) = (0, 0);
    let (mut slowest, mut largest) = ((Duration::ZERO, String::new()), (0.0, String::new()));
    for file in files(&data("decoders")) {
        let bytes = std::fs::read(&file).unwrap();
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage_as_mb();
        let start = Instant::now();
        match decode(&bytes, &Limits::default(), true) {
            Ok(image) => {
                assert_eq!(
                    image.pixels().len(),
                    image.width() as usize * image.height() as usize * 3
                );
                for by in [2, 4, 8] {
                    let longer_side = image.width().max(image.height()) / by;
                    let copy = decode_scaled(&bytes, &Limits::default(), true, longer_side);
                    let copy = copy
                        .unwrap_or_else(|error| panic!("{} at 1/{by}: {error}", file.display()));
                    assert_eq!(
                        [copy.full_width, copy.full_height],
                        [image.width(), image.height()]
                    );
                }
                decoded += 1;
            }
            Err(Error::Base64 | Error::Shape { .. }) => {
                panic!("{}: not an error of a file", file.display())
            }
            Err(_) => refused += 1,
        }
        let (time, memory) = (start.elapsed(), MEMORY.peak_usage_as_mb() - before);
        assert!(time < Duration::from_secs(5), "{}: {time:?}", file.display());
        assert!(memory < 600.0, "{}: {memory} MB", file.display());
        if time > slowest.0 {
            slowest = (time, name(&file));
        }
        if memory > largest.0 {
            largest = (memory, name(&file));
        }
    }
    println!(
        "{decoded} decoded, {refused} refused; slowest {slowest:?}, most memory in MB {largest:?}"
    );
    assert!(decoded > 400 && refused > 50, "{decoded} decoded, {refused} refused");
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn pngsuite_images_equal_their_references() {
    let (mut equal, mut broken) = (0, 0);
    for file in files(&data("decoders/pngsuite/png")) {
        let decoded = decode(&std::fs::read(&file).unwrap(), &Limits::default(), false);
        let name = name(&file);
        // Names that begin with x mark corrupt files.
        if name.starts_with('x') {
            assert!(
                matches!(decoded, Err(Error::Corrupt { .. } | Error::UnsupportedFormat)),
                "{name}: {decoded:?}"
            );
            broken += 1;
            continue;
        }
        let reference = data("decoders/pngsuite/bmp").join(Path::new(&name).with_extension("bmp"));
        let reference = image::open(reference).unwrap().into_rgba8();
        let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
        // For 16 bits the references round colour down and greyscale to the nearest.
        let tolerance = u8::from(name.ends_with("16.png"));
        assert_eq!((decoded.width(), decoded.height()), reference.dimensions(), "{name}");
        for (pixel, reference) in decoded.pixels().chunks_exact(3).zip(reference.pixels()) {
            let [r, g, b, a] = reference.0.map(u32::from);
            let over_white =
                [r, g, b].map(|sample| ((sample * a + 255 * (255 - a) + 127) / 255) as u8);
            let near = |(&a, b): (&u8, u8)| a.abs_diff(b) <= tolerance;
            assert!(
                pixel.iter().zip(over_white).all(near),
                "{name}: {pixel:?} against {over_white:?}"
            );
        }
        equal += 1;
    }
    println!("{equal} equal, {broken} broken");
    assert_eq!((equal, broken), (161, 14));
}

#[derive(Deserialize)]
struct Labelled {
    face: [f32; 4],
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn the_largest_face_is_correct_on_98_percent_of_caltech() {
    let engine = Engine::builder().build().unwrap();
    let folder = data("faces/caltech");
    let labels = std::fs::read(folder.join("boxes.json")).unwrap();
    let labels: BTreeMap<String, Labelled> = serde_json::from_slice(&labels).unwrap();
    let (mut right, mut sum) = (0, 0.0);
    for (name, Labelled { face: [left, top, width, height] }) in &labels {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let detection =
            engine.detect_image(ImageSource::Encoded { bytes: &bytes, auto_rotate: false });
        let truth = BoundingBox { left: *left, top: *top, width: *width, height: *height };
        let iou =
            detection.as_ref().map_or(0.0, |detection| detection.face.bounding_box.iou(&truth));
        if iou < 0.5 {
            println!("{name}: IoU {iou:.2}");
        }
        right += u32::from(iou >= 0.5);
        sum += iou;
    }
    println!("{right} of {} right, mean IoU {:.3}", labels.len(), sum / labels.len() as f32);
    assert!(labels.len() >= 218 && f64::from(right) >= 0.98 * labels.len() as f64);
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn no_face_is_found_in_caltech_upside_down() {
    let engine = Engine::builder().build().unwrap();
    let upside_down = Orientation::new(3).unwrap();
    let photos =
        files(&data("faces/caltech")).into_iter().filter(|path| name(path) != "boxes.json");
    let mut counted = 0;
    for path in photos {
        let image = upside_down.apply(upright(&path));
        let found = engine.find_face(ImageSource::Rgb(image.view()));
        assert!(matches!(found, Err(NoFace { .. })), "{}: {found:?}", path.display());
        counted += 1;
    }
    assert!(counted >= 218, "{counted}");
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn faces_of_a_third_of_their_width_or_height_are_found_in_caltech() {
    let engine = Engine::builder().build().unwrap();
    let photos =
        files(&data("faces/caltech")).into_iter().filter(|path| name(path) != "boxes.json");
    let (mut counted, mut found) = (0, [0, 0]);
    for path in photos {
        let image = upright(&path);
        let [width, height] = [image.width(), image.height()];
        let sizes = [[width * 81 / 256, height], [width, height * 81 / 256]];
        for ([width, height], found) in sizes.into_iter().zip(&mut found) {
            let squeezed = resize(image.view(), width, height).unwrap();
            *found += u32::from(engine.find_face(ImageSource::Rgb(squeezed.view())).is_ok());
        }
        counted += 1;
    }
    println!("{found:?} of {counted}");
    assert!(counted >= 218 && found.iter().all(|&found| found * 10 >= counted * 9));
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn the_box_contains_the_nose_on_every_compreface_photo_of_one_face() {
    let engine = Engine::builder().build().unwrap();
    let folder = data("faces/compreface");
    let noses = std::fs::read(folder.join("noses.json")).unwrap();
    let noses: BTreeMap<String, Vec<[f32; 2]>> = serde_json::from_slice(&noses).unwrap();
    let mut photos = 0;
    for (name, noses) in &noses {
        let ([[x, y]], Ok(bytes)) = (&noses[..], std::fs::read(folder.join(name))) else {
            continue;
        };
        let source = ImageSource::Encoded { bytes: &bytes, auto_rotate: true };
        let detection =
            engine.detect_image(source).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (found, nose) = (detection.face.bounding_box, Point { x: *x, y: *y });
        println!("{name}: nose ({x}, {y}) in {found:?}");
        assert!(found.contains(nose), "{name}");
        photos += 1;
    }
    assert!(photos >= 8, "{photos} photos");
}

#[test]
#[ignore = "needs FACE_LIVENESS_DATA"]
fn a_large_photo_has_the_same_answer_at_full_and_reduced_size() {
    let engine = Engine::builder().build().unwrap();
    let mut large = 0;
    for path in files(&data("faces")) {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(full) = decode(&bytes, &Limits::default(), true) else { continue };
        if full.width() * full.height() < 2_500_000 {
            continue;
        }
        let fast = engine.detect_image(ImageSource::Encoded { bytes: &bytes, auto_rotate: true });
        let plain = engine.detect_image(ImageSource::Rgb(full.view()));
        let (Ok(fast), Ok(plain)) = (fast, plain) else { panic!("{}: a face", path.display()) };
        let iou = fast.face.bounding_box.iou(&plain.face.bounding_box);
        let [fast, plain] = [fast, plain].map(|detection| detection.response.spoof_score);
        println!("{}: IoU {iou:.2}, {fast:.3} and {plain:.3}", name(&path));
        assert!(iou > 0.8 && (fast - plain).abs() <= 0.03, "{}", path.display());
        large += 1;
    }
    assert!(large >= 4, "{large} photos");
}
