//! Scores many photos: `cargo run --release --example batch -- DIR --out results.csv`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use face_liveness::Engine;
use face_liveness_batch::photos::{self, Source};
use face_liveness_batch::results::Table;
use face_liveness_batch::run::run;
use face_liveness_batch::summary::Summary;
use indicatif::{ProgressBar, ProgressStyle};

/// Scores many photos, on all cores, into a table with a row for each.
///
/// A run may be interrupted at any moment; the same command goes on where it was: rows that are in the table stay, and no photo
/// is scored twice. Files that are no photos get a row that says so.
///
/// Exit status: 0 when every photo has a row, with or without a score; 2 when the run could not be done.
#[derive(Parser)]
struct Arguments {
    /// Folders of images, text files that list images (a line each, relative to the list), Parquet files with a column of images,
    /// images.
    #[arg(required = true, value_name = "DIR|LIST|PARQUET")]
    photos: Vec<PathBuf>,

    /// The table: .csv, .jsonl or .parquet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// The column of Parquet files that holds the images, as bytes or as base64; the first of bytes unless set.
    #[arg(long, value_name = "NAME")]
    column: Option<String>,

    /// The liveness model.
    #[arg(long, value_name = "MODEL", default_value = "rgb-single-v1")]
    model: String,

    /// Leave the photos' Exif orientation alone.
    #[arg(long)]
    no_auto_rotate: bool,
}

fn main() -> ExitCode {
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
    let sources = photos::find(&arguments.photos, arguments.column.as_deref())?;
    let mut table = Table::open(&arguments.out)?;
    let (total, earlier) = (sources.iter().map(Source::len).sum::<usize>(), table.rows().len());
    if earlier > 0 {
        eprintln!("{}: {earlier} photos have their row; going on", arguments.out.display());
    }
    let progress = ProgressBar::new(total as u64).with_position(earlier as u64);
    progress.reset_eta();
    let style = "{wide_bar} {pos}/{len} photos  {per_sec}  {eta} left";
    progress.set_style(ProgressStyle::with_template(style)?);
    let began = Instant::now();
    run(&engine, sources, !arguments.no_auto_rotate, &mut table, |row| {
        progress.inc(1);
        // No face is a result; a file that is no picture is worth a line at once.
        if let (Some(error), false) = (&row.error, row.code == Some(223)) {
            progress.suspend(|| eprintln!("{}: {error}", row.photo));
        }
    })?;
    progress.finish_and_clear();
    let rows = table.finish()?;
    let (new, seconds) = (rows.len() - earlier, began.elapsed().as_secs_f64());
    print!("{}", Summary::of(&rows));
    println!(
        "\n{new} photos in {seconds:.1} s, {:.1} a second: {}",
        new as f64 / seconds,
        arguments.out.display()
    );
    Ok(())
}
