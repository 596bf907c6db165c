//! Many requests, valid and invalid, on more threads than cores: every answer stays the same, and
//! the process's memory does not grow. 600 requests, or `SOAK_REQUESTS`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use face_liveness_test_support::*;
use image::{DynamicImage, ImageFormat, RgbImage};
use peak_alloc::PeakAlloc;
use serde_json::json;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const THREADS: usize = 4;
/// Megabytes that threads may keep in caches of their own.
const MAX_GROWTH: f32 = 2.0;

#[test]
fn answers_stay_the_same_and_memory_does_not_grow() {
    let requests = std::env::var("SOAK_REQUESTS").map_or(600, |number| number.parse().unwrap());
    let portrait = photo("astronaut.jpg");
    let small = encoded(&PORTRAIT.crop_imm(145, 30, 160, 160), ImageFormat::Png);
    let wall = encoded(
        &DynamicImage::ImageRgb8(RgbImage::from_pixel(99, 99, image::Rgb([90; 3]))),
        ImageFormat::WebP,
    );
    let gif = encoded(&PORTRAIT.crop_imm(145, 30, 160, 160), ImageFormat::Gif);
    let burst: Vec<_> = (0..2).map(|index| image(index, base64(&small))).collect();
    let one = |file: &[u8]| request([image(0, base64(file))]).to_string();
    let mut rotated = request([image(0, base64(&photo("exif_6.jpg")))]);
    rotated["autoRotate"] = json!(true);
    let bodies = [
        one(&portrait),
        one(&small),
        one(&gif),
        rotated.to_string(),
        json!({ "images": burst, "model": "rgb-burst-v2" }).to_string(),
        one(&wall),
        one(&portrait[..60_000]),
        one(b"no picture"),
        request([image(0, "no base64!")]).to_string(),
        request([image(1, base64(&small)), image(1, "")]).to_string(),
        "{}".to_owned(),
        one(&portrait).split_off(1),
    ];
    let expected: Vec<_> = bodies.iter().map(|body| ENGINE.detect_json(body.as_bytes())).collect();
    let responses = expected.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((responses, expected.len()), (5, 12));

    let run = |requests: usize| {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= requests {
                            return;
                        }
                        let which = number % bodies.len();
                        assert_eq!(
                            ENGINE.detect_json(bodies[which].as_bytes()),
                            expected[which],
                            "{number}"
                        );
                    }
                });
            }
        });
    };
    run(requests / 10);
    let (before, began) = (MEMORY.current_usage_as_mb(), Instant::now());
    run(requests);
    let growth = MEMORY.current_usage_as_mb() - before;
    println!(
        "{requests} requests on {THREADS} threads in {:.0?}: memory grew by {growth:.2} MB",
        began.elapsed()
    );
    assert!(growth < MAX_GROWTH, "{growth} MB");
}
