//! Models that take several frames: one of the caller's own, and `rgb-burst-v2`.
#![allow(missing_docs, clippy::unwrap_used)]

use face_liveness::inference::{Error, Frame, LivenessModel};
use face_liveness::schema::{ModelInputs, Warning};
use face_liveness::{Engine, ImageSource, ImageType};
use face_liveness_test_support::*;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::json;

/// Scores by which frames it is given: a decimal of one digit for each frame, 1 for the portrait
/// and 2 for [`other_portrait`].
struct Burst(ModelInputs);

impl LivenessModel for Burst {
    fn name(&self) -> &str {
        "burst"
    }

    fn inputs(&self) -> &ModelInputs {
        &self.0
    }

    fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, Error> {
        let digit = |frame: &Frame<'_>| if frame.image.width() == 512 { "1" } else { "2" };
        let digits: String = frames.iter().map(digit).collect();
        Ok(format!("0.{digits}").parse().unwrap())
    }
}

fn engine() -> Engine {
    let inputs = ModelInputs::burst(ImageType::Rgb, 2..=4);
    Engine::builder().model(Burst(inputs)).default_model("burst").build().unwrap()
}

fn other_portrait() -> String {
    base64(&encoded(&PORTRAIT.crop_imm(50, 0, 400, 400), ImageFormat::Png))
}

#[test]
fn frames_arrive_in_the_order_of_their_indexes() {
    let engine = engine();
    let (a, b) = (image(0, PORTRAIT_JPEG.as_str()), image(1, other_portrait()));
    let answer = response(&engine, &request([a.clone(), b.clone()]));
    assert_eq!((answer.spoof_score, answer.model.as_str()), (0.12, "burst"));
    assert_eq!(response(&engine, &request([b, a])), answer);
    // The position is that of the face in the image with index 0, as for a single image.
    let single = response(
        &engine,
        &json!({ "images": [image(0, PORTRAIT_JPEG.as_str())], "model": "rgb-single-v2" }),
    );
    assert_eq!(single.position, answer.position);
}

#[test]
fn a_later_frame_without_a_face_is_omitted_and_the_first_needs_one() {
    let engine = engine();
    let wall =
        || base64(&encoded(&DynamicImage::ImageRgb8(RgbImage::new(64, 64)), ImageFormat::Png));
    let frames = [image(0, PORTRAIT_JPEG.as_str()), image(1, wall()), image(2, other_portrait())];
    assert_eq!(response(&engine, &request(frames)).spoof_score, 0.12);

    let frames = request([image(0, wall()), image(1, PORTRAIT_JPEG.as_str())]).to_string();
    assert_eq!(error(&engine, frames.as_bytes()).0, 223);
}

#[test]
fn gaps_extra_images_and_types_follow_the_inputs_of_the_model() {
    let engine = engine();
    let frame = |index: i64| image(index, PORTRAIT_JPEG.as_str());
    let code =
        |images: Vec<serde_json::Value>| error(&engine, request(images).to_string().as_bytes()).0;
    assert_eq!(code(vec![frame(0)]), 219, "one of two");
    assert_eq!(code(vec![frame(0), frame(2)]), 112, "a gap among those required");
    assert_eq!(code(vec![frame(0), frame(1), frame(3)]), 112, "a gap among those taken");
    assert_eq!(code(vec![frame(0), frame(4)]), 112, "an extra does not count as a frame");
    assert_eq!(code(vec![frame(0), frame(1), frame(1)]), 116);
    assert_eq!(code(vec![frame(0), json!({ "index": 1, "type": "IR", "data": "AAAA" })]), 112);
    assert_eq!(code(vec![frame(0), json!({ "index": 1, "type": "RGB" })]), 110);

    let all = response(&engine, &request([frame(0), frame(1), frame(2), frame(3)]));
    let extra = response(
        &engine,
        &request([frame(0), frame(1), frame(2), frame(3), json!({ "index": 4 })]),
    );
    assert_eq!(all, extra);
}

#[test]
fn images_passed_directly_keep_their_order() {
    let engine = engine();
    let portrait = photo("astronaut.jpg");
    let frame = ImageSource::Encoded { bytes: &portrait, auto_rotate: false };
    let detection = engine.detect_images(&[frame, frame, frame], None).unwrap();
    assert_eq!(detection.response.spoof_score, 0.111);
    assert_eq!(
        engine.detect_image(frame).unwrap_err().code(),
        face_liveness::ErrorCode::TooFewImages
    );
}

/// `rgb-burst-v2`.
mod built_in {
    use super::*;

    fn burst(images: Vec<serde_json::Value>) -> serde_json::Value {
        let mut body = request(images);
        body["model"] = json!("rgb-burst-v2");
        body
    }

    fn wall() -> String {
        base64(&encoded(&DynamicImage::ImageRgb8(RgbImage::new(64, 64)), ImageFormat::Png))
    }

