//! Scores many photos into a table: `cargo run --release --example batch -- DIR --out results.csv`.
#![allow(clippy::print_stderr)]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use face_liveness::Engine;
use face_liveness_batch::photos::{self, Found, Source};
use face_liveness_batch::results::Table;
use face_liveness_batch::run::run;
use face_liveness_batch::summary::Summary;
use indicatif::{ProgressBar, ProgressStyle};

/// Scores many photos on all cores and writes a table with one row per photo.
///
/// An interrupted run resumes when the same command runs again: existing rows are kept, and no
/// photo is scored twice. A file that is not an image gets a row with an error.
///
/// Exit status: 0 if every photo has a row, with or without a score; 2 if the run failed.
#[derive(Parser)]
struct Arguments {
    /// Folders of images, lists of images (text files with one path per line, relative to the
    /// list), Parquet files with a column of images, or single images. A photo is known by its
    /// path as it is given, so resume with the same paths.
    #[arg(required = true, value_name = "DIR|LIST|PARQUET")]
    photos: Vec<PathBuf>,

    /// The table to write: a .csv, .jsonl or .parquet file.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// The Parquet column that holds the images, as bytes or as base64 [default: the first column
    /// of bytes].
    #[arg(long, value_name = "NAME")]
    column: Option<String>,

    /// The liveness model.
    #[arg(long, value_name = "MODEL", default_value = "rgb-single-v2")]
    model: String,

    /// Ignore the Exif orientation of the photos.
    #[arg(long)]
    no_auto_rotate: bool,
}

fn main() -> ExitCode {
    sigpipe::reset();
    match score(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("batch: {error}");
            ExitCode::from(2)
        }
    }
}

fn score(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder().default_model(&arguments.model).build()?;
    let Found { sources, skipped } = photos::find(&arguments.photos, arguments.column.as_deref())?;
    if skipped > 0 {
        eprintln!("{skipped} files in folders are not images");
    }
    let mut table = Table::open(&arguments.out)?;
    if let Some(other) = table.model().filter(|model| *model != arguments.model) {
        let out = arguments.out.display();
        return Err(format!("{out} holds scores of {other}: choose another file").into());
    }
    if table.auto_rotate() == Some(arguments.no_auto_rotate) {
        let out = arguments.out.display();
        let how = if arguments.no_auto_rotate { "with" } else { "without" };
        let message = format!("{out} holds scores {how} the Exif orientation: choose another file");
        return Err(message.into());
    }
    let (total, earlier) = (sources.iter().map(Source::len).sum::<usize>(), table.rows().len());
    if earlier > 0 {
        eprintln!("{}: resuming after {earlier} photos", arguments.out.display());
    }
    let progress = ProgressBar::new(total as u64).with_position(earlier as u64);
    progress.reset_eta();
    let style = "{wide_bar} {pos}/{len} photos  {per_sec}  {eta} left";
    progress.set_style(ProgressStyle::with_template(style)?);
    let (began, mut new) = (Instant::now(), 0_usize);
    run(&engine, sources, !arguments.no_auto_rotate, &mut table, |row| {
        progress.inc(1);
        new += 1;
        // 223, no face, is a result. A file that is not an image is worth a message at once.
        if let (Some(error), false) = (&row.error, row.code == Some(223)) {
            progress.suspend(|| eprintln!("{}: {error}", row.photo));
        }
    })?;
    progress.finish_and_clear();
    let rows = table.finish()?;
    let seconds = began.elapsed().as_secs_f64();
    let mut output = std::io::stdout().lock();
    write!(output, "{}", Summary::of(&rows))?;
    writeln!(
        output,
        "\n{new} photos in {seconds:.1} s, {:.1} per second: {}",
        new as f64 / seconds,
        arguments.out.display()
    )?;
    Ok(())
}
