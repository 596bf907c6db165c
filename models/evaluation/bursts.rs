//! Measures `rgb-burst-v2` on true bursts, the frames of each video, and on mixed ones: a frame of
//! one person before frames of another, or a frame of an attack among bona fide frames of the same
//! person. A mixed burst must be refused, or score as high as the worst of its frames.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Parser;
use face_liveness::schema::Warning;
use face_liveness::{Engine, Error, ErrorCode, ImageSource};
use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;
use serde::Deserialize;

const FRAMES: usize = 5;
/// The JPEG quality of the recompressed frames, 1 to 100.
const QUALITY: u8 = 80;
/// Mixed bursts for each video.
const STRANGERS: usize = 3;

/// Measures `rgb-burst-v2` on the videos of a set, and on bursts of frames of two people.
#[derive(Parser)]
struct Arguments {
    /// An evaluator's list, with the columns `path`, `label`, `subject` and `video`.
    #[arg(value_name = "SET.csv")]
    set: PathBuf,
}

#[derive(Deserialize)]
struct Row {
    path: PathBuf,
    label: String,
    subject: String,
    video: String,
}

struct Video {
    is_live: bool,
    subject: String,
    frames: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Tally {
    bursts: usize,
    without_face: usize,
    refused: usize,
    outvoted: usize,
    repeated: usize,
}

impl Tally {
    fn add(mut self, other: Self) -> Self {
        self.bursts += other.bursts;
        self.without_face += other.without_face;
        self.refused += other.refused;
        self.outvoted += other.outvoted;
        self.repeated += other.repeated;
        self
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { set } = Arguments::parse();
    let videos = videos(&set)?;
    let engine = Engine::builder().build()?;
    for (name, is_live) in [("bona fide", true), ("attacks", false)] {
        let these = videos.par_iter().filter(|video| video.is_live == is_live);
        let tally = these.map(|video| measure(&engine, &video.frames.iter().collect::<Vec<_>>()));
        print(&format!("true, {name}"), &tally.reduce(Tally::default, Tally::add));
    }
    let repeated = videos.par_iter().map(|video| {
        let frame = &video.frames[0];
        let again = compressed_again(frame).unwrap_or_else(|| frame.clone());
        measure(&engine, &[frame, &again])
    });
    print("a frame and the same compressed again", &repeated.reduce(Tally::default, Tally::add));
    let mixed = (0..videos.len() * STRANGERS).into_par_iter().filter_map(|at| {
        // The step is prime: each video meets different others.
        let (one, other) = (&videos[at / STRANGERS], &videos[(at * 7919 + 31) % videos.len()]);
        let first = one.frames.first()?;
        (one.subject != other.subject).then(|| {
            measure(&engine, &[&[first][..], &other.frames.iter().collect::<Vec<_>>()].concat())
        })
    });
    print("mixed", &mixed.reduce(Tally::default, Tally::add));
    let replaced = videos.par_iter().enumerate().filter_map(|(at, attack)| {
        let is_bona_fide = |video: &&Video| video.is_live && video.subject == attack.subject;
        let bona_fide: Vec<_> = videos.iter().filter(is_bona_fide).collect();
        if attack.is_live || bona_fide.is_empty() {
            return None;
        }
        let mut frames: Vec<_> = bona_fide[at % bona_fide.len()].frames.iter().collect();
        frames.insert(frames.len() / 2, &attack.frames[0]);
        Some(measure(&engine, &frames))
    });
    print(
        "bona fide, with an attack on the same person",
        &replaced.reduce(Tally::default, Tally::add),
    );
    Ok(())
}

fn videos(list: &Path) -> Result<Vec<Video>, Box<dyn std::error::Error>> {
    let folder = list.parent().unwrap_or(Path::new(""));
    let mut videos = BTreeMap::new();
    for row in csv::Reader::from_path(list)?.deserialize() {
        let Row { path, label, subject, video } = row?;
        let entry = videos.entry(video).or_insert_with(|| Video {
            is_live: label == "live",
            subject,
            frames: Vec::new(),
        });
        if entry.frames.len() < FRAMES {
            entry.frames.push(std::fs::read(folder.join(path))?);
        }
    }
    Ok(videos.into_values().filter(|video| video.frames.len() > 1).collect())
}

fn compressed_again(frame: &[u8]) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, QUALITY);
    image::load_from_memory(frame).ok()?.to_rgb8().write_with_encoder(encoder).ok()?;
    Some(file)
}

fn measure(engine: &Engine, frames: &[&Vec<u8>]) -> Tally {
    let frames: Vec<_> =
        frames.iter().map(|bytes| ImageSource::Encoded { bytes, auto_rotate: false }).collect();
    let mut tally = Tally { bursts: 1, ..Tally::default() };
    match engine.detect_images(&frames, Some("rgb-burst-v2")) {
        Ok(detection) => {
            let score = |&frame| engine.detect_image(frame).map(|one| one.response.spoof_score);
            let worst = frames.iter().filter_map(|frame| score(frame).ok()).fold(0.0, f32::max);
            tally.repeated +=
                usize::from(detection.response.warnings.contains(&Warning::RepeatedFrame));
            tally.outvoted += usize::from(worst >= 0.5 && detection.response.spoof_score < 0.5);
        }
        Err(Error::NoFace { .. }) => tally.without_face += 1,
        Err(error) if error.code() == ErrorCode::InvalidValue => tally.refused += 1,
        Err(error) => println!("{}", error.description()),
    }
    tally
}

fn print(name: &str, tally: &Tally) {
    let Tally { bursts, without_face, refused, outvoted, repeated } = tally;
    println!(
        "{name}: {bursts} bursts; no face in the first frame of {without_face}; {refused} refused; \
         {outvoted} accepted although a frame alone is not; a repeated frame in {repeated}"
    );
}
