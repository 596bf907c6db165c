//! Measures the face detector: a line of Markdown for each figure of its card.
//!
//! `DIR` holds any of these folders; `models/training/README.md` says where they come from:
//!
//! - `caltech`: photos of one face, and `boxes.json`:
//!   `{"FILE": {"face": [left, top, width, height]}}`;
//! - `compreface`: photos of groups, and `noses.json`: `{"FILE": [[x, y]]}`;
//! - `stills`: photos of one face, and `landmarks.csv`: `file,x0,y0,…,x4,y4`;
//! - `faceless`: photos without any face.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use face_liveness::detection::{BoundingBox, Face, FaceDetector, HeatmapDetector, Point, largest};
use face_liveness::imaging::{Limits, Orientation, RgbImage, decode, resize};
use face_liveness::{Detection, Engine, Error, ImageSource, Warning};
use face_liveness_models::face_detector_v1;
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures the face detector, and prints its figures as a Markdown table.
#[derive(Parser)]
struct Arguments {
    /// The folder of `caltech`, `compreface`, `stills` and `faceless`; missing ones are skipped.
    dir: PathBuf,

    /// The portrait to scale and to rotate.
    #[arg(long, default_value = "examples/photos/astronaut.png")]
    portrait: PathBuf,

    /// Write the photos with errors into this folder, with the detector's box drawn on each.
    #[arg(long, value_name = "FOLDER")]
    misses: Option<PathBuf>,
}

