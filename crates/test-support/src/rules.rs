//! The rules of the wire contract: one for each row of its tables.

use face_liveness::imaging::{self, ImageView};
use face_liveness::inference::{self, Frame, LivenessModel};
use face_liveness::schema::ModelInputs;
use face_liveness::{Engine, ImageSource, ImageType, Limits, Position, Response, Warning};
use image::codecs::gif::GifEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, Frame as GifFrame, ImageFormat, Rgb, RgbImage, imageops};
use serde_json::{Value, json};

use crate::*;

/// The code of the error, after a check that the description names the field.
#[track_caller]
fn code(contract: &Contract, body: &Value, path: &str) -> u64 {
    let (code, _, description) = error(contract, body.to_string().as_bytes());
    assert!(description.contains(path), "{description:?} does not name {path}");
    code
}

/// A value of every JSON type except those named.
fn values_other_than(types: &[&str]) -> Vec<Value> {
    let values = [
        ("null", json!(null)),
        ("boolean", json!(true)),
        ("integer", json!(1)),
        ("number", json!(0.5)),
        ("string", json!("text")),
        ("array", json!([])),
        ("object", json!({})),
    ];
    values.into_iter().filter(|(name, _)| !types.contains(name)).map(|(_, value)| value).collect()
}

/// The fields of an object, in alphabetical order.
fn keys(object: &Value) -> String {
    object.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
}

fn portrait() -> Value {
    image(0, PORTRAIT_JPEG.as_str())
}

pub(crate) mod request_fields {
    use super::*;

    pub(crate) fn images_missing_is_110(contract: &Contract) {
        assert_eq!(code(contract, &json!({}), "images"), 110);
    }

    pub(crate) fn images_not_an_array_is_111(contract: &Contract) {
        for value in values_other_than(&["array"]) {
            assert_eq!(code(contract, &request(value), "images must be an array"), 111);
        }
    }

    pub(crate) fn an_image_that_is_not_an_object_is_111(contract: &Contract) {
        for value in values_other_than(&["object"]) {
            assert_eq!(
                code(contract, &request([portrait(), value]), "images[1] must be an object"),
                111
            );
        }
    }

    pub(crate) fn images_empty_or_too_few_is_219(contract: &Contract) {
        assert_eq!(code(contract, &request([(); 0].map(|()| Value::Null)), "images"), 219);
        let two = contract.serve(Engine::builder().model(Fake::new(2)).build().unwrap());
        let body = json!({ "images": [portrait()], "model": "fake" }).to_string();
        let (code, message, description) = error(&two, body.as_bytes());
        assert_eq!((code, message.as_str()), (219, "image_data_too_few"));
        assert_eq!(description, "images has 1 of the 2 images that the model needs");
    }

    pub(crate) fn index_missing_is_110(contract: &Contract) {
        assert_eq!(
            code(contract, &request([json!({ "type": "RGB", "data": "AAAA" })]), "images[0].index"),
            110
        );
    }

    pub(crate) fn index_not_an_integer_is_111(contract: &Contract) {
        for value in values_other_than(&["integer"]) {
            assert_eq!(
                code(
                    contract,
                    &request([image(value, "AAAA")]),
                    "images[0].index must be an integer"
                ),
                111
            );
        }
        assert_eq!(
            code(contract, &request([image(0.0, "AAAA")]), "images[0].index must be an integer"),
            111
        );
    }

    pub(crate) fn index_negative_or_out_of_range_is_112(contract: &Contract) {
        assert_eq!(
            code(contract, &request([portrait(), image(-1, "AAAA")]), "images[1].index"),
            112
        );
        let body =
            r#"{"images": [{"index": 99999999999999999999, "type": "RGB", "data": "AAAA"}]}"#;
        let (code, _, description) = error(contract, body.as_bytes());
        assert_eq!((code, description.as_str()), (112, "images[0].index is out of range"));
    }

    pub(crate) fn index_gap_among_those_needed_is_112(contract: &Contract) {
        assert_eq!(
            code(contract, &request([image(1, PORTRAIT_JPEG.as_str())]), "images[0].index"),
            112
        );
        let two = contract
            .serve(Engine::builder().model(Fake::new(2)).default_model("fake").build().unwrap());
        let body = request([image(2, "AAAA"), portrait()]).to_string();
        let (code, _, description) = error(&two, body.as_bytes());
        assert_eq!(code, 112);
        assert_eq!(description, "images[0].index leaves a gap: no image has the index 1");
    }

    pub(crate) fn duplicate_index_is_116_also_among_extras(contract: &Contract) {
        assert_eq!(code(contract, &request([portrait(), portrait()]), "images[1].index"), 116);
        assert_eq!(
            code(
                contract,
                &request([portrait(), image(7, "AAAA"), image(7, "AAAA")]),
                "images[2].index"
            ),
            116
        );
    }

    pub(crate) fn index_orders_the_images_whatever_their_position(contract: &Contract) {
        let scored = response(contract, &request([image(1, "no base64!"), portrait()]));
        assert_eq!(scored, response(contract, &request([portrait()])));
    }

