//! What an attacker gains who changes the picture: each attack of a set as it is and changed in the ways that a client can, and how
//! many that were caught then pass. Beside them the bona fide that are then taken for attacks, if the set has any.
//!
//! `cargo run --release --example perturb -- SET [--every N]`; SET as `evaluate` takes it.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use clap::Parser;
use face_liveness::image::{self as pixels, ImageView, Limits, Orientation, decode};
use face_liveness::{Engine, ImageSource};
use face_liveness_evaluate::dataset;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use rayon::prelude::*;

/// Scores pictures as they are and changed.
#[derive(Parser)]
struct Arguments {
    /// A folder or a CSV file, as for `evaluate`.
    set: PathBuf,
    /// Of each video, or of all images that belong to none, every so manieth.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// From this score on a face is called an attack.
    #[arg(long, default_value_t = 0.5)]
    threshold: f32,
}

type Change = fn(&RgbImage) -> RgbImage;

const CHANGES: [(&str, Change); 15] = [
    ("as it is", RgbImage::clone),
    ("blurred, σ 1", |image| imageops::blur(image, 1.0)),
    ("blurred, σ 2", |image| imageops::blur(image, 2.0)),
    ("half the resolution", |image| resized(image, 0.5)),
    ("half, and back", |image| resized_to(&resized(image, 0.5), image.dimensions())),
    ("twice the resolution", |image| resized(image, 2.0)),
    ("JPEG, quality 30", |image| recompressed(image, 30)),
    ("JPEG, quality 10", |image| recompressed(image, 10)),
    ("contrast − 30 %", |image| imageops::contrast(image, -30.0)),
    ("contrast + 30 %", |image| imageops::contrast(image, 30.0)),
    ("darker by 40", |image| imageops::brighten(image, -40)),
    ("brighter by 40", |image| imageops::brighten(image, 40)),
    ("a fifth cut off each edge", cropped),
    ("a grey border of a quarter", bordered),
    ("mirrored", imageops::flip_horizontal),
];

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

fn bordered(image: &RgbImage) -> RgbImage {
    let (width, height) = image.dimensions();
    let mut framed = RgbImage::from_pixel(width + width / 2, height + height / 2, Rgb([128; 3]));
    imageops::replace(&mut framed, image, i64::from(width / 4), i64::from(height / 4));
    framed
}

fn owned(image: &pixels::RgbImage) -> Option<RgbImage> {
    RgbImage::from_raw(image.width(), image.height(), image.pixels().to_vec())
}

fn score(engine: &Engine, image: &RgbImage) -> Option<f32> {
    let view = ImageView::new(image.width(), image.height(), image).ok()?;
    engine.detect_image(ImageSource::Rgb(view)).ok().map(|detection| detection.response.spoof_score)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { set, every, threshold } = Arguments::parse();
    let engine = Engine::builder().build()?;
    let mut seen = std::collections::HashMap::new();
    let mut presentations = dataset::read(&set)?;
    presentations.retain(|presentation| {
        let nth = seen.entry(presentation.video.clone()).or_insert(0);
        *nth += 1;
        (*nth - 1) % every == 0
    });
    // Of each picture: whether it is an attack, and its score after each change, and turned with a tag that says so.
    let scores: Vec<(bool, Vec<Option<f32>>)> = presentations
        .par_iter()
        .filter_map(|presentation| {
            let file = std::fs::read(&presentation.path).ok()?;
            let decoded = decode(&file, &Limits::default(), true).ok()?;
            let image = owned(&decoded)?;
            let mut scores: Vec<_> =
                CHANGES.iter().map(|(_, change)| score(&engine, &change(&image))).collect();
            // As if its tag lied.
            let turned = Orientation::new(6)?.upright(decoded);
            scores.push(score(&engine, &owned(&turned)?));
            Some((presentation.truth.species().is_some(), scores))
        })
        .collect();

    let attacks: Vec<_> =
        scores.iter().filter(|(attack, _)| *attack).map(|(_, scores)| scores).collect();
    let bona_fide: Vec<_> =
        scores.iter().filter(|(attack, _)| !attack).map(|(_, scores)| scores).collect();
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
        "| change | caught attacks that pass | that have no face | accepted bona fide that are refused | that have no face |"
    );
    println!("|---|---|---|---|---|");
    let names = CHANGES.iter().map(|&(name, _)| name).chain(["turned, with a tag that lies"]);
    for (change, name) in names.enumerate() {
        let part = |of: &[&&Vec<Option<f32>>], what: &dyn Fn(Option<f32>) -> bool| {
            let some = of.iter().filter(|scores| what(scores[change])).count();
            format!("{some} ({:.1} %)", 100.0 * some as f64 / of.len().max(1) as f64)
        };
        let none = |score: Option<f32>| score.is_none();
        println!(
            "| {name} | {} | {} | {} | {} |",
            part(&caught, &|score| is(score, false)),
            part(&caught, &none),
            part(&accepted, &|score| is(score, true)),
            part(&accepted, &none),
        );
    }
    let any = caught.iter().filter(|scores| scores.iter().any(|&score| is(score, false))).count();
    println!("\nAttacks that pass after the best of these for them: {any} of {}.", caught.len());
    Ok(())
}