    #[test]
    fn it_takes_two_to_eight_frames_and_answers_with_the_position_of_the_first() {
        let engine = Engine::builder().build().unwrap();
        let frames =
            |count| burst((0..count).map(|index| image(index, PORTRAIT_JPEG.as_str())).collect());
        let single = response(&engine, &request([image(0, PORTRAIT_JPEG.as_str())]));
        for count in [2, 8] {
            let answer = response(&engine, &frames(count));
            assert_eq!(
                (answer.model.as_str(), &answer.position),
                ("rgb-burst-v2", &single.position)
            );
            assert!((0.0..=1.0).contains(&answer.spoof_score));
        }
        assert_eq!(error(&engine, frames(1).to_string().as_bytes()).0, 219);
        // An image beyond those that the model takes is ignored.
        assert_eq!(response(&engine, &frames(9)), response(&engine, &frames(8)));
    }

    #[test]
    fn a_frame_without_a_face_is_omitted_and_the_first_needs_one() {
        let engine = Engine::builder().build().unwrap();
        let portrait = |index| image(index, PORTRAIT_JPEG.as_str());
        let gap = response(&engine, &burst(vec![portrait(0), image(1, wall()), portrait(2)]));
        let mut without_gap = response(&engine, &burst(vec![portrait(0), portrait(1)]));
        assert_eq!(without_gap.warnings.last(), Some(&Warning::RepeatedFrame));
        assert_eq!(
            gap.warnings[gap.warnings.len() - 2..],
            [Warning::FrameWithoutFace, Warning::RepeatedFrame]
        );
        without_gap.warnings.clone_from(&gap.warnings);
        assert_eq!(gap, without_gap);
        let alone = response(&engine, &burst(vec![portrait(0), image(1, wall())]));
        assert!((0.0..=1.0).contains(&alone.spoof_score));
        assert_eq!(alone.warnings.last(), Some(&Warning::FrameWithoutFace));
        assert_eq!(
            error(&engine, burst(vec![image(0, wall()), portrait(1)]).to_string().as_bytes()).0,
            223
        );
    }

    #[test]
    fn a_repeated_frame_is_named_wherever_it_is() {
        let engine = Engine::builder().build().unwrap();
        let moved = |pixels: i64| {
            let mut frame = PORTRAIT.to_rgb8();
            imageops::replace(&mut frame, &PORTRAIT.to_rgb8(), pixels, 0);
            base64(&encoded(&frame.into(), ImageFormat::Png))
        };
        let warnings = |moves: &[i64]| {
            let frames = moves.iter().zip(0..).map(|(&by, index)| image(index, moved(by)));
            response(&engine, &burst(frames.collect())).warnings
        };
        assert!(!warnings(&[0, 4, 8]).contains(&Warning::RepeatedFrame));
        assert!(warnings(&[0, 4, 0]).contains(&Warning::RepeatedFrame));
        assert!(warnings(&[0, 4, 0, 4]).contains(&Warning::RepeatedFrame));
    }

    /// The score is the mean of the frames' log-odds: motion has no weight.
    #[test]
    fn copies_of_one_photo_score_as_the_photo() {
        let engine = Engine::builder().build().unwrap();
        let single = response(&engine, &request([image(0, PORTRAIT_JPEG.as_str())])).spoof_score;
        let copies = burst((0..4).map(|index| image(index, PORTRAIT_JPEG.as_str())).collect());
        assert!((response(&engine, &copies).spoof_score - single).abs() < 1e-5);
    }
    /// The frames that may follow the portrait, 512 × 512, and those that may not.
    #[test]
    fn a_frame_of_another_face_or_another_capture_is_refused() {
        let engine = Engine::builder().build().unwrap();
        let followed_by = |next: DynamicImage| {
            let next = base64(&encoded(&next, ImageFormat::Png));
            burst(vec![image(0, PORTRAIT_JPEG.as_str()), image(1, next)])
        };
        let half = || PORTRAIT.resize(256, 256, FilterType::Triangle);
        for (name, next) in [
            ("mirrored", PORTRAIT.fliph()),
            // In the same place, with a face that differs as another person's does.
            ("mirrored in its place", PORTRAIT.fliph().crop_imm(66, 0, 446, 512)),
            ("moved by a box width", PORTRAIT.crop_imm(100, 0, 412, 512)),
            ("half the size", half()),
        ] {
            let (code, _, description) = error(&engine, followed_by(next).to_string().as_bytes());
            assert_eq!(code, 112, "{name}");
            assert!(description.starts_with("images[1] does not continue"), "{description}");
        }
        for next in [
            PORTRAIT.clone(),
            PORTRAIT.crop_imm(20, 10, 492, 502),
            PORTRAIT.brighten(20),
            PORTRAIT.blur(1.0),
        ] {
            response(&engine, &followed_by(next));
        }
    }
}