    pub(crate) fn type_missing_is_110(contract: &Contract) {
        assert_eq!(
            code(contract, &request([json!({ "index": 0, "data": "AAAA" })]), "images[0].type"),
            110
        );
    }

    pub(crate) fn type_not_a_string_is_111(contract: &Contract) {
        for value in values_other_than(&["string"]) {
            let body = request([json!({ "index": 0, "type": value, "data": "AAAA" })]);
            assert_eq!(code(contract, &body, "images[0].type must be a string"), 111);
        }
    }

    pub(crate) fn type_that_the_model_does_not_take_is_112(contract: &Contract) {
        for name in ["IR", "rgb", "", "RGB "] {
            let body = request([json!({ "index": 0, "type": name, "data": "AAAA" })]);
            assert_eq!(code(contract, &body, "images[0].type must be RGB"), 112);
        }
    }

    pub(crate) fn type_is_an_open_enum(contract: &Contract) {
        let infrared = Fake { inputs: ModelInputs::single(ImageType::from("IR")), ..Fake::new(1) };
        let engine = contract
            .serve(Engine::builder().model(infrared).default_model("fake").build().unwrap());
        let body = request([json!({ "index": 0, "type": "IR", "data": PORTRAIT_JPEG.as_str() })]);
        assert_eq!(response(&engine, &body).model, "fake");
    }

    pub(crate) fn data_missing_is_110(contract: &Contract) {
        assert_eq!(
            code(contract, &request([json!({ "index": 0, "type": "RGB" })]), "images[0].data"),
            110
        );
    }

    pub(crate) fn data_not_a_string_is_111(contract: &Contract) {
        for value in values_other_than(&["string"]) {
            assert_eq!(
                code(contract, &request([image(0, value)]), "images[0].data must be a string"),
                111
            );
        }
    }

    pub(crate) fn data_blank_or_not_base64_is_112(contract: &Contract) {
        for text in
            ["", " \n\t", "no base64!", "AAAA====", "A", "é", "data:image/png;base64,", "\u{0}AAA"]
        {
            assert_eq!(
                code(contract, &request([image(0, text)]), "images[0].data"),
                112,
                "{text:?}"
            );
        }
    }

    pub(crate) fn auto_rotate_not_a_bool_is_111_at_both_levels(contract: &Contract) {
        for value in values_other_than(&["boolean"]) {
            let body = json!({ "images": [portrait()], "autoRotate": value });
            assert_eq!(code(contract, &body, "autoRotate must be a boolean"), 111);
            let mut image = portrait();
            image["autoRotate"] = value;
            assert_eq!(
                code(contract, &request([image]), "images[0].autoRotate must be a boolean"),
                111
            );
        }
    }

    pub(crate) fn model_absent_is_the_default(contract: &Contract) {
        assert_eq!(response(contract, &request([portrait()])).model, "rgb-single-v2");
        let body = json!({ "images": [portrait()], "model": "rgb-single-v2" });
        assert_eq!(response(contract, &body), response(contract, &request([portrait()])));
    }

    pub(crate) fn model_of_the_version_before_still_answers(contract: &Contract) {
        let body = json!({ "images": [portrait()], "model": "rgb-single-v1" });
        let earlier = response(contract, &body);
        assert_eq!(earlier.model, "rgb-single-v1");
        // The golden score of version 0.1.
        assert!((earlier.spoof_score - 0.001_335).abs() < 1e-3, "{}", earlier.spoof_score);
        assert_eq!(earlier.position, response(contract, &request([portrait()])).position);
        let frames = [image(0, PORTRAIT_JPEG.as_str()), image(1, PORTRAIT_JPEG.as_str())];
        let body = json!({ "images": frames, "model": "rgb-burst-v1" });
        assert_eq!(response(contract, &body).model, "rgb-burst-v1");
    }

    pub(crate) fn model_unknown_is_113(contract: &Contract) {
        for name in ["rgb-single-v9", "", "RGB-SINGLE-V2"] {
            assert_eq!(
                code(contract, &json!({ "images": [portrait()], "model": name }), "model"),
                113
            );
        }
    }

    pub(crate) fn model_not_a_string_is_111(contract: &Contract) {
        for value in values_other_than(&["string"]) {
            let body = json!({ "images": [portrait()], "model": value });
            assert_eq!(code(contract, &body, "model must be a string"), 111);
        }
    }
}

pub(crate) mod request_rules {
    use super::*;

    pub(crate) fn extra_images_are_ignored_whatever_they_hold(contract: &Contract) {
        let expected = response(contract, &request([portrait()]));
        for extra in [
            json!({ "index": 1 }),
            json!({ "index": 5, "type": 7, "data": false, "autoRotate": "no" }),
            json!({ "index": 1, "type": "IR", "data": "no base64!" }),
            json!({ "index": i64::MAX, "type": "RGB", "data": "" }),
        ] {
            assert_eq!(
                response(contract, &request([extra.clone(), portrait()])),
                expected,
                "{extra}"
            );
            assert_eq!(
                response(contract, &request([portrait(), extra.clone()])),
                expected,
                "{extra}"
            );
        }
    }

