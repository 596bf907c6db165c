//! Properties of all requests and all byte strings, tested on random ones (proptest).
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::LazyLock;

use face_liveness::detection::BoundingBox;
use face_liveness::imaging::{ImageView, Orientation, resize};
use face_liveness::{ErrorCode, Image, ImageSource, Request, Response, Warning};
use face_liveness_test_support::*;
use image::{DynamicImage, ImageFormat, RgbImage};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

const CODES: [u64; 8] = [110, 111, 112, 113, 116, 215, 219, 223];

/// The portrait's head and shoulders, 160 × 160.
static PIXELS: LazyLock<RgbImage> =
    LazyLock::new(|| PORTRAIT.crop_imm(145, 30, 160, 160).into_rgb8());

/// Files and their sizes: the portrait's head and shoulders, and others. Small, so that many
/// requests run.
static FILES: LazyLock<Vec<(String, [u32; 2])>> = LazyLock::new(|| {
    let head = PORTRAIT.crop_imm(145, 30, 160, 160);
    let wall = DynamicImage::ImageRgb8(RgbImage::from_pixel(64, 48, image::Rgb([90, 80, 70])));
    let sideways = photo("exif_6.jpg");
    vec![
        (base64(&encoded(&head, ImageFormat::Png)), [160, 160]),
        (base64(&encoded(&head, ImageFormat::Jpeg)), [160, 160]),
        (base64(&encoded(&wall, ImageFormat::Png)), [64, 48]),
        (base64(&sideways), [512, 512]),
        (base64(b"GIF89a of nothing"), [0, 0]),
    ]
});

/// Any JSON, three levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,8}", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Usually a valid value of the field, sometimes any value, sometimes no value.
fn field(right: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![12 => right.prop_map(Some), 1 => any_json().prop_map(Some), 1 => Just(None)]
}

fn object(fields: Vec<(&'static str, Option<Value>)>, others: Vec<(String, Value)>) -> Value {
    let known: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    let others = others.into_iter().filter(|(name, _)| !known.contains(&name.as_str()));
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.chain(others).collect::<Map<_, _>>())
}

fn any_image() -> impl Strategy<Value = Value> {
    let data = any::<Index>().prop_map(|index| Value::from(index.get(&FILES).0.as_str()));
    let data = prop_oneof![6 => data, 1 => "[A-Za-z0-9+/=\\n -]{0,40}".prop_map(Value::from)];
    let index =
        prop_oneof![8 => (0..3_i64).prop_map(Value::from), 1 => any::<i64>().prop_map(Value::from)];
    let kind = select(vec!["RGB", "RGB", "RGB", "RGB", "IR"]).prop_map(Value::from);
    let flag = option::of(any::<bool>().prop_map(Value::from));
    (field(index), field(kind), field(data), flag, vec((".{0,8}", any_json()), 0..2)).prop_map(
        |(index, kind, data, flag, others)| {
            object(
                vec![("index", index), ("type", kind), ("data", data), ("autoRotate", flag)],
                others,
            )
        },
    )
}

/// An image as the schema's own type.
fn typed_image() -> impl Strategy<Value = Image<'static>> {
    let data = "[A-Za-z0-9+/\\\\\"é]{1,30}";
    (any::<i64>(), "RGB|[A-Z]{1,3}", data, any::<Option<bool>>()).prop_map(
        |(index, kind, data, auto_rotate)| {
            let mut image = Image::new(index, kind.as_str(), data);
            image.auto_rotate = auto_rotate;
            image
        },
    )
}

fn any_request() -> impl Strategy<Value = Value> {
    let images = vec(any_image(), 0..4).prop_map(Value::from);
    let models = ["rgb-single-v2", "rgb-single-v2", "rgb-burst-v2", "none"];
    let model = option::of(select(models.to_vec()).prop_map(Value::from));
    let flag = option::of(any::<bool>().prop_map(Value::from));
    (field(images), flag, model, vec((".{0,8}", any_json()), 0..2)).prop_map(
        |(images, flag, model, others)| {
            object(vec![("images", images), ("autoRotate", flag), ("model", model)], others)
        },
    )
}