fn main() -> Result<ExitCode, Failure> {
    let Arguments { dir, portrait, misses } = Arguments::parse();
    let detector = HeatmapDetector::new(&face_detector_v1()?)?;
    let report = Report { detector: Arc::new(detector), misses };
    println!("| | |\n|---|---|");
    report.portrait(&photo(&portrait)?)?;
    for (folder, figures) in [
        ("caltech", Report::caltech as fn(&Report, &Path) -> Result<(), Failure>),
        ("compreface", Report::compreface),
        ("stills", Report::stills),
        ("faceless", Report::faceless),
    ] {
        let folder = dir.join(folder);
        if folder.is_dir() {
            figures(&report, &folder)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Report {
    detector: Arc<HeatmapDetector>,
    misses: Option<PathBuf>,
}

impl Report {
    fn faces(&self, photo: &RgbImage) -> Result<Vec<Face>, Failure> {
        Ok(self.detector.detect(photo.view())?)
    }

    fn largest(&self, photo: &RgbImage) -> Result<Option<Face>, Failure> {
        Ok(largest(&self.faces(photo)?).cloned())
    }

    /// The portrait's face, 32 pixels wide, at nine places of grey and of black pictures; and the
    /// portrait rotated.
    fn portrait(&self, portrait: &RgbImage) -> Result<(), Failure> {
        let face = self.largest(portrait)?.ok_or("no face found in the portrait")?.bounding_box;
        for (width, height) in [(640, 480), (4032, 3024)] {
            let (mut found, mut tried) = (0, 0);
            let scale = 32.0 / face.width;
            let side = |side: u32| (side as f32 * scale).round() as u32;
            let small = resize(portrait.view(), side(portrait.width()), side(portrait.height()))?;
            for place in 0..9 {
                for shade in [0, 128] {
                    let at = |place: u32, side: u32, small: u32| place * (side - small) / 2;
                    let (left, top) = (
                        at(place % 3, width, small.width()),
                        at(place / 3, height, small.height()),
                    );
                    let truth = moved(&face.scaled([scale; 2]), left as f32, top as f32);
                    let picture = RgbImage::new(
                        width,
                        height,
                        pasted(&small, [width, height], [left, top], shade),
                    )?;
                    found += u32::from(is_right(self.largest(&picture)?.as_ref(), &truth));
                    tried += 1;
                }
            }
            println!(
                "| portrait with a face 32 px wide, anywhere in {width} × {height}: \
                 right (IoU ≥ 0.5) | {found} of {tried} |"
            );
        }
        let (mut found, mut tried) = (0, 0);
        for angle in (-40..=40).step_by(5) {
            let (picture, truth) = rotated(portrait, &face, (angle as f32).to_radians())?;
            found += u32::from(is_right(self.largest(&picture)?.as_ref(), &truth));
            tried += 1;
        }
        println!("| portrait rotated by −40° to 40° in steps of 5°: right | {found} of {tried} |");
        Ok(())
    }

    fn caltech(&self, folder: &Path) -> Result<(), Failure> {
        #[derive(Deserialize)]
        struct Labelled {
            face: [f32; 4],
        }
        let labels: BTreeMap<String, Labelled> = json(&folder.join("boxes.json"))?;
        let engine = Engine::builder()
            .detector(Arc::clone(&self.detector))
            .search_rotations(true)
            .build()?;
        let photos =
            labels.par_iter().map(|(name, Labelled { face: [left, top, width, height] })| {
                let photo = photo(&folder.join(name))?;
                let truth = BoundingBox { left: *left, top: *top, width: *width, height: *height };
                let found = self.largest(&photo)?;
                if !is_right(found.as_ref(), &truth) {
                    self.show(name, &photo, found.as_ref())?;
                }
                Ok(CaltechPhoto {
                    overlap: found.as_ref().map_or(0.0, |face| face.bounding_box.iou(&truth)),
                    moves: self.moves(&photo)?,
                    rotations: self.rotations(&photo, &truth, &engine)?,
                })
            });
        let photos: Vec<_> = photos.collect::<Result<_, Failure>>()?;
        let overlaps: Vec<_> = photos.iter().map(|photo| photo.overlap).collect();
        let count = |of: fn(&Rotation) -> bool| {
            [0, 1, 2, 3]
                .map(|index| photos.iter().filter(|photo| of(&photo.rotations[index])).count())
        };
        let (rotations, searched) =
            (count(|rotation| rotation.right), count(|rotation| rotation.right_when_searched));
        let right = overlaps.iter().filter(|&&iou| iou >= 0.5).count();
        let mean = overlaps.iter().sum::<f32>() / overlaps.len() as f32;
        println!(
            "| Caltech faces: largest face right | {right} of {}, mean IoU {mean:.3} |",
            overlaps.len()
        );
        println!("| the same rotated by 0°, 90°, 180°, 270°: right | {rotations:?} |");
        println!(
            "| the same with `search_rotations`: right, and the warning `rotated` too \
             | {searched:?} |"
        );
        print_moves(
            "shifted by 2 px",
            photos.iter().flat_map(|photo| &photo.moves.shifted).copied().collect(),
        );
        print_moves(
            "mirrored",
            photos.iter().flat_map(|photo| &photo.moves.mirrored).copied().collect(),
        );
        Ok(())
    }

    /// Whether the detector is right, and the engine with `search_rotations`, for the photo in each
    /// of its four rotations.
    fn rotations(
        &self,
        photo: &RgbImage,
        truth: &BoundingBox,
        engine: &Engine,
    ) -> Result<[Rotation; 4], Failure> {
        let mut rotations = [Rotation::default(); 4];
        for (rotation, orientation) in
            rotations.iter_mut().zip([1, 6, 3, 8].into_iter().filter_map(Orientation::new))
        {
            let truth = truth.oriented(orientation, photo.width(), photo.height());
            let rotated = orientation.apply(photo.view().crop(0, 0, photo.width(), photo.height()));
            rotation.right = is_right(self.largest(&rotated)?.as_ref(), &truth);
            rotation.right_when_searched = match engine
                .detect_image(ImageSource::Rgb(rotated.view()))
            {
                Ok(Detection { response, face, .. }) => {
                    let warned = response.warnings.contains(&Warning::Rotated);
                    is_right(Some(&face), &truth) && warned == (orientation != Orientation::UPRIGHT)
                }
                Err(Error::NoFace { .. }) => false,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(rotations)
    }

    /// How far the box moves if the photo is shifted by two pixels, or mirrored.
    fn moves(&self, photo: &RgbImage) -> Result<Moves, Failure> {
        let mut moves = Moves::default();
        let (width, height) = (photo.width() - 2, photo.height() - 2);
        let part = |left, top| photo.view().crop(left, top, width, height);
        let Some(before) = self.largest(&part(0, 0))? else { return Ok(moves) };
        for (left, top) in [(2, 0), (0, 2), (2, 2)] {
            let after = self.largest(&part(left, top))?;
            moves.shifted.extend(after.map(|after| {
                movement(&before.bounding_box, &moved(&after.bounding_box, left as f32, top as f32))
            }));
        }
        let mirrored = Orientation::new(2).ok_or("no orientation 2")?.apply(part(0, 0));
        moves.mirrored.extend(self.largest(&mirrored)?.map(|after| {
            let BoundingBox { left, width: side, .. } = after.bounding_box;
            let back = BoundingBox { left: width as f32 - left - side, ..after.bounding_box };
            movement(&before.bounding_box, &back)
        }));
        Ok(moves)
    }

    fn compreface(&self, folder: &Path) -> Result<(), Failure> {
        let noses: BTreeMap<String, Vec<Point2>> = json(&folder.join("noses.json"))?;
        let (mut found, mut all, mut photos, mut extra) = (0, 0, 0, 0);
        for (name, noses) in &noses {
            let path = folder.join(name);
            if !path.is_file() {
                continue;
            }
            let photo = photo(&path)?;
            let faces = self.faces(&photo)?;
            let holds =
                |face: &Face, &Point2(x, y): &Point2| face.bounding_box.contains(Point { x, y });
            let here =
                noses.iter().filter(|nose| faces.iter().any(|face| holds(face, nose))).count();
            extra +=
                faces.iter().filter(|face| !noses.iter().any(|nose| holds(face, nose))).count();
            if here < noses.len() {
                self.show(name, &photo, largest(&faces))?;
            }
            (found, all, photos) = (found + here, all + noses.len(), photos + 1);
        }
        println!(
            "| CompreFace, {photos} photos: noses in a box \
             | {found} of {all}; boxes without a nose: {extra} |"
        );
        Ok(())
    }

    fn stills(&self, folder: &Path) -> Result<(), Failure> {
        let (mut errors, mut stills) = (Vec::new(), 0);
        for row in csv::Reader::from_path(folder.join("landmarks.csv"))?.deserialize() {
            let (name, truth): (String, [[f32; 2]; 5]) = row?;
            stills += 1;
            let faces = self.faces(&photo(&folder.join(name))?)?;
            let [x, y] = truth[2];
            let Some(face) = faces.iter().find(|face| face.bounding_box.contains(Point { x, y }))
            else {
                continue;
            };
            let landmarks = face.landmarks.ok_or("the detector returned no landmarks")?;
            let distances = landmarks
                .iter()
                .zip(&truth)
                .map(|(found, [x, y])| (found.x - x).hypot(found.y - y));
            errors.push(100.0 * distances.sum::<f32>() / 5.0 / face.bounding_box.width);
        }
        errors.sort_by(f32::total_cmp);
        println!("| video stills: tip of the nose in a box | {} of {stills} |", errors.len());
        println!(
            "| their landmarks: error, in percent of the box's width \
             | mean {:.2}, median {:.2}, 95th percentile {:.2} |",
            errors.iter().sum::<f32>() / errors.len() as f32,
            errors[errors.len() / 2],
            errors[errors.len() * 95 / 100]
        );
        Ok(())
    }

    fn faceless(&self, folder: &Path) -> Result<(), Failure> {
        let (mut faces, mut with, mut photos) = (0, 0, 0);
        let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let photo = photo(&entry.path())?;
            let found = self.faces(&photo)?;
            if let Some(face) = largest(&found) {
                with += 1;
                self.show(&entry.file_name().to_string_lossy(), &photo, Some(face))?;
            }
            (faces, photos) = (faces + found.len(), photos + 1);
        }
        println!("| {photos} photos without a face: false faces | {faces}, in {with} photos |");
        Ok(())
    }

    fn show(&self, name: &str, photo: &RgbImage, found: Option<&Face>) -> Result<(), Failure> {
        let Some(folder) = &self.misses else { return Ok(()) };
        std::fs::create_dir_all(folder)?;
        let drawing = outlined(photo, found.map(|face| &face.bounding_box));
        Ok(drawing.save(folder.join(name).with_extension("png"))?)
    }
}

/// The photo, with the edge of the box in red.
fn outlined(photo: &RgbImage, face: Option<&BoundingBox>) -> image::RgbImage {
    let mut canvas = image::RgbImage::new(photo.width(), photo.height());
    canvas.copy_from_slice(photo.pixels());
    let Some(face) = face else { return canvas };
    let stroke = 2.0 * photo.width().max(photo.height()).div_ceil(800) as f32;
    for (x, y, pixel) in canvas.enumerate_pixels_mut() {
        let [x, y] = [x as f32, y as f32];
        let across = (x - face.left).min(face.right() - x);
        let down = (y - face.top).min(face.bottom() - y);
        if (0.0..stroke).contains(&across.min(down)) {
            *pixel = image::Rgb([220, 20, 60]);
        }
    }
    canvas
}

#[derive(Deserialize)]
struct Point2(f32, f32);

/// How far boxes moved, relative to their sides.
#[derive(Default)]
struct Moves {
    shifted: Vec<f32>,
    mirrored: Vec<f32>,
}

fn print_moves(change: &str, mut moves: Vec<f32>) {
    moves.sort_by(f32::total_cmp);
    let percentile = |part: f32| 100.0 * moves[((moves.len() - 1) as f32 * part) as usize];
    let mean = 100.0 * moves.iter().sum::<f32>() / moves.len() as f32;
    println!(
        "| the same {change}: movement of the box, in percent of its side \
         | mean {mean:.2}, 95th percentile {:.2}, maximum {:.2} |",
        percentile(0.95),
        percentile(1.0)
    );
}

#[derive(Clone, Copy, Default)]
struct Rotation {
    right: bool,
    right_when_searched: bool,
}

struct CaltechPhoto {
    overlap: f32,
    moves: Moves,
    rotations: [Rotation; 4],
}

/// The largest movement of an edge, relative to the box's side.
fn movement(before: &BoundingBox, after: &BoundingBox) -> f32 {
    let across = [after.left - before.left, after.right() - before.right()]
        .map(|edge| edge.abs() / before.width);
    let down = [after.top - before.top, after.bottom() - before.bottom()]
        .map(|edge| edge.abs() / before.height);
    across.into_iter().chain(down).fold(0.0, f32::max)
}

fn is_right(face: Option<&Face>, truth: &BoundingBox) -> bool {
    face.is_some_and(|face| face.bounding_box.iou(truth) >= 0.5)
}

fn moved(face: &BoundingBox, right: f32, down: f32) -> BoundingBox {
    BoundingBox { left: face.left + right, top: face.top + down, ..*face }
}

fn pasted(
    small: &RgbImage,
    [width, height]: [u32; 2],
    [left, top]: [u32; 2],
    shade: u8,
) -> Vec<u8> {
    let mut pixels = vec![shade; (width * height * 3) as usize];
    for y in 0..small.height() {
        let start = (((top + y) * width + left) * 3) as usize;
        let row = small.view().row(y);
        pixels[start..start + row.len()].copy_from_slice(row);
    }
    pixels
}

/// The picture rotated clockwise around the face's centre, grey beyond its edges; and the upright
/// box of the face, which counts as an ellipse.
fn rotated(
    picture: &RgbImage,
    face: &BoundingBox,
    angle: f32,
) -> Result<(RgbImage, BoundingBox), Failure> {
    let (width, height) = (picture.width(), picture.height());
    let middle = [face.left + face.width / 2.0, face.top + face.height / 2.0];
    let (sin, cos) = angle.sin_cos();
    let mut pixels = Vec::with_capacity(picture.pixels().len());
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x as f32 + 0.5 - middle[0], y as f32 + 0.5 - middle[1]);
            let from =
                [middle[0] + cos * dx + sin * dy - 0.5, middle[1] - sin * dx + cos * dy - 0.5];
            pixels.extend(bilinear(picture, from));
        }
    }
    let half = |a: f32, b: f32| (a * cos).hypot(b * sin) / 2.0;
    let (half_width, half_height) = (half(face.width, face.height), half(face.height, face.width));
    let truth = BoundingBox {
        left: middle[0] - half_width,
        top: middle[1] - half_height,
        width: 2.0 * half_width,
        height: 2.0 * half_height,
    };
    Ok((RgbImage::new(width, height, pixels)?, truth))
}

fn bilinear(picture: &RgbImage, [x, y]: [f32; 2]) -> [u8; 3] {
    let inside = x >= 0.0
        && y >= 0.0
        && x < (picture.width() - 1) as f32
        && y < (picture.height() - 1) as f32;
    if !inside {
        return [128; 3];
    }
    let at = |dx: u32, dy: u32| picture.view().pixel(x as u32 + dx, y as u32 + dy).map(f32::from);
    let mix = |a: [f32; 3], b: [f32; 3], part: f32| [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * part);
    let (upper, lower) = (mix(at(0, 0), at(1, 0), x.fract()), mix(at(0, 1), at(1, 1), x.fract()));
    mix(upper, lower, y.fract()).map(|sample| sample.round() as u8)
}

fn photo(path: &Path) -> Result<RgbImage, Failure> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(decode(&bytes, &Limits::default(), true)?)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}