    pub(crate) fn unknown_fields_are_ignored(contract: &Contract) {
        let mut image = portrait();
        image["camera"] = json!({ "lens": [1, 2, { "deep": null }] });
        let body =
            json!({ "images": [image], "autoRotate": false, "version": 9, "data": "no base64!" });
        assert_eq!(response(contract, &body), response(contract, &request([portrait()])));
    }

    pub(crate) fn a_field_that_appears_more_than_once_is_116(contract: &Contract) {
        for (body, path) in [
            (r#"{"images": [], "images": []}"#, "images"),
            (r#"{"images": [], "autoRotate": true, "autoRotate": true}"#, "autoRotate"),
            (
                r#"{"images": [{"index": 0, "type": "RGB", "data": "AAAA", "data": "AAAA"}]}"#,
                "images[0].data",
            ),
            (r#"{"images": [{"index": 0, "\u0069ndex": 1}]}"#, "images[0].index"),
        ] {
            let (code, _, description) = error(contract, body.as_bytes());
            assert_eq!((code, description), (116, format!("{path} appears more than once")));
        }
    }

    pub(crate) fn base64_is_accepted_as_clients_send_it(contract: &Contract) {
        let expected = response(contract, &request([portrait()]));
        let text = PORTRAIT_JPEG.as_str();
        let wrapped: Vec<_> =
            text.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
        assert!(text.ends_with('=') && text.contains('+') && text.contains('/'));
        for (what, form) in [
            ("wrapped by line feeds", wrapped.join("\n")),
            ("wrapped by carriage returns and line feeds", wrapped.join("\r\n") + "\r\n"),
            ("indented", format!("\t{} ", wrapped.join("\n  "))),
            ("unpadded", text.trim_end_matches('=').to_owned()),
            ("URL-safe", text.replace('+', "-").replace('/', "_")),
            ("a data URL", format!("data:image/jpeg;base64,{text}")),
            ("a wrapped, URL-safe, unpadded data URL", {
                let text = wrapped.join("\n").replace('+', "-").replace('/', "_");
                format!("data:image/png;base64,{}", text.trim_end_matches('='))
            }),
        ] {
            assert_eq!(response(contract, &request([image(0, form)])), expected, "{what}");
        }
    }

    pub(crate) fn base64_may_be_escaped_in_the_json(contract: &Contract) {
        let expected = response(contract, &request([portrait()]));
        let body = request([portrait()]).to_string();
        for (what, body) in [
            ("as PHP escapes", body.replace('/', r"\/")),
            ("as .NET escapes", body.replace('+', r"\u002B")),
            ("both, with wrapped lines", body.replace('/', r"\n\/").replace('+', r"\r\n\u002b")),
        ] {
            let (status, answer) = answer(contract, body.as_bytes());
            assert_eq!(status, 200, "{what}: {answer}");
            assert_eq!(serde_json::from_value::<Response>(answer).unwrap(), expected, "{what}");
        }
    }

    pub(crate) fn the_format_is_read_from_the_bytes(contract: &Contract) {
        let expected = response_to_file(contract, &photo("astronaut.png"));
        let lossless = [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp];
        let rgb = DynamicImage::ImageRgb8(PORTRAIT.to_rgb8());
        for format in lossless {
            assert_eq!(response_to_file(contract, &encoded(&rgb, format)), expected, "{format:?}");
        }
        assert_same_face(
            &response_to_file(contract, &photo("astronaut.jpg")),
            &expected,
            2,
            0.05,
            "JPEG",
        );
        // A GIF has 256 colours: the same face, another texture.
        let gif = response_to_file(contract, &encoded(&rgb, ImageFormat::Gif));
        assert_same_face(&gif, &expected, 3, 1.0, "GIF");
    }

    pub(crate) fn other_formats_and_broken_files_are_215(contract: &Contract) {
        let tiff = b"II*\0\x08\0\0\0".as_slice();
        let (png, jpeg) = (photo("astronaut.png"), photo("astronaut.jpg"));
        let (cut_png, cut_jpeg) = (&png[..300_000], &jpeg[..70_000]);
        let ended_jpeg = [cut_jpeg, b"\xff\xd9"].concat();
        for file in [
            b"plain text".as_slice(),
            b"%PDF-1.7",
            tiff,
            b"\xff\xd8\xff\xe0",
            cut_png,
            cut_jpeg,
            ended_jpeg.as_slice(),
            b"\x89PNG\r\n\x1a\n",
        ] {
            assert_eq!(code(contract, &request([image(0, base64(file))]), "images[0].data"), 215);
        }
    }

    pub(crate) fn an_animated_gif_is_decoded_to_its_first_frame(contract: &Contract) {
        let portrait = PORTRAIT.to_rgba8();
        let blank = image::RgbaImage::from_pixel(512, 512, image::Rgba([200, 200, 200, 255]));
        let gif = |frames: [&image::RgbaImage; 2]| {
            let mut file = Vec::new();
            let mut encoder = GifEncoder::new(&mut file);
            encoder.encode_frames(frames.map(|frame| GifFrame::new(frame.clone()))).unwrap();
            drop(encoder);
            file
        };
        let expected = response_to_file(contract, &encoded(&PORTRAIT, ImageFormat::Gif));
        assert_eq!(
            response_to_file(contract, &gif([&portrait, &blank])).position,
            expected.position
        );
        assert_eq!(
            code(contract, &request([image(0, base64(&gif([&blank, &portrait])))]), "images[0]"),
            223
        );
    }

    pub(crate) fn a_body_past_5_mb_is_413(contract: &Contract) {
        let mut body = request([portrait()]).to_string().into_bytes();
        body.resize(5_000_000, b' ');
        assert_eq!(answer(contract, &body).0, 200);
        body.push(b' ');
        let (status, answer) = answer(contract, &body);
        assert_eq!((status, answer["error"]["code"].as_u64()), (413, Some(413)));

        let engine = contract.serve(
            Engine::builder().limits(Limits::default().with_max_body_bytes(100)).build().unwrap(),
        );
        assert_eq!(engine.detect_json(&[b' '; 101]).status, 413);
        assert_eq!(engine.detect_json(&[b' '; 100]).status, 400);
    }

    /// A PNG of this size with no pixels after its header: a decoder finds it corrupt.
    fn png_header(width: u32, height: u32) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_chunk(png::chunk::IDAT, &[]).unwrap();
        file
    }

    pub(crate) fn an_image_past_a_limit_is_215(contract: &Contract) {
        for (width, height, limit) in [
            (16_385, 1, "16384 pixels a side"),
            (1, 16_385, "16384 pixels a side"),
            (8_000, 6_251, "50000000 pixels"),
            (u32::MAX >> 1, u32::MAX >> 1, "16384 pixels a side"),
        ] {
            let body = request([image(0, base64(&png_header(width, height)))]);
            assert_eq!(code(contract, &body, limit), 215);
        }
        let limited = |limits, image| {
            let limits = Limits::default().with_image(limits);
            let engine = contract.serve(Engine::builder().limits(limits).build().unwrap());
            let body = request([image]).to_string();
            let (code, _, description) = error(&engine, body.as_bytes());
            assert_eq!(code, 215);
            description
        };
        let description =
            limited(imaging::Limits::new().with_max_pixels(512 * 512 - 1), portrait());
        assert!(
            description.contains("512 × 512 pixels exceeds the limit of 262143 pixels"),
            "{description}"
        );
        let description = limited(imaging::Limits::new().with_max_side(511), portrait());
        assert!(description.contains("exceeds the limit of 511 pixels a side"), "{description}");
        let description =
            limited(imaging::Limits::new().with_max_memory(512 * 512 * 3 - 1), portrait());
        assert!(description.contains("more than 786431 bytes of memory"), "{description}");
        let mut progressive = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut progressive, 90);
        encoder.set_progressive_scans(4);
        encoder
            .encode(PORTRAIT.to_rgb8().as_raw(), 512, 512, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        let limits = imaging::Limits::new().with_max_scan_pixels(512 * 512 * 2);
        let description = limited(limits, image(0, base64(&progressive)));
        assert!(
            description.contains("scans, more than the limit of 2 for its size"),
            "{description}"
        );
    }

    pub(crate) fn a_face_under_32_pixels_counts_as_not_found(contract: &Contract) {
        let side_of = |side: u32| {
            DynamicImage::ImageRgb8(imageops::resize(
                &PORTRAIT.to_rgb8(),
                side,
                side,
                FilterType::Triangle,
            ))
        };
        let small = encoded(&side_of(230), ImageFormat::Png);
        let position = response_to_file(contract, &small).position;
        assert!((32..45).contains(&position.width), "{position:?}");

        let tiny = encoded(&side_of(150), ImageFormat::Png);
        assert_eq!(code(contract, &request([image(0, base64(&tiny))]), "images[0]"), 223);
        let engine = contract.serve(Engine::builder().min_face_side(20).build().unwrap());
        let position = response_to_file(&engine, &tiny).position;
        assert!((20..32).contains(&position.width), "{position:?}");
    }

    pub(crate) fn the_largest_of_several_faces_is_used(contract: &Contract) {
        let portrait = PORTRAIT.to_rgb8();
        let smaller = imageops::resize(&portrait, 300, 300, FilterType::Triangle);
        for (at_left, at_right) in [(&portrait, &smaller), (&smaller, &portrait)] {
            let mut scene = RgbImage::from_pixel(812, 512, image::Rgb([128, 128, 128]));
            imageops::replace(&mut scene, at_left, 0, 0);
            imageops::replace(&mut scene, at_right, i64::from(at_left.width()), 0);
            let response = response_to_file(contract, &encoded(&scene.into(), ImageFormat::Png));
            assert!(response.position.width > 70, "{:?}", response.position);
            assert_eq!(response.position.left > 300, at_left.width() == 300);
            assert!(response.warnings.contains(&Warning::MultipleFaces));
        }
    }

    pub(crate) fn no_face_is_223(contract: &Contract) {
        let wall =
            RgbImage::from_fn(640, 480, |x, y| image::Rgb([(x / 4) as u8, (y / 3) as u8, 90]));
        let (code, message, description) = error(
            contract,
            request([image(0, base64(&encoded(&wall.into(), ImageFormat::Png)))])
                .to_string()
                .as_bytes(),
        );
        assert_eq!((code, message.as_str()), (223, "image_entity_not_found"));
        assert_eq!(description, "No face was found in images[0]");
    }

    pub(crate) fn every_sample_format_becomes_8_bit_rgb(contract: &Contract) {
        let expected = response_to_file(contract, &photo("astronaut.png"));
        let png =
            |image: DynamicImage| response_to_file(contract, &encoded(&image, ImageFormat::Png));
        assert_eq!(png(PORTRAIT.to_rgb16().into()), expected, "16-bit");
        assert_eq!(png(PORTRAIT.to_rgba8().into()), expected, "opaque alpha");
        assert_eq!(png(PORTRAIT.to_rgba16().into()), expected, "16-bit with opaque alpha");

        let grey = png(PORTRAIT.to_luma8().into());
        assert_same_face(&grey, &expected, 5, 1.0, "greyscale");
        assert!(
            grey.warnings.contains(&Warning::Greyscale)
                && !expected.warnings.contains(&Warning::Greyscale)
        );
        let luma = DynamicImage::ImageLuma8(PORTRAIT.to_luma8());
        assert_eq!(png(luma.to_luma16().into()), grey, "16-bit greyscale");
        assert_eq!(png(PORTRAIT.to_luma_alpha8().into()), grey, "greyscale with opaque alpha");
    }

    pub(crate) fn alpha_is_blended_over_white(contract: &Contract) {
        let mut half = PORTRAIT.to_rgba8();
        half.pixels_mut().filter(|pixel| pixel[0] > 128).for_each(|pixel| pixel[3] = 100);
        let over_white = RgbImage::from_fn(512, 512, |x, y| {
            let [r, g, b, a] = half.get_pixel(x, y).0.map(u32::from);
            image::Rgb([r, g, b].map(|sample| ((sample * a + 255 * (255 - a) + 127) / 255) as u8))
        });
        let expected = response_to_file(contract, &encoded(&over_white.into(), ImageFormat::Png));
        assert_eq!(response_to_file(contract, &encoded(&half.into(), ImageFormat::Png)), expected);
    }

    pub(crate) fn palette_png_is_accepted(contract: &Contract) {
        // Three bits of red and green and two of blue.
        let rgb = PORTRAIT.to_rgb8();
        let indexes: Vec<u8> =
            rgb.pixels().map(|p| (p[0] & 0xe0) | (p[1] >> 5 << 2) | (p[2] >> 6)).collect();
        let palette: Vec<[u8; 3]> =
            (0..=255).map(|i: u8| [i & 0xe0, i << 3 & 0xe0, i << 6]).collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 512, 512);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(palette.concat());
        encoder.write_header().unwrap().write_image_data(&indexes).unwrap();

        let pixels: Vec<u8> = indexes.iter().flat_map(|&i| palette[usize::from(i)]).collect();
        let source = ImageSource::Rgb(ImageView::new(512, 512, &pixels).unwrap());
        assert_eq!(
            response_to_file(contract, &file),
            ENGINE.detect_image(source).unwrap().response
        );
    }

    pub(crate) fn cmyk_progressive_and_greyscale_jpegs_are_accepted(contract: &Contract) {
        use jpeg_encoder::{ColorType, Encoder};
        let expected = response_to_file(contract, &photo("astronaut.png"));
        let jpeg = |pixels: &[u8], colour, progressive| {
            let mut file = Vec::new();
            let mut encoder = Encoder::new(&mut file, 95);
            encoder.set_progressive(progressive);
            encoder.encode(pixels, 512, 512, colour).unwrap();
            response_to_file(contract, &file)
        };
        let rgb = PORTRAIT.to_rgb8();
        // No black ink: the plain complement. This encoder, like Adobe's, stores it inverted.
        let cmyk: Vec<u8> =
            rgb.pixels().flat_map(|p| [255 - p[0], 255 - p[1], 255 - p[2], 0]).collect();
        assert_same_face(&jpeg(&cmyk, ColorType::Cmyk, false), &expected, 2, 0.05, "CMYK");
        assert_same_face(&jpeg(&cmyk, ColorType::CmykAsYcck, false), &expected, 2, 0.05, "YCCK");
        assert_same_face(&jpeg(&rgb, ColorType::Rgb, true), &expected, 2, 0.05, "progressive");
        let grey = jpeg(&PORTRAIT.to_luma8(), ColorType::Luma, false);
        assert_same_face(&grey, &expected, 5, 1.0, "greyscale");
        assert!(grey.warnings.contains(&Warning::Greyscale));
    }
}

pub(crate) mod orientation {
    use super::*;

