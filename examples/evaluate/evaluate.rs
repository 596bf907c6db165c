//! Measures the error rates of liveness models on your own pictures.
#![allow(clippy::print_stderr)]

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use face_liveness::Engine;
use face_liveness::inference::MiniFasNet;
use face_liveness_evaluate::dataset;
use face_liveness_evaluate::report::{Evaluation, Settings};
use face_liveness_evaluate::scoring::{self, Outcome, Unit, score};
use indicatif::{ProgressBar, ProgressStyle};

type Failure = Box<dyn std::error::Error>;

/// Scores a set of labelled pictures, and prints the error rates of ISO/IEC 30107-3 with 95 %
/// confidence intervals.
///
/// ROOT is a folder with live/… and spoof/SPECIES/…, in which a subfolder holds the frames of a
/// video; or a CSV file with the columns path and label (live or spoof), and optionally species,
/// subject, video, and left, top, width, height of the face. Every other column, such as device or
/// group, divides the set into segments, which are compared. Exif orientations are applied.
#[derive(Parser)]
struct Arguments {
    /// The folder or the CSV file.
    root: PathBuf,

    /// Write a report into this folder: page, plots, figures as JSON, scores as CSV and Parquet.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// The name of a built-in model, or minifasnet:V2.onnx,V1SE.onnx for Silent-Face's two files.
    /// Repeat for several models: all score the same faces. "none" for the scores of --scores
    /// alone: no picture is read.
    #[arg(long = "model", value_name = "MODEL", default_value = "rgb-single-v2")]
    models: Vec<String>,

    /// Add another program's scores of the same images, from a CSV file with the columns file and
    /// spoof_score.
    #[arg(long = "scores", value_name = "NAME=FILE.csv", value_parser = name_and_file)]
    others: Vec<(String, PathBuf)>,

    /// Count videos, by the mean score of their frames, instead of images.
    #[arg(long)]
    videos: bool,

    /// Compare the segments of these columns alone; origin+sex combines two columns.
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    segments: Option<Vec<String>>,

    /// A score of at least this is classified as an attack.
    #[arg(long, default_value_t = 0.5, value_parser = probability)]
    threshold: f32,

    /// The number of bootstrap draws for the confidence intervals.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(..=100_000))]
    draws: u64,

    /// Use every Nth image only.
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    step: NonZeroUsize,
}

fn main() -> ExitCode {
    sigpipe::reset();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evaluate: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let runs_models = arguments.models != ["none"];
    let (engine, mut models) = engine(if runs_models { &arguments.models } else { &[] })?;
    if !runs_models && arguments.others.is_empty() {
        return Err("--model none needs --scores".into());
    }
    let presentations = dataset::read(&arguments.root)?;
    let mut presentations: Vec<_> =
        presentations.into_iter().step_by(arguments.step.get()).collect();
    if presentations.is_empty() {
        return Err(format!("{} has no pictures", arguments.root.display()).into());
    }
    if let Some(columns) = &arguments.segments {
        dataset::select_segments(&mut presentations, columns)?;
    }
    // Before the pictures are scored, which may take hours.
    let others = arguments.others.iter().map(|(name, file)| {
        let scores = scoring::read_scores(file);
        scores.map(|scores| (name, scores)).map_err(|error| format!("{}: {error}", file.display()))
    });
    let others: Vec<_> = others.collect::<Result<_, _>>()?;
    if let Some(folder) = &arguments.report {
        let made = std::fs::create_dir_all(folder).and_then(|()| try_to_write(folder));
        made.map_err(|error| format!("--report {}: {error}", folder.display()))?;
    }

    let progress = ProgressBar::new(presentations.len() as u64);
    progress.set_style(ProgressStyle::with_template(
        "{wide_bar} {pos}/{len} images  {per_sec}  {eta} left",
    )?);
    let scored = if runs_models { &presentations[..] } else { &[] };
    let mut outcomes = score(&engine, &models, scored, |presentation, outcome| {
        // A picture without a face (223) is a result, and a frame of a burst (219) is scored later.
        // Any other error, such as a file that does not decode, is printed at once.
        let mut errors = outcome.scores.iter().filter_map(|score| score.as_ref().err());
        let broken = errors.find(|error| !matches!(error.code, Some(219 | 223)));
        if let Some(reason) = broken {
            progress.suspend(|| eprintln!("{}: {}", presentation.name, reason.description));
        }
        progress.inc(1);
    });
    progress.finish_and_clear();
    if runs_models && outcomes.iter().all(Outcome::is_unread) {
        return Err(format!("none of the {} pictures can be read", outcomes.len()).into());
    }
    outcomes.resize(presentations.len(), Outcome { face: None, scores: Vec::new() });
    for (name, scores) in others {
        scoring::add_scores(&scores, &presentations, &mut outcomes);
        models.push(name.clone());
    }

    let unit = if arguments.videos { Unit::Video } else { Unit::Image };
    let settings = Settings { unit, threshold: arguments.threshold, draws: arguments.draws };
    let evaluation = Evaluation::new(&arguments.root, &models, &presentations, &outcomes, settings);
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", evaluation.to_text())?;

    let mut reasons = BTreeMap::new();
    for reason in outcomes.iter().filter_map(|outcome| outcome.scores.first()?.as_ref().err()) {
        *reasons.entry(reason.code).or_insert(0) += 1;
    }
    for (code, count) in reasons {
        let why =
            code.map_or("could not be read".into(), |code| format!("failed with code {code}"));
        writeln!(output, "{count} images {why}")?;
    }
    if let Some(folder) = &arguments.report {
        evaluation.write(folder, &presentations, &outcomes)?;
        writeln!(output, "report: {}", folder.join("index.html").display())?;
    }
    Ok(())
}

/// Fails where the folder cannot be written to.
fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(".face-liveness");
    std::fs::write(&probe, "")?;
    std::fs::remove_file(probe)
}

fn probability(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("not between 0 and 1".to_owned()) }
}

fn name_and_file(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("expected NAME=FILE.csv")?;
    Ok((name.to_owned(), file.into()))
}

/// An engine with the requested models, and their names.
fn engine(models: &[String]) -> Result<(Engine, Vec<String>), Failure> {
    let mut builder = Engine::builder();
    let mut names = Vec::new();
    for model in models {
        let name = match model.split_once(':') {
            Some(("minifasnet", files)) => {
                let (v2, v1se) = files
                    .split_once(',')
                    .ok_or("minifasnet: expected two files, V2.onnx,V1SE.onnx")?;
                let read =
                    |file: &str| std::fs::read(file).map_err(|error| format!("{file}: {error}"));
                builder = builder.model(MiniFasNet::new("minifasnet", &read(v2)?, &read(v1se)?)?);
                "minifasnet"
            }
            _ => model,
        };
        if names.iter().any(|earlier| earlier == name) {
            return Err(format!("model {name} was given more than once").into());
        }
        names.push(name.to_owned());
    }
    let engine = builder.build()?;
    for name in &names {
        if engine.model_names().all(|known| known != name) {
            let known: Vec<_> = engine.model_names().collect();
            return Err(format!("unknown model {name}; known: {}", known.join(", ")).into());
        }
    }
    Ok((engine, names))
}
