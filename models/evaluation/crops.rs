//! Makes the crops that the liveness networks see, for their training, with the shipped decoder,
//! detector, crops and resizes, through pipes.
//!
//! A request is a line of JSON, `{"length": 71432, "faces": [[left, top, width, height], …]}`,
//! followed by `length` bytes of an image file. Without `faces`, the largest face is detected.
//!
//! The answer is a line, `{"width": 640, "height": 480, "faces": […]}`, followed for each face by
//! the crops of both networks, tight and context, as `3 × S × S` bytes each: blue, green, red. For
//! an image that does not decode, width and height are 0 and there is no face. With `--faces-only`
//! no crops follow.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use clap::Parser;
use face_liveness::detection::BoundingBox;
use face_liveness::imaging::{Limits, decode};
use face_liveness::inference::Crop;
use face_liveness::network::PlanesMut;
use face_liveness::{Engine, ImageSource};
use face_liveness_models::{CropInput, rgb_single_v1};
use serde::{Deserialize, Serialize};

/// Reads images and face boxes from standard input, and writes crops to standard output.
#[derive(Parser)]
struct Arguments {
    /// Answer with boxes only.
    #[arg(long)]
    faces_only: bool,
}

#[derive(Deserialize)]
struct Request {
    length: usize,
    faces: Option<Vec<[f32; 4]>>,
}

#[derive(Serialize, Default)]
struct Answer {
    width: u32,
    height: u32,
    faces: Vec<[f32; 4]>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let Arguments { faces_only } = Arguments::parse();
    let engine = Engine::builder().build()?;
    let model = rgb_single_v1()?;
    let inputs = [model.tight.input, model.context.input];
    let mut requests = BufReader::new(std::io::stdin().lock());
    let mut answers = BufWriter::new(std::io::stdout().lock());
    let (mut line, mut file) = (String::new(), Vec::new());
    while requests.read_line(&mut line)? > 0 {
        let Request { length, faces } = serde_json::from_str(&line)?;
        line.clear();
        file.resize(length, 0);
        requests.read_exact(&mut file)?;
        answer(&engine, &inputs, &file, faces, faces_only, &mut answers)?;
        answers.flush()?;
    }
    Ok(())
}

fn answer(
    engine: &Engine,
    inputs: &[CropInput],
    file: &[u8],
    faces: Option<Vec<[f32; 4]>>,
    faces_only: bool,
    answers: &mut impl Write,
) -> Result<(), Failure> {
    let Ok(photo) = decode(file, &Limits::default(), true) else {
        return Ok(writeln!(answers, "{}", serde_json::to_string(&Answer::default())?)?);
    };
    let image = photo.view();
    let found = || {
        let face = engine.find_face(ImageSource::Rgb(image)).ok()?.bounding_box;
        Some([face.left, face.top, face.width, face.height])
    };
    let faces = faces.unwrap_or_else(|| found().into_iter().collect());
    let answer = Answer { width: photo.width(), height: photo.height(), faces };
    writeln!(answers, "{}", serde_json::to_string(&answer)?)?;
    if faces_only {
        return Ok(());
    }
    for [left, top, width, height] in answer.faces {
        let face = BoundingBox { left, top, width, height };
        for input in inputs {
            let side = input.side as usize;
            let mut values = vec![0.0; 3 * side * side];
            let mut planes = PlanesMut::new([3, side, side], &mut values)?;
            Crop::around(face, input.crop_scale, image.width(), image.height()).write(
                image,
                &mut planes,
                input.resize,
                input.channels,
            )?;
            answers.write_all(&values.iter().map(|&sample| sample as u8).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}