    fn body(orientation: u32, request_flag: Option<bool>, image_flag: Option<bool>) -> Value {
        let mut body = request([image(0, base64(&photo(&format!("exif_{orientation}.jpg"))))]);
        if let Some(flag) = request_flag {
            body["autoRotate"] = json!(flag);
        }
        if let Some(flag) = image_flag {
            body["images"][0]["autoRotate"] = json!(flag);
        }
        body
    }

    pub(crate) fn all_eight_values_are_applied_at_both_flag_levels(contract: &Contract) {
        let upright = response(contract, &body(1, None, None));
        for orientation in 1..=8 {
            for (request_flag, image_flag) in
                [(Some(true), None), (Some(false), Some(true)), (None, Some(true))]
            {
                let rotated = response(contract, &body(orientation, request_flag, image_flag));
                assert_same_face(
                    &rotated,
                    &upright,
                    2,
                    0.02,
                    &format!("orientation {orientation}"),
                );
            }
        }
    }

    pub(crate) fn the_tag_is_ignored_unless_a_flag_is_set(contract: &Contract) {
        for orientation in 1..=8 {
            let stored = image::load_from_memory(&photo(&format!("exif_{orientation}.jpg")))
                .unwrap()
                .into_rgb8();
            let source =
                ImageSource::Rgb(ImageView::new(stored.width(), stored.height(), &stored).unwrap());
            let expected = ENGINE.detect_image(source).map(|detection| detection.response);
            for (request_flag, image_flag) in
                [(None, None), (Some(false), None), (Some(true), Some(false))]
            {
                let body = body(orientation, request_flag, image_flag).to_string();
                let answer = contract.detect_json(body.as_bytes());
                match &expected {
                    Ok(expected) => assert_eq!(answer.body, serde_json::to_vec(expected).unwrap()),
                    Err(error) => {
                        assert_eq!(answer.body, serde_json::to_vec(&error.to_body()).unwrap())
                    }
                }
            }
        }
    }
}

pub(crate) mod search_rotations {
    use super::*;

