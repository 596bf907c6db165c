//! Finds drift between two weeks of audit events:
//! `cargo run --release --example drift -- BEFORE AFTER`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use face_liveness_drift::comparison::Comparison;
use face_liveness_drift::events::Events;
use face_liveness_drift::report;

/// Compares two files of the server's audit events, and prints what moved: scores, warnings,
/// errors, clients, image sizes, face sizes, versions, hours.
///
/// Exit status: 0 if nothing moved, 1 if something did, 2 if the files could not be compared.
#[derive(Parser)]
struct Arguments {
    /// The earlier events.
    before: PathBuf,

    /// The later events.
    after: PathBuf,

    /// A score of at least this is classified as an attack.
    #[arg(long, default_value_t = 0.5, value_parser = probability)]
    threshold: f32,

    /// Write a report into this folder: a page with plots, and all figures as JSON.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    sigpipe::reset();
    match run(&Arguments::parse()) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("drift: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether anything moved.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let Arguments { before, after, threshold, report } = arguments;
    if let Some(folder) = report {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|error| format!("--report {}: {error}", folder.display()))?;
    }
    let events = [Events::read(before, *threshold)?, Events::read(after, *threshold)?];
    let comparison = Comparison::new([before, after], events.each_ref(), *threshold);
    println!("{}", comparison.to_text());
    if let Some(folder) = report {
        let written = report::write(folder, &comparison, events.each_ref());
        written.map_err(|error| format!("--report {}: {error}", folder.display()))?;
        println!("report: {}", folder.join("index.html").display());
    }
    Ok(comparison.moved().next().is_some())
}

fn probability(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("not between 0 and 1".to_owned()) }
}
