//! How scores respond to changes that a client can make to a picture.
//!
//! Each picture of a set is scored unchanged and after each change. The report counts the caught
//! attacks that then pass and the accepted bona fide presentations that are then refused.
//!
//! `cargo run --release --example perturb -- SET [--every N]`, where SET has the form that
//! `evaluate` reads.
#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;
use face_liveness::detection::BoundingBox;
use face_liveness::imaging::{self as pixels, ImageView, Limits, decode};
use face_liveness::{Engine, ImageSource, Response, Warning};
use face_liveness_evaluate::dataset;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use rayon::prelude::*;

/// Scores pictures unchanged and after each of a list of changes.
#[derive(Parser)]
struct Arguments {
    /// A folder or a CSV file, as for `evaluate`.
    set: PathBuf,
    /// Use every Nth frame of each video; images without a video count as one video.
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    every: NonZeroUsize,
    /// A face with this score or a higher one is classified as an attack.
    #[arg(long, default_value_t = 0.5)]
    threshold: f32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { set, every, threshold } = Arguments::parse();
    let engine = Engine::builder().build()?;
    let mut seen = HashMap::new();
    let mut presentations = dataset::read(&set)?;
    presentations.retain(|presentation| {
        let nth = seen.entry(presentation.video.clone()).or_insert(0);
        *nth += 1;
        (*nth - 1) % every == 0
    });
    let pictures: Vec<_> = presentations
        .par_iter()
        .filter_map(|presentation| {
            let file = std::fs::read(&presentation.path).ok()?;
            let image = owned(&decode(&file, &Limits::default(), true).ok()?)?;
            let face = find_face(&engine, &image)?;
            let warned = |change: fn(&RgbImage, &BoundingBox) -> RgbImage| {
                let response = detect(&engine, &change(&image, &face));
                response.map_or_else(Vec::new, |response| response.warnings)
            };
            Some(Scored {
                is_attack: presentation.truth.species().is_some(),
                scores: CHANGES
                    .iter()
                    .map(|(_, change)| score(&engine, &image, &face, change))
                    .collect(),
                warnings: warned(|image, _| image.clone()),
                warnings_after: WARNED.iter().map(|(_, _, change)| warned(*change)).collect(),
            })
        })
        .collect();

    let scores = |is_attack: bool| {
        pictures.iter().filter(move |picture| picture.is_attack == is_attack).map(|of| &of.scores)
    };
    let [attacks, bona_fide] = [true, false].map(|is_attack| scores(is_attack).collect::<Vec<_>>());
    let is =
        |score: Option<f32>, spoof: bool| score.is_some_and(|score| (score >= threshold) == spoof);
    let caught: Vec<_> = attacks.iter().filter(|scores| is(scores[0], true)).collect();
    let accepted: Vec<_> = bona_fide.iter().filter(|scores| is(scores[0], false)).collect();
    println!(
        "{} attacks, {} caught; {} bona fide, {} accepted\n",
        attacks.len(),
        caught.len(),
        bona_fide.len(),
        accepted.len()
    );
    println!(
        "| change | caught attacks that pass | without a face | accepted bona fide refused \
         | without a face |\n|---|---|---|---|---|"
    );
    for (change, (name, _)) in CHANGES.iter().enumerate() {
        let share = |pictures: &[&&Vec<Option<f32>>], wanted: &dyn Fn(Option<f32>) -> bool| {
            let count = pictures.iter().filter(|scores| wanted(scores[change])).count();
            format!("{count} ({:.1} %)", 100.0 * count as f64 / pictures.len().max(1) as f64)
        };
        println!(
            "| {name} | {} | {} | {} | {} |",
            share(&caught, &|score| is(score, false)),
            share(&caught, &|score| score.is_none()),
            share(&accepted, &|score| is(score, true)),
            share(&accepted, &|score| score.is_none()),
        );
    }
    let any = caught.iter().filter(|scores| scores.iter().any(|&score| is(score, false))).count();
    println!("\nCaught attacks that pass after at least one change: {any} of {}.", caught.len());