    pub(crate) fn a_rotated_face_is_scored_as_if_upright(contract: &Contract) {
        let engine = Engine::builder().search_rotations(true).build().unwrap();
        let searching = contract.serve(engine.clone());
        let file = |image: &DynamicImage| encoded(image, ImageFormat::Png);
        // Not `contract`: a binding to another processor rounds differently.
        let upright = response_to_file(&contract.serve(ENGINE.clone()), &file(&PORTRAIT));
        assert_eq!(response_to_file(&searching, &file(&PORTRAIT)), upright);

        let Position { top, left, width, height } = upright.position;
        let (right, below) = (512 - left - width, 512 - top - height);
        for (rotated, [left, top, width, height]) in [
            (PORTRAIT.rotate90(), [below, left, height, width]),
            (PORTRAIT.rotate180(), [right, below, width, height]),
            (PORTRAIT.rotate270(), [top, right, height, width]),
        ] {
            let rotated = file(&rotated);
            assert_eq!(code(contract, &request([image(0, base64(&rotated))]), "images[0]"), 223);
            let found = response_to_file(&searching, &rotated);
            assert_eq!(found.spoof_score, upright.spoof_score);
            assert_eq!(found.warnings, [&upright.warnings[..], &[Warning::Rotated]].concat());
            let mut expected = found.clone();
            expected.position = Position { top, left, width, height };
            assert_same_face(&found, &expected, 1, 0.0, "in the image as it was sent");
            let source = ImageSource::Encoded { bytes: &rotated, auto_rotate: false };
            let face = engine.detect_image(source).unwrap().face;
            assert!(
                face.landmarks.unwrap().iter().all(|&point| face.bounding_box.contains(point)),
                "{face:?}"
            );
            assert_eq!(engine.find_face(source).unwrap(), face);
        }
    }

