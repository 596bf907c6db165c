//! The whole request against a stack of published parts, alternating, one thread each:
//! `just compare PEERS PERF`.
//!
//! `PEERS/peer_stack.py` and the engine take turns on the bodies `PERF/*.json`, measured in CPU
//! time of the process. The last lines are the ratios of the medians. Writes `RESULTS.md` and
//! `stages.svg` beside this file.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use face_liveness_benches::{STAGES, Stack, gemm_gflops, median, milliseconds, provenance};
use plotters::prelude::*;

/// The peers are restarted in each round, and report the median of its runs.
const ROUNDS: usize = 7;
const RUNS_PER_ROUND: usize = 6;

fn main() {
    let mut arguments =
        std::env::args().skip(1).filter(|argument| argument != "--bench").map(PathBuf::from);
    let (Some(peers), Some(perf)) = (arguments.next(), arguments.next()) else {
        println!("usage: just compare PEERS PERF");
        return;
    };
    let mut bodies: Vec<_> =
        std::fs::read_dir(perf).unwrap().map(|entry| entry.unwrap().path()).collect();
    bodies.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    bodies.sort_by_key(|path| path.metadata().unwrap().len());

    let stack = Stack::load();
    let mut results = Vec::new();
    for path in &bodies {
        let body = std::fs::read(path).unwrap();
        let mut result = Measured {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            ..Default::default()
        };
        for _ in 0..ROUNDS {
            for (row, time) in peer_rows(&peers, path) {
                result.peers.entry(row).or_default().push(time);
            }
            for _ in 0..RUNS_PER_ROUND {
                result
                    .whole
                    .push(milliseconds(|| assert_eq!(stack.engine.detect_json(&body).status, 200)));
                stack.stages(&body, &mut result.stages);
            }
        }
        results.push(result);
    }

    let peak = gemm_gflops();
    let table = table(&results, peak);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::write(folder.join("RESULTS.md"), &table).unwrap();
    chart(&results, &folder.join("stages.svg")).unwrap();
    println!("{table}");
    for result in &results {
        println!("ratio {} {:.2}", result.name, result.ratio());
    }
}

/// All times in milliseconds.
#[derive(Default)]
struct Measured {
    name: String,
    whole: Vec<f64>,
    stages: [Vec<f64>; STAGES.len()],
    peers: BTreeMap<String, Vec<f64>>,
}

impl Measured {
    fn fastest_peer(&self) -> f64 {
        self.peers.values().map(|times| median(times)).fold(f64::INFINITY, f64::min)
    }

    fn ratio(&self) -> f64 {
        median(&self.whole) / self.fastest_peer()
    }
}

/// The total of each row that `peer_stack.py time` prints for a body.
fn peer_rows(peers: &Path, body: &Path) -> Vec<(String, f64)> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    command
        .arg(peers.join("peer_stack.py"))
        .arg("time")
        .arg(body)
        .args(["--runs", &RUNS_PER_ROUND.to_string()]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let (_, rest) = line.split_once("  ")?;
        let (name, times) = rest.split_once(": ")?;
        let total = times.split_once("total ")?.1.split_whitespace().next()?;
        Some((name.to_owned(), total.parse().ok()?))
    };
    let rows: Vec<_> = lines.lines().filter_map(row).collect();
    assert!(!rows.is_empty(), "no row in {lines}");
    rows
}

fn table(results: &[Measured], peak: f64) -> String {
    let mut table = format!(
        "# Measured by `just compare`\n\n{}. Medians of {} requests in ms of\n\
         CPU time, one thread each. tract's plain matrix product: {peak:.0} GFLOP/s.\n\n\
         | body | {} | whole request | ",
        provenance(),
        ROUNDS * RUNS_PER_ROUND,
        STAGES.join(" | "),
    );
    let rows: Vec<_> = results[0].peers.keys().collect();
    let names: Vec<_> = rows.iter().map(|row| row.as_str()).collect();
    writeln!(table, "{} | share of the fastest |", names.join(" | ")).unwrap();
    writeln!(table, "{}|", "|---".repeat(STAGES.len() + names.len() + 3)).unwrap();
    for result in results {
        write!(table, "| {} ", result.name).unwrap();
        let cells = result.stages.iter().map(|times| median(times));
        let cells = cells
            .chain([median(&result.whole)])
            .chain(result.peers.values().map(|times| median(times)));
        for cell in cells {
            write!(table, "| {cell:.2} ").unwrap();
        }
        writeln!(table, "| **{:.2}** |", result.ratio()).unwrap();
    }
    table
}

/// Two bars per body: the request, by stage, and its fastest peer.
fn chart(results: &[Measured], file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    const COLOURS: [RGBColor; STAGES.len()] = [
        RGBColor(120, 120, 120),
        RGBColor(180, 180, 180),
        RGBColor(70, 120, 190),
        RGBColor(230, 140, 50),
        RGBColor(90, 160, 90),
    ];
    let root = SVGBackend::new(file, (760, 90 + 70 * results.len() as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let longest = results
        .iter()
        .map(|result| result.fastest_peer().max(median(&result.whole)))
        .fold(0.0, f64::max);
    let rows = results.len() as f64;
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .x_label_area_size(35)
        .y_label_area_size(90)
        .build_cartesian_2d(0.0..longest * 1.05, 0.0..rows)?;
    let label = |row: &f64| {
        let place = rows - row.floor() - 1.0;
        if row.fract() == 0.5 { results[place as usize].name.clone() } else { String::new() }
    };
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("milliseconds of one thread")
        .y_labels(2 * results.len() + 1)
        .y_label_formatter(&label)
        .draw()?;
    for (stage, (name, colour)) in STAGES.iter().zip(COLOURS).enumerate() {
        let bars = results.iter().enumerate().map(|(place, result)| {
            let before: f64 = result.stages[..stage].iter().map(|times| median(times)).sum();
            let top = rows - place as f64 - 0.15;
            Rectangle::new(
                [(before, top), (before + median(&result.stages[stage]), top - 0.33)],
                colour.filled(),
            )
        });
        chart
            .draw_series(bars)?
            .label(*name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], colour.filled()));
    }
    let peers = results.iter().enumerate().map(|(place, result)| {
        let top = rows - place as f64 - 0.52;
        Rectangle::new(
            [(0.0, top), (result.fastest_peer(), top - 0.33)],
            RGBColor(60, 60, 60).filled(),
        )
    });
    chart.draw_series(peers)?.label("fastest published stack").legend(|(x, y)| {
        Rectangle::new([(x, y - 5), (x + 10, y + 5)], RGBColor(60, 60, 60).filled())
    });
    chart
        .configure_series_labels()
        .border_style(BLACK)
        .background_style(WHITE)
        .position(SeriesLabelPosition::UpperRight)
        .draw()?;
    root.present()?;
    Ok(())
}