/// Checks that a body gets a response with a face inside one of the files, or an error of the
/// contract that quotes none of them.
fn check(body: &Value) -> Result<(), TestCaseError> {
    let (status, answer) = answer(&ENGINE, body.to_string().as_bytes());
    if status == 200 {
        let Response { spoof_score, position, .. } = serde_json::from_value(answer).unwrap();
        prop_assert!((0.0..=1.0).contains(&spoof_score), "{spoof_score}");
        prop_assert!(position.width >= 32 && position.height >= 32, "{position:?}");
        let [right, below] = [position.left + position.width, position.top + position.height];
        prop_assert!(
            FILES.iter().any(|(_, [width, height])| right <= *width && below <= *height),
            "{position:?}"
        );
        return Ok(());
    }
    let code = answer["error"]["code"].as_u64().unwrap();
    prop_assert!(status == 400 && CODES.contains(&code), "{answer}");
    let description = answer["error"]["description"].as_str().unwrap();
    prop_assert!(description.len() < 200, "{description}");
    for (file, _) in &*FILES {
        prop_assert!(!description.contains(&file[..16]), "{description}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn any_request_gets_a_response_or_a_code_of_the_contract(body in any_request()) {
        check(&body)?;
    }

    #[test]
    fn any_box_gets_a_score_or_an_error_that_names_its_edge(
        edges in proptest::array::uniform4(prop_oneof![any::<f32>(), -200.0..400.0_f32]),
    ) {
        let [left, top, width, height] = edges;
        let face = BoundingBox { left, top, width, height };
        let image = ImageView::new(160, 160, &PIXELS).unwrap();
        let inside = |start: f32, length: f32| {
            (start + length).min(160.0) - start.max(0.0) >= length / 2.0
        };
        let is_box = edges.iter().all(|edge| edge.is_finite())
            && width >= 1.0 && height >= 1.0
            && inside(left, width) && inside(top, height);
        match ENGINE.score_face(ImageSource::Rgb(image), face, None) {
            Ok(score) => prop_assert!(is_box && (0.0..=1.0).contains(&score)),
            Err(error) => {
                prop_assert_eq!(error.code(), ErrorCode::InvalidValue);
                prop_assert!(!is_box && error.path().unwrap().starts_with("face."));
            }
        }
    }

    #[test]
    fn any_bytes_get_an_error(bytes in vec(any::<u8>(), 0..400)) {
        let (status, answer) = answer(&ENGINE, &bytes);
        let code = answer["error"]["code"].as_u64();
        prop_assert!(status == 400 && matches!(code, Some(111 | 112)), "{}", answer);
    }

    #[test]
    fn a_corrupted_request_is_answered(
        body in any_request(),
        at in any::<Index>(),
        bytes in vec(any::<u8>(), 0..4),
        dropped in 0..4_usize,
    ) {
        let mut body = body.to_string().into_bytes();
        let at = at.index(body.len());
        body.splice(at..(at + dropped).min(body.len()), bytes);
        let answer = ENGINE.detect_json(&body);
        prop_assert!([200, 400].contains(&answer.status));
        prop_assert!(serde_json::from_slice::<Value>(&answer.body).is_ok());
    }

    #[test]
    fn a_serialised_request_parses_to_itself(
        images in vec(typed_image(), 0..4),
        auto_rotate in any::<bool>(),
        model in any::<Option<String>>(),
    ) {
        let mut request = Request::new(images).with_auto_rotate(auto_rotate);
        request.model = model;
        let body = serde_json::to_string(&request).unwrap();
        prop_assert_eq!(Request::from_json(body.as_bytes()).unwrap(), request);
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn order_extra_images_and_unknown_fields_never_change_the_answer(
        frames in vec(select(vec![0, 1]), 3),
        order in Just([0, 1, 2, 3, 4]).prop_shuffle(),
        extras in vec(any_json(), 2),
        unknown in vec(("[a-z]{9,12}", any_json()), 0..3),
        burst in any::<bool>(),
    ) {
        let taken = if burst { 3 } else { 1 };
        let frame = |index: usize| image(index, FILES[frames[index]].0.as_str());
        let plain: Vec<_> = (0..taken).map(frame).collect();
        let model = if burst { "rgb-burst-v2" } else { "rgb-single-v2" };
        let body = json!({ "images": plain, "model": model }).to_string();
        let expected = answer(&ENGINE, body.as_bytes());
        prop_assert_eq!(expected.0, 200);

        // A burst takes up to eight, with the indexes 0 to 7.
        let extras = (8..).zip(&extras);
        let extras =
            extras.map(|(index, data)| json!({ "index": index, "type": data, "data": data }));
        let images: Vec<_> = plain.into_iter().chain(extras).collect();
        let images: Vec<_> = order.iter().filter_map(|&place| images.get(place).cloned()).collect();
        let mut body = json!({ "images": images, "model": model });
        for (name, value) in unknown {
            body["images"][0][&name] = value.clone();
            body[&name] = value;
        }
        prop_assert_eq!(answer(&ENGINE, body.to_string().as_bytes()), expected);
    }

    #[test]
    fn a_rotated_image_with_its_tag_has_the_same_answer(
        left in 60..170_u32,
        top in 0..50_u32,
        width in 180..340_u32,
        height in 190..460_u32,
        orientation in 1..=8_u32,
    ) {
        let upright = PORTRAIT.crop_imm(left, top, width, height).into_rgb8();
        let (width, height) = upright.dimensions();
        let body = request([image(0, base64(&png(&upright, 1)))]).to_string();
        let expected = answer(&ENGINE, body.as_bytes());
        let pixels = ImageView::new(width, height, &upright).unwrap().crop(0, 0, width, height);
        let stored = Orientation::new(orientation).unwrap().inverse().apply(pixels);
        let [width, height] = [stored.width(), stored.height()];
        let stored = RgbImage::from_raw(width, height, stored.pixels().to_vec()).unwrap();
        let mut body = request([image(0, base64(&png(&stored, orientation)))]);
        body["autoRotate"] = json!(true);
        prop_assert_eq!(answer(&ENGINE, body.to_string().as_bytes()), expected);
    }
}

#[test]
fn a_face_is_found_in_a_photo_that_lost_its_proportions_and_a_warning_says_so() {
    let portrait = PORTRAIT.to_rgb8();
    let [width, height] = [portrait.width(), portrait.height()];
    let view = ImageView::new(width, height, &portrait).unwrap();
    let whole = ENGINE.detect_image(ImageSource::Rgb(view)).unwrap();
    assert!(!whole.response.warnings.contains(&Warning::Distorted));
    for factor in [0.4, 0.36] {
        let squeezed = resize(view, width, (height as f32 * factor) as u32).unwrap();
        let found = ENGINE.detect_image(ImageSource::Rgb(squeezed.view())).unwrap();
        assert!(found.response.warnings.contains(&Warning::Distorted));
        let expected = whole.face.bounding_box.scaled([1.0, factor]);
        let iou = found.face.bounding_box.iou(&expected);
        // A copy restores proportions only in part, so its box is looser than an upright face's.
        assert!(iou > 0.5, "IoU {iou}");
        assert!(found.response.spoof_score < 0.5, "{}", found.response.spoof_score);
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A PNG with an Exif orientation.
fn png(image: &RgbImage, orientation: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation as u8, 0, 0, 0, 0, 0, 0, 0]);
    writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), &exif).unwrap();
    writer.write_image_data(image).unwrap();
    writer.finish().unwrap();
    file
}