    pub(crate) fn an_image_without_a_face_is_still_223(contract: &Contract) {
        let searching = contract.serve(Engine::builder().search_rotations(true).build().unwrap());
        let grey = DynamicImage::ImageRgb8(RgbImage::from_pixel(200, 300, image::Rgb([90; 3])));
        let body = request([image(0, base64(&encoded(&grey, ImageFormat::Png)))]);
        assert_eq!(error(&searching, body.to_string().as_bytes()).0, 223);
    }
}

pub(crate) mod response_fields {
    use super::*;

    pub(crate) fn a_response_has_exactly_these_fields(contract: &Contract) {
        let (status, answer) = answer(contract, request([portrait()]).to_string().as_bytes());
        assert_eq!(status, 200);
        assert_eq!(keys(&answer), "model position spoofScore warnings");
        assert_eq!(keys(&answer["position"]), "height left top width");
        assert_eq!(answer["warnings"], json!(["smallFace"]));
    }

    /// A field that a request asks for. Nothing else in the response differs.
    fn asked_for(field: &str, contract: &Contract) -> Value {
        let plain = json!({ "images": [portrait()], "autoRotate": true });
        let mut asking = plain.clone();
        asking[field] = json!(true);
        let [(_, plain), (_, mut asked)] =
            [plain, asking].map(|body| answer(contract, body.to_string().as_bytes()));
        let value = asked.as_object_mut().unwrap().remove(field).unwrap();
        assert_eq!(asked, plain);
        value
    }

