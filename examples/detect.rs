//! Is the face in a photo live? A JSON line a photo, or the answer to a whole request body.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use face_liveness::image::{Limits, decode};
use face_liveness::{Detection, Engine, ImageSource};
use face_liveness_examples::annotate;
use serde::Serialize;

type Failure = Box<dyn std::error::Error>;

/// Is the largest face in a photo a live person, or a print, a screen, a mask?
///
/// Prints one JSON line a photo: the file, and the response or the error of the Liveness API. With --request
/// it answers a request body with the very bytes that a service would send.
///
/// Exit status: 0 when every photo, or the request, got a response; 1 when one got an error; 2 when a file
/// could not be read or written.
#[derive(Parser)]
struct Arguments {
    /// JPEG, PNG, GIF, WebP or BMP files.
    #[arg(required_unless_present = "request")]
    photos: Vec<PathBuf>,

    /// Apply the photos' Exif orientation.
    #[arg(long)]
    auto_rotate: bool,

    /// Write the photo with the box and the score drawn on it (one photo only).
    #[arg(long, value_name = "OUT.png")]
    annotate: Option<PathBuf>,

    /// Answer this request body; `-` for standard input.
    #[arg(long, value_name = "BODY.json", conflicts_with_all = ["photos", "auto_rotate", "annotate"])]
    request: Option<PathBuf>,
}

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("detect: {error}");
        ExitCode::from(2)
    })
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.annotate.is_some() && arguments.photos.len() > 1 {
        return Err("--annotate takes one photo".into());
    }
    let engine = Engine::builder().build()?;
    if let Some(path) = &arguments.request {
        let answer = engine.detect_json(&read(path)?);
        std::io::stdout().write_all(&answer.body)?;
        return Ok(if answer.status == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut status = ExitCode::SUCCESS;
    for photo in &arguments.photos {
        if !answer(&engine, photo, arguments)? {
            status = ExitCode::FAILURE;
        }
    }
    Ok(status)
}

#[derive(Serialize)]
struct Line<'a, Answer> {
    file: &'a Path,
    #[serde(flatten)]
    answer: Answer,
}

/// Prints the JSON line for a photo; whether it holds a response.
fn answer(engine: &Engine, photo: &Path, arguments: &Arguments) -> Result<bool, Failure> {
    let bytes = read(photo)?;
    let auto_rotate = arguments.auto_rotate;
    let line = match engine.detect_image(ImageSource::Encoded { bytes: &bytes, auto_rotate }) {
        Ok(Detection { response, .. }) => {
            if let Some(out) = &arguments.annotate {
                let upright = decode(&bytes, &Limits::default(), auto_rotate)?;
                let drawing = annotate(&upright, &response);
                drawing.save(out).map_err(|error| format!("{}: {error}", out.display()))?;
            }
            (serde_json::to_string(&Line { file: photo, answer: response })?, true)
        }
        Err(error) => {
            (serde_json::to_string(&Line { file: photo, answer: error.to_body() })?, false)
        }
    };
    println!("{}", line.0);
    Ok(line.1)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| format!("{}: {error}", path.display()).into())
}