    let bona_fide: Vec<_> = pictures.iter().filter(|picture| !picture.is_attack).collect();
    print_warnings(&bona_fide);
    let refused = bona_fide.iter().filter(|picture| is(picture.scores[0], true));
    let refused: Vec<_> = refused.collect();
    let explained = refused.iter().filter(|picture| picture.warnings.iter().any(is_reason));
    println!(
        "\nUnchanged, {} bona fide are refused, {} of them with a warning other than smallFace and \
         multipleFaces.",
        refused.len(),
        explained.count()
    );
    Ok(())
}

/// A picture in which a face was found.
struct Scored {
    is_attack: bool,
    /// After each of `CHANGES`.
    scores: Vec<Option<f32>>,
    warnings: Vec<Warning>,
    /// After each of `WARNED`.
    warnings_after: Vec<Vec<Warning>>,
}

/// Prints the shares of pictures with each warning, after the change and unchanged.
fn print_warnings(bona_fide: &[&Scored]) {
    println!("\n| warning | change | warned after it | warned unchanged |\n|---|---|---|---|");
    for (i, (warning, change, _)) in WARNED.iter().enumerate() {
        let share = |count: usize| {
            format!("{count} ({:.1} %)", 100.0 * count as f64 / bona_fide.len().max(1) as f64)
        };
        let found =
            bona_fide.iter().filter(|picture| picture.warnings_after[i].contains(warning)).count();
        let said = bona_fide.iter().filter(|picture| picture.warnings.contains(warning)).count();
        println!("| {warning} | {change} | {} | {} |", share(found), share(said));
    }
}

/// Whether a warning tells the customer what to do better.
fn is_reason(warning: &Warning) -> bool {
    !matches!(warning, Warning::SmallFace | Warning::MultipleFaces)
}

/// A change, given the face that was found in the unchanged picture.
enum Change {
    Picture(fn(&RgbImage, &BoundingBox) -> RgbImage),
    /// The box times this factor, around its centre.
    FaceBox(f32),
}

use Change::{FaceBox, Picture};

const CHANGES: [(&str, Change); 35] = [
    ("unchanged", Picture(|image, _| image.clone())),
    ("blur, σ 1 px", Picture(|image, _| imageops::blur(image, 1.0))),
    ("blur, σ 2 px", Picture(|image, _| imageops::blur(image, 2.0))),
    ("resolution × 0.5", Picture(|image, _| resized(image, 0.5))),
    (
        "resolution × 0.5, then × 2",
        Picture(|image, _| resized_to(&resized(image, 0.5), image.dimensions())),
    ),
    ("resolution × 2", Picture(|image, _| resized(image, 2.0))),
    ("JPEG, quality 30", Picture(|image, _| recompressed(image, 30))),
    ("JPEG, quality 10", Picture(|image, _| recompressed(image, 10))),
    ("contrast × 0.5", Picture(|image, _| contrast(image, 0.5))),
    ("contrast × 0.7", Picture(|image, _| contrast(image, 0.7))),
    ("contrast × 1.4", Picture(|image, _| contrast(image, 1.4))),
    ("contrast × 1.7", Picture(|image, _| contrast(image, 1.7))),
    ("brightness − 40", Picture(|image, _| mapped(image, |value| value - 40.0))),
    ("brightness + 40", Picture(|image, _| mapped(image, |value| value + 40.0))),
    ("gamma 0.7", Picture(|image, _| gamma(image, 0.7))),
    ("gamma 1.4", Picture(|image, _| gamma(image, 1.4))),
    ("exposure − 1 EV", Picture(|image, _| exposure(image, -1.0))),
    ("exposure + 1 EV", Picture(|image, _| exposure(image, 1.0))),
    ("veiling glare of 20 %", Picture(|image, _| mapped(image, |value| 0.8 * value + 51.0))),
    ("red × 0.9, blue × 1.1", Picture(|image, _| balanced(image, [0.9, 1.0, 1.1]))),
    ("saturation × 0.7", Picture(|image, _| saturated(image, 0.7))),
    ("greyscale", Picture(|image, _| saturated(image, 0.0))),
    ("box × 0.8", FaceBox(0.8)),
    ("box × 1.2", FaceBox(1.2)),
    ("each edge cropped by 20 %", Picture(|image, _| cropped(image))),
    (
        "face at 85 % of the width",
        Picture(|image, face| around(image, face, 1.0 / 0.85, 4.0 / 3.0)),
    ),
    ("grey border of 10 %", Picture(|image, _| bordered(image, 0.1, Some(128)))),
    ("black border of 10 %", Picture(|image, _| bordered(image, 0.1, Some(0)))),
    ("white border of 10 %", Picture(|image, _| bordered(image, 0.1, Some(255)))),
    ("edge pixels repeated by 10 %", Picture(|image, _| bordered(image, 0.1, None))),
    ("grey border of 25 %", Picture(|image, _| bordered(image, 0.25, Some(128)))),
    (
        "cropped to 1.1 × the face, edge pixels repeated by 40 %",
        Picture(|image, face| {
            bordered(&around(image, face, 1.1, face.height / face.width), 0.4, None)
        }),
    ),
    (
        "cropped to 1.1 × the face",
        Picture(|image, face| around(image, face, 1.1, face.height / face.width)),
    ),
    ("mirrored", Picture(|image, _| imageops::flip_horizontal(image))),
    ("rotated by 90°, no Exif tag", Picture(|image, _| imageops::rotate90(image))),
];