    pub(crate) fn provenance_is_given_to_those_who_ask(contract: &Contract) {
        let provenance = asked_for("provenance", contract);
        assert_eq!(keys(&provenance), "engine files images modelVersion searchRotations");
        assert_eq!(provenance["engine"], env!("CARGO_PKG_VERSION"));
        assert_eq!(
            keys(&provenance["files"]),
            "face-detector-v1/detector.onnx face-detector-v1/model.json \
             face-detector-v1/refiner.onnx rgb-single-v2/context.onnx rgb-single-v2/model.json \
             rgb-single-v2/tight.onnx rgb-single-v2/wide.onnx"
        );
        let file = BASE64_STANDARD.decode(PORTRAIT_JPEG.as_str()).unwrap();
        let sha256 = hmac_sha256::Hash::hash(&file).map(|byte| format!("{byte:02x}")).concat();
        let (width, height) = (PORTRAIT.width(), PORTRAIT.height());
        assert_eq!(
            provenance["images"],
            json!([{ "sha256": sha256, "autoRotate": true, "width": width, "height": height }])
        );
    }

    pub(crate) fn provenance_not_a_bool_is_111(contract: &Contract) {
        for value in values_other_than(&["boolean"]) {
            let body = json!({ "images": [portrait()], "provenance": value });
            assert_eq!(code(contract, &body, "provenance must be a boolean"), 111);
        }
    }

    pub(crate) fn quality_is_given_to_those_who_ask(contract: &Contract) {
        let quality = asked_for("quality", contract);
        assert_eq!(
            keys(&quality),
            "blackPoint colour dynamicRange edgeDistance headPoseRoll interEyeDistance luma \
             luminanceMean luminanceVariance overExposure sharpness singleFacePresent \
             underExposure whitePoint"
        );
        // The eyes, marked by hand: 43 pixels apart, the one at the right 2.5 pixels lower.
        let number = |name: &str| quality[name].as_f64().unwrap();
        assert!((number("interEyeDistance") - 43.0).abs() < 3.0, "{quality}");
        assert!((number("headPoseRoll") - 3.3).abs() < 4.0, "{quality}");
        assert_eq!(number("singleFacePresent"), 0.0);
    }

    pub(crate) fn quality_not_a_bool_is_111(contract: &Contract) {
        for value in values_other_than(&["boolean"]) {
            let body = json!({ "images": [portrait()], "quality": value });
            assert_eq!(code(contract, &body, "quality must be a boolean"), 111);
        }
    }

    pub(crate) fn position_is_in_whole_pixels_inside_the_image(contract: &Contract) {
        let position = response(contract, &request([portrait()])).position;
        // The face, marked by hand: hairline to chin, cheek to cheek.
        for (value, by_hand) in
            [(position.left, 181), (position.top, 68), (position.width, 90), (position.height, 109)]
        {
            assert!(value.abs_diff(by_hand) <= 12, "{position:?}");
        }
        // A face cut by the edges: the box stays inside.
        let cut = PORTRAIT.crop_imm(200, 90, 200, 200);
        let position = response_to_file(contract, &encoded(&cut, ImageFormat::Png)).position;
        assert!(position.left + position.width <= 200 && position.top + position.height <= 200);
        assert!(position.width >= 1 && position.height >= 1);
    }

    pub(crate) fn spoof_score_is_a_probability(contract: &Contract) {
        let score = response(contract, &request([portrait()])).spoof_score;
        assert!((0.0..0.5).contains(&score), "{score}");
        for score in [0.0, 0.25, 1.0] {
            let engine = Engine::builder().model(Fake { score: Ok(score), ..Fake::new(1) });
            let engine = contract.serve(engine.default_model("fake").build().unwrap());
            assert_eq!(response(&engine, &request([portrait()])).spoof_score, score);
        }
    }

    pub(crate) fn a_score_that_is_not_a_probability_is_500(contract: &Contract) {
        for score in [f32::NAN, f32::INFINITY, -0.1, 1.1] {
            let engine = Engine::builder().model(Fake { score: Ok(score), ..Fake::new(1) });
            let engine = contract.serve(engine.default_model("fake").build().unwrap());
            assert_eq!(
                answer(&engine, request([portrait()]).to_string().as_bytes()).0,
                500,
                "{score}"
            );
        }
    }

    pub(crate) fn warnings_never_change_the_score_and_are_absent_when_empty(contract: &Contract) {
        let large =
            PORTRAIT.crop_imm(90, 0, 260, 260).resize_exact(900, 900, FilterType::CatmullRom);
        let (_, answer) = answer(
            contract,
            request([image(0, base64(&encoded(&large, ImageFormat::Png)))]).to_string().as_bytes(),
        );
        assert!(answer["position"].is_object() && answer.get("warnings").is_none(), "{answer}");
    }

    pub(crate) fn each_warning_appears_where_it_applies(contract: &Contract) {
        let warns = |image: &DynamicImage, warning: &Warning| {
            response_to_file(contract, &encoded(image, ImageFormat::Png)).warnings.contains(warning)
        };
        let dark = DynamicImage::ImageRgb8(imageops::brighten(&PORTRAIT.to_rgb8(), -130));
        let mapped = |change: fn(f32) -> f32| {
            let mut image = PORTRAIT.to_rgb8();
            image.iter_mut().for_each(|value| *value = change(f32::from(*value)) as u8);
            DynamicImage::ImageRgb8(image)
        };
        let bright = mapped(|value| value * 1.6);
        let hazy = mapped(|value| value * 0.5 + 64.0);
        assert!(!warns(&dark, &Warning::LowContrast) && !warns(&bright, &Warning::LowContrast));
        let cut = PORTRAIT.crop_imm(165, 20, 300, 300);
        let mut bordered = RgbImage::from_pixel(592, 592, Rgb([255; 3]));
        imageops::replace(&mut bordered, &PORTRAIT.to_rgb8(), 40, 40);
        let bordered = bordered.into();
        for (warning, applies) in [
            (Warning::LowLight, &dark),
            (Warning::Overexposed, &bright),
            (Warning::LowContrast, &hazy),
            (Warning::Blurred, &PORTRAIT.blur(3.5)),
            (Warning::Greyscale, &PORTRAIT.grayscale()),
            (Warning::FaceNearEdge, &cut),
            (Warning::Borders, &bordered),
        ] {
            assert!(warns(applies, &warning), "{warning:?}");
            assert!(!warns(&PORTRAIT, &warning), "{warning:?}");
        }
    }

