//! Scores photos, one JSON line each, or answers a whole request body:
//! `cargo run --release --example detect -- examples/photos/astronaut.jpg`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use face_liveness::imaging::{Limits, RgbImage, decode};
use face_liveness::{Engine, ImageSource, Position, Response};
use serde::Serialize;

type Failure = Box<dyn std::error::Error>;

const HELP: &str = "\
Is the largest face in a photo a live person, or a print or a screen?

Prints one JSON line per photo: the file name, and the response or the error of the Liveness API.
With --request it prints the exact bytes that a service would answer.

Usage: detect [OPTIONS] PHOTO...
       detect --request BODY.json

  PHOTO...              JPEG, PNG, GIF, WebP or BMP files; `-` reads standard input, and `./-a.jpg`
                        is a file whose name begins with a hyphen
  --auto-rotate         Apply the Exif orientation
  --annotate OUT.png    Write a copy of the photo with the face outlined: red if its spoof score
                        is at least 0.5, green otherwise (one photo only)
  --request BODY.json   Answer this request body; `-` reads standard input
  -h, --help            Print this help

Exit status: 0 if every photo, or the request, got a response; 1 if one got an error; 2 if the
arguments are wrong or a file cannot be read or written. The other photos are still scored.
";

#[derive(Default)]
struct Arguments {
    photos: Vec<PathBuf>,
    auto_rotate: bool,
    annotate: Option<PathBuf>,
    request: Option<PathBuf>,
    help: bool,
}

fn main() -> ExitCode {
    parse().and_then(|arguments| run(&arguments)).unwrap_or_else(|error| {
        eprintln!("detect: {error}");
        ExitCode::from(2)
    })
}

fn parse() -> Result<Arguments, Failure> {
    let mut arguments = Arguments::default();
    let mut given = std::env::args_os().skip(1);
    while let Some(argument) = given.next() {
        let mut file = |option| Ok::<_, Failure>(given.next().ok_or(option)?.into());
        match argument.to_str() {
            Some("--auto-rotate") => arguments.auto_rotate = true,
            Some("--annotate") => arguments.annotate = Some(file("--annotate needs a file")?),
            Some("--request") => arguments.request = Some(file("--request needs a file")?),
            Some("-h" | "--help") => arguments.help = true,
            Some(option) if option.len() > 1 && option.starts_with('-') => {
                return Err(format!("there is no option {option}; see --help").into());
            }
            _ => arguments.photos.push(argument.into()),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.help {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let photos = &arguments.photos;
    match (&arguments.request, photos.len()) {
        (None, 0) => return Err("no photo given; see --help".into()),
        (Some(_), 1..) => return Err("--request takes no photos".into()),
        (None, 2..) if arguments.annotate.is_some() => {
            return Err("--annotate takes one photo".into());
        }
        _ => {}
    }
    let engine = Engine::builder().build()?;
    if let Some(path) = &arguments.request {
        let answer = engine.detect_json(&read(path)?);
        std::io::stdout().write_all(&answer.body)?;
        return Ok(if answer.status == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut status = 0;
    for photo in photos {
        let scored = score(&engine, photo, arguments).unwrap_or_else(|error| {
            eprintln!("detect: {error}");
            2
        });
        status = status.max(scored);
    }
    Ok(status.into())
}

#[derive(Serialize)]
struct Line<'a, Answer> {
    file: &'a Path,
    #[serde(flatten)]
    answer: Answer,
}

/// Prints the JSON line of a photo. Returns the exit status: 0 if the photo got a response, else 1.
fn score(engine: &Engine, photo: &Path, arguments: &Arguments) -> Result<u8, Failure> {
    let bytes = read(photo)?;
    let auto_rotate = arguments.auto_rotate;
    match engine.detect_image(ImageSource::Encoded { bytes: &bytes, auto_rotate }) {
        Ok(detection) => {
            let response = detection.response;
            if let Some(out) = &arguments.annotate {
                let upright = decode(&bytes, &Limits::default(), auto_rotate)?;
                let drawing = annotate(&upright, &response);
                drawing.save(out).map_err(|error| format!("{}: {error}", out.display()))?;
            }
            println!("{}", serde_json::to_string(&Line { file: photo, answer: response })?);
            Ok(0)
        }
        Err(error) => {
            println!("{}", serde_json::to_string(&Line { file: photo, answer: error.to_body() })?);
            Ok(1)
        }
    }
}

/// The photo with the face outlined. `photo` is the image as it was processed: after the Exif
/// orientation, if that was applied.
fn annotate(photo: &RgbImage, response: &Response) -> image::RgbImage {
    let colour = if response.spoof_score >= 0.5 { [220, 20, 60] } else { [50, 205, 50] };
    let mut canvas = image::RgbImage::new(photo.width(), photo.height());
    canvas.copy_from_slice(photo.pixels());
    // Two pixels wide when a screen shows the photo 800 pixels wide.
    let stroke = 2 * photo.width().max(photo.height()).div_ceil(800);
    let Position { left, top, width, height } = response.position;
    for y in top..top + height {
        for x in left..left + width {
            let [dx, dy] = [x - left, y - top];
            let to_edge = dx.min(dy).min(width - 1 - dx).min(height - 1 - dy);
            if to_edge < stroke {
                canvas.put_pixel(x, y, image::Rgb(colour));
            }
        }
    }
    canvas
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