/// A warning, and a change of the picture that should cause it.
type Warned = (Warning, &'static str, fn(&RgbImage, &BoundingBox) -> RgbImage);

const WARNED: [Warned; 7] = [
    (Warning::FaceNearEdge, "face at 85 % of the width", |image, face| {
        around(image, face, 1.0 / 0.85, 4.0 / 3.0)
    }),
    (Warning::Borders, "white border of 10 %", |image, _| bordered(image, 0.1, Some(255))),
    (Warning::LowLight, "exposure − 3 EV", |image, _| exposure(image, -3.0)),
    (Warning::Overexposed, "exposure + 2 EV", |image, _| exposure(image, 2.0)),
    (Warning::LowContrast, "contrast × 0.5", |image, _| contrast(image, 0.5)),
    (Warning::Blurred, "blur, σ 3 % of the face's width", |image, face| {
        imageops::blur(image, 0.03 * face.width)
    }),
    (Warning::Greyscale, "greyscale", |image, _| saturated(image, 0.0)),
];

/// The contrast times `factor` about mid-grey, in stored values.
fn contrast(image: &RgbImage, factor: f32) -> RgbImage {
    mapped(image, |value| (value - 127.5) * factor + 127.5)
}

/// Stored values raised to the power of `exponent`: below 1, the picture becomes brighter.
fn gamma(image: &RgbImage, exponent: f32) -> RgbImage {
    mapped(image, |value| 255.0 * (value / 255.0).powf(exponent))
}

/// The linear light times 2 to the power of `ev`, by the transfer function of sRGB.
fn exposure(image: &RgbImage, ev: f32) -> RgbImage {
    mapped(image, |value| {
        let stored = value / 255.0;
        let linear =
            if stored <= 0.04045 { stored / 12.92 } else { ((stored + 0.055) / 1.055).powf(2.4) };
        let light = linear * ev.exp2();
        let stored = if light <= 0.003_130_8 {
            light * 12.92
        } else {
            1.055 * light.powf(1.0 / 2.4) - 0.055
        };
        255.0 * stored
    })
}

/// Each stored value through `change`, rounded, and clipped to 0 to 255.
fn mapped(image: &RgbImage, change: impl Fn(f32) -> f32) -> RgbImage {
    let table: [u8; 256] = std::array::from_fn(|value| change(value as f32).round() as u8);
    let mut changed = image.clone();
    changed.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
    changed
}

fn resized_to(image: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    imageops::resize(image, width.max(1), height.max(1), FilterType::Triangle)
}

fn resized(image: &RgbImage, scale: f64) -> RgbImage {
    let side = |side: u32| (f64::from(side) * scale) as u32;
    resized_to(image, (side(image.width()), side(image.height())))
}

fn recompressed(image: &RgbImage, quality: u8) -> RgbImage {
    let mut file = Vec::new();
    let [width, height] = [image.width() as u16, image.height() as u16];
    let encoder = jpeg_encoder::Encoder::new(&mut file, quality);
    let encoded = encoder.encode(image, width, height, jpeg_encoder::ColorType::Rgb);
    let decoded = encoded.ok().and_then(|()| decode(&file, &Limits::default(), false).ok());
    decoded.and_then(|decoded| owned(&decoded)).unwrap_or_else(|| image.clone())
}

fn cropped(image: &RgbImage) -> RgbImage {
    let (width, height) = image.dimensions();
    imageops::crop_imm(
        image,
        width / 5,
        height / 5,
        width - 2 * (width / 5),
        height - 2 * (height / 5),
    )
    .to_image()
}

/// A border of a grey value, or of the edge's own pixels, on each side: `share` of the picture's
/// width or height.
fn bordered(image: &RgbImage, share: f32, value: Option<u8>) -> RgbImage {
    let (width, height) = image.dimensions();
    let border = |side: u32| (side as f32 * share) as u32;
    let (left, top) = (border(width), border(height));
    RgbImage::from_fn(width + 2 * left, height + 2 * top, |x, y| {
        let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
        match value {
            Some(value) if !inside => Rgb([value; 3]),
            _ => *image.get_pixel(
                x.saturating_sub(left).min(width - 1),
                y.saturating_sub(top).min(height - 1),
            ),
        }
    })
}

/// The part of the picture around the face: `scale` times its width, and `aspect` times as high.
fn around(image: &RgbImage, face: &BoundingBox, scale: f32, aspect: f32) -> RgbImage {
    let (width, height) = (face.width * scale, face.width * scale * aspect);
    let left = (face.left + (face.width - width) / 2.0).max(0.0);
    let top = (face.top + (face.height - height) / 2.0).max(0.0);
    imageops::crop_imm(image, left as u32, top as u32, width as u32, height as u32).to_image()
}

fn balanced(image: &RgbImage, factors: [f32; 3]) -> RgbImage {
    let mut changed = image.clone();
    for pixel in changed.pixels_mut() {
        for (value, factor) in pixel.0.iter_mut().zip(factors) {
            *value = (f32::from(*value) * factor).round() as u8;
        }
    }
    changed
}

/// The distance of each channel from the luma (ITU-R BT.601), times `factor`.
fn saturated(image: &RgbImage, factor: f32) -> RgbImage {
    let mut changed = image.clone();
    for Rgb(channels) in changed.pixels_mut() {
        let [red, green, blue] = channels.map(f32::from);
        let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
        *channels = [red, green, blue].map(|value| (luma + factor * (value - luma)).round() as u8);
    }
    changed
}

fn owned(image: &pixels::RgbImage) -> Option<RgbImage> {
    RgbImage::from_raw(image.width(), image.height(), image.pixels().to_vec())
}

fn find_face(engine: &Engine, image: &RgbImage) -> Option<BoundingBox> {
    Some(engine.find_face(ImageSource::Rgb(view(image)?)).ok()?.bounding_box)
}

fn score(engine: &Engine, image: &RgbImage, face: &BoundingBox, change: &Change) -> Option<f32> {
    match change {
        Picture(change) => {
            detect(engine, &change(image, face)).map(|response| response.spoof_score)
        }
        FaceBox(factor) => {
            let (width, height) = (face.width * factor, face.height * factor);
            let left = face.left + (face.width - width) / 2.0;
            let top = face.top + (face.height - height) / 2.0;
            let face = BoundingBox { left, top, width, height };
            engine.score_face(ImageSource::Rgb(view(image)?), face, None).ok()
        }
    }
}

fn detect(engine: &Engine, image: &RgbImage) -> Option<Response> {
    Some(engine.detect_image(ImageSource::Rgb(view(image)?)).ok()?.response)
}

fn view(image: &RgbImage) -> Option<ImageView<'_>> {
    ImageView::new(image.width(), image.height(), image).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(value: u8) -> RgbImage {
        RgbImage::from_pixel(1, 1, Rgb([value; 3]))
    }

    #[test]
    fn contrast_is_a_factor_about_mid_grey() {
        for (before, factor, after) in
            [(100, 1.0, 100), (127, 0.5, 127), (27, 0.7, 57), (227, 1.4, 255), (97, 1.4, 85)]
        {
            assert_eq!(contrast(&grey(before), factor), grey(after), "{before} × {factor}");
        }
    }

    #[test]
    fn one_ev_doubles_the_light() {
        // 127 of 255 is 21.2 % of the light in sRGB, 174 is 42.3 %.
        assert_eq!(exposure(&grey(127), 1.0), grey(174));
        assert_eq!(exposure(&grey(174), -1.0), grey(127));
        assert_eq!(exposure(&grey(255), 1.0), grey(255));
    }
}