    pub(crate) fn the_same_request_always_gives_the_same_response(contract: &Contract) {
        let body = request([portrait()]).to_string();
        let expected = contract.detect_json(body.as_bytes());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..5).for_each(|_| assert_eq!(contract.detect_json(body.as_bytes()), expected))
                });
            }
        });
        assert_eq!(
            contract.serve_default().detect_json(body.as_bytes()),
            expected,
            "another engine"
        );
    }
}

pub(crate) mod errors {
    use super::*;

    pub(crate) fn every_code_has_its_message(contract: &Contract) {
        let wall = base64(&encoded(&RgbImage::new(64, 64).into(), ImageFormat::Png));
        for (body, code, message) in [
            (json!({}), 110, "body_parameter_missing"),
            (json!({ "images": 1 }), 111, "body_parameter_invalid_type"),
            (request([image(-1, "")]), 112, "body_parameter_invalid_value"),
            (json!({ "images": [], "model": "none" }), 113, "body_parameter_not_found"),
            (request([image(0, ""), image(0, "")]), 116, "body_parameter_duplicated"),
            (request([image(0, "AAAA")]), 215, "image_data_not_supported"),
            (json!({ "images": [] }), 219, "image_data_too_few"),
            (request([image(0, wall)]), 223, "image_entity_not_found"),
        ] {
            let (status, answer) = answer(contract, body.to_string().as_bytes());
            assert_eq!(status, 400);
            assert_eq!(answer["error"]["code"], code);
            assert_eq!(answer["error"]["message"], message);
            assert_eq!(keys(&answer), "error");
            assert_eq!(keys(&answer["error"]), "code description message");
        }
    }

    pub(crate) fn a_body_that_is_not_json_is_112_on_body(contract: &Contract) {
        for body in [
            b"".as_slice(),
            b"{",
            b"{\"images\": [}",
            b"not json",
            b"\xff\xfe{}",
            b"{} {}",
            b"[1,]",
            b"\0",
        ] {
            let (code, _, description) = error(contract, body);
            assert_eq!(code, 112, "{description}");
            assert!(description.starts_with("body is not "), "{description}");
        }
    }

    pub(crate) fn a_key_that_is_not_unicode_is_112_on_body(contract: &Contract) {
        for body in [r#"{"\ud800": 1, "images": []}"#, r#"{"images": [{"index": 0, "\udc00": 1}]}"#]
        {
            let (code, _, description) = error(contract, body.as_bytes());
            assert_eq!((code, description.as_str()), (112, "body has a key that is not Unicode"));
        }
    }

    pub(crate) fn a_body_that_is_not_an_object_is_111_on_body(contract: &Contract) {
        for value in values_other_than(&["object"]) {
            assert_eq!(code(contract, &value, "body must be an object"), 111);
        }
    }

    pub(crate) fn paths_follow_the_array_as_it_was_sent(contract: &Contract) {
        assert_eq!(
            code(
                contract,
                &request([json!({ "index": 3 }), image(0, "no base64!")]),
                "images[1].data"
            ),
            112
        );
        let wall = base64(&encoded(&RgbImage::new(64, 64).into(), ImageFormat::Png));
        assert_eq!(
            code(
                contract,
                &request([json!({ "index": 3 }), image(0, wall)]),
                "No face was found in images[1]"
            ),
            223
        );
    }

    pub(crate) fn an_engine_failure_is_500_without_details(contract: &Contract) {
        let broken = Fake { score: Err("a secret of the engine"), ..Fake::new(1) };
        let engine =
            contract.serve(Engine::builder().model(broken).default_model("fake").build().unwrap());
        let (status, answer) = answer(&engine, request([portrait()]).to_string().as_bytes());
        assert_eq!(status, 500);
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
}

/// A model with set inputs and a set answer.
struct Fake {
    inputs: ModelInputs,
    score: Result<f32, &'static str>,
}

impl Fake {
    fn new(images: usize) -> Self {
        Self { inputs: ModelInputs::new(vec![ImageType::Rgb; images]), score: Ok(0.0) }
    }
}

impl LivenessModel for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn inputs(&self) -> &ModelInputs {
        &self.inputs
    }

    fn spoof_score(&self, _: &[Frame<'_>]) -> Result<f32, inference::Error> {
        self.score.map_err(inference::Error::run)
    }
}
