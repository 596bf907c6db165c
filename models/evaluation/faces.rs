//! Finds the largest face of each image, with the shipped decoder and detector, through pipes: for
//! the training in `models/training`.
//!
//! A request is a line of JSON, `{"length": 71432}`, followed by `length` bytes of an image file.
//!
//! The answer is a line, `{"width": 640, "height": 480, "faces": [[left, top, width, height]]}`, in
//! pixels of the image after its Exif orientation. Without a face, `faces` is empty. For an image
//! that does not decode, width and height are 0 as well.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use clap::Parser;
use face_liveness::imaging::{Limits, decode};
use face_liveness::{Engine, ImageSource};
use serde::{Deserialize, Serialize};

/// Reads images from standard input, and writes the box of the largest face of each to standard
/// output.
#[derive(Parser)]
struct Arguments {}

#[derive(Deserialize)]
struct Request {
    length: usize,
}

#[derive(Serialize, Default)]
struct Answer {
    width: u32,
    height: u32,
    faces: Vec<[f32; 4]>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments {} = Arguments::parse();
    let engine = Engine::builder().build()?;
    let mut requests = BufReader::new(std::io::stdin().lock());
    let mut answers = BufWriter::new(std::io::stdout().lock());
    let (mut line, mut file) = (String::new(), Vec::new());
    while requests.read_line(&mut line)? > 0 {
        let Request { length } = serde_json::from_str(&line)?;
        line.clear();
        file.resize(length, 0);
        requests.read_exact(&mut file)?;
        writeln!(answers, "{}", serde_json::to_string(&answer(&engine, &file))?)?;
        answers.flush()?;
    }
    Ok(())
}

fn answer(engine: &Engine, file: &[u8]) -> Answer {
    let Ok(photo) = decode(file, &Limits::default(), true) else { return Answer::default() };
    let face = engine.find_face(ImageSource::Rgb(photo.view())).map(|face| face.bounding_box);
    let faces = face.into_iter().map(|face| [face.left, face.top, face.width, face.height]);
    Answer { width: photo.width(), height: photo.height(), faces: faces.collect() }
}
