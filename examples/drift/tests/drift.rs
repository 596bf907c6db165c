//! Generated weeks of events: what moved is named, and nothing else.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use face_liveness_drift::comparison::Comparison;
use face_liveness_drift::events::Events;
use face_liveness_drift::report;
use face_liveness_schema::{
    ErrorBody, ErrorCode, ImageProvenance, Position, Provenance, Response, Warning,
};
use face_liveness_service::{Event, Outcome};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;

const THRESHOLD: f32 = 0.5;

/// The distributions from which a week is drawn.
#[derive(Clone, Copy)]
struct Week {
    events: u64,
    seed: u64,
    /// Scores are a uniform number to this power: the higher, the nearer to zero.
    power: f64,
    blurred: f64,
    no_face: f64,
    kiosk: f64,
    new_camera: f64,
    /// The share of events that are moved to three in the night.
    night: f64,
    engine: &'static str,
}

impl Week {
    fn usual(seed: u64) -> Self {
        let (events, power) = (2_000, 6.0);
        let (blurred, no_face, kiosk, new_camera, night) = (0.05, 0.03, 0.1, 0.0, 0.0);
        let engine = "0.2.0";
        Self { events, seed, power, blurred, no_face, kiosk, new_camera, night, engine }
    }

    /// Writes the week as the server would.
    fn write(&self, path: &Path) {
        let mut random = Pcg64Mcg::seed_from_u64(self.seed);
        let mut file = Vec::new();
        let start = "2026-11-16T00:00:00Z".parse::<jiff::Timestamp>().unwrap();
        for index in 0..self.events {
            let mut chance = |share: f64| random.random::<f64>() < share;
            let client = if chance(self.kiosk) { "kiosk" } else { "wallet" };
            let outcome = if chance(self.no_face) {
                Outcome::Error(ErrorBody::new(ErrorCode::NoFace, "No face was found").error)
            } else {
                let new_camera = chance(self.new_camera);
                let warnings = [(self.blurred, Warning::Blurred), (0.3, Warning::SmallFace)];
                let warnings = warnings.map(|(share, warning)| chance(share).then_some(warning));
                let score = random.random::<f64>().powf(self.power);
                let side = random.random_range(150..400);
                let position = Position { top: 9, left: 9, width: side, height: side * 4 / 3 };
                let response = Response::new(score as f32, position, "rgb-single-v2");
                let mut response = response.with_warnings(warnings.into_iter().flatten());
                let size = if new_camera { [1080, 1920] } else { [480, 640] };
                let image = ImageProvenance::new("9f86d081", true, size);
                let provenance = Provenance::new(self.engine, Default::default(), vec![image]);
                response.provenance = Some(provenance.with_model_version(Some(1)));
                Outcome::Response(response)
            };
            let seconds = index * 7 * 86_400 / self.events;
            let is_moved = random.random::<f64>() < self.night;
            let seconds = if is_moved { seconds / 86_400 * 86_400 + 3 * 3_600 } else { seconds };
            let time = start + std::time::Duration::from_secs(seconds);
            let status = if matches!(outcome, Outcome::Response(_)) { 200 } else { 400 };
            let event = Event { id: "5d3c0b5e", time, client, status, outcome: &outcome };
            serde_json::to_writer(&mut file, &event).unwrap();
            file.push(b'\n');
        }
        fs::write(path, file).unwrap();
    }
}

/// Two weeks in files.
struct Weeks {
    folder: TempDir,
    paths: [PathBuf; 2],
}

impl Weeks {
    fn new(before: Week, after: Week) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["before.jsonl", "after.jsonl"].map(|name| folder.path().join(name));
        before.write(&paths[0]);
        after.write(&paths[1]);
        Self { folder, paths }
    }

    fn events(&self) -> [Events; 2] {
        self.paths.each_ref().map(|path| Events::read(path, THRESHOLD).unwrap())
    }

    fn compare(&self) -> Comparison {
        let events = self.events();
        Comparison::new(self.paths.each_ref().map(PathBuf::as_path), events.each_ref(), THRESHOLD)
    }
}

/// The values that moved after a usual week.
fn moved(after: Week) -> Vec<String> {
    let comparison = Weeks::new(Week::usual(1), after).compare();
    comparison.moved().map(|finding| finding.what.clone()).collect()
}

#[test]
fn of_two_weeks_from_one_source_nothing_moved() {
    let (mut quiet, mut significant) = (0, 0);
    for seed in 0..100 {
        let comparison = Weeks::new(Week::usual(2 * seed), Week::usual(2 * seed + 1)).compare();
        quiet += usize::from(comparison.moved().next().is_none());
        let mut findings = comparison.findings.iter();
        significant += usize::from(findings.any(|finding| finding.corrected_p < 0.05));
    }
    assert!(quiet >= 95, "{quiet} of 100");
    // Without the effect, Holm's correction alone: 5 are expected at most.
    assert!(significant <= 10, "{significant} of 100");
}

#[test]
fn small_weeks_do_not_move_by_chance() {
    let small = |seed| Week { events: 150, ..Week::usual(seed) };
    let weeks = (0..100).map(|seed| Weeks::new(small(2 * seed), small(2 * seed + 1)).compare());
    let quiet = weeks.filter(|comparison| comparison.moved().next().is_none()).count();
    assert!(quiet >= 95, "{quiet} of 100");
}

#[test]
fn shifted_scores_are_named() {
    let moved = moved(Week { power: 3.0, ..Week::usual(2) });
    assert_eq!(moved, ["scores of rgb-single-v2", "scores of rgb-single-v2 from 0.5 on"]);
}

#[test]
fn a_new_camera_is_named() {
    let moved = moved(Week { new_camera: 0.08, ..Week::usual(2) });
    assert_eq!(moved, ["image size 1080 × 1920", "image size 480 × 640"]);
}

#[test]
fn a_warning_that_doubles_is_named() {
    assert_eq!(moved(Week { blurred: 0.1, ..Week::usual(2) }), ["warning blurred"]);
}

#[test]
fn an_error_that_triples_is_named() {
    assert_eq!(moved(Week { no_face: 0.09, ..Week::usual(2) }), ["error 223"]);
}

#[test]
fn a_client_that_is_gone_is_named() {
    let moved = moved(Week { kiosk: 0.0, ..Week::usual(2) });
    assert_eq!(moved, ["client kiosk", "client wallet"]);
}

#[test]
fn another_version_is_named() {
    let moved = moved(Week { engine: "0.3.0", ..Week::usual(2) });
    let version = |engine| format!("version engine {engine}, rgb-single-v2 version 1");
    assert_eq!(moved, ["0.2.0", "0.3.0"].map(version));
}

#[test]
fn another_hour_is_named() {
    let weeks = Weeks::new(Week::usual(1), Week { night: 0.2, ..Week::usual(2) });
    let text = weeks.compare().to_text();
    assert!(text.contains("  hour of the day, UTC  03 h: 4."), "{text}");
}

#[test]
fn a_significant_difference_without_effect_is_not_named() {
    let many = |seed| Week { events: 100_000, ..Week::usual(seed) };
    let weeks = Weeks::new(many(1), Week { blurred: 0.06, ..many(2) });
    let comparison = weeks.compare();
    let found = comparison.findings.iter().find(|finding| finding.what == "warning blurred");
    assert!(found.unwrap().corrected_p < 1e-9);
    assert_eq!(comparison.moved().count(), 0, "{}", comparison.to_text());
    assert!(comparison.to_text().contains("Nothing moved"));
}

#[test]
fn text_page_and_figures_say_what_moved_and_what_was_broken() {
    let weeks = Weeks::new(Week::usual(1), Week { power: 3.0, ..Week::usual(2) });
    // A server that was killed in the middle of a line, and one that went on.
    let mut after = fs::OpenOptions::new().append(true).open(&weeks.paths[1]).unwrap();
    after.write_all(b"{\"id\":\"a\",\"time\":\"2026-11\n<b>\n").unwrap();
    let (events, comparison) = (weeks.events(), weeks.compare());
    let text = comparison.to_text();
    assert!(
        text.contains("after.jsonl: 2000 events, 2026-11-16T00:00:00Z to 2026-11-22"),
        "{text}"
    );
    assert!(text.contains("broken lines: 2\n\n2 of "), "{text}");
    assert!(text.contains("  scores of rgb-single-v2 "), "{text}");

    let folder = weeks.folder.path().join("a/report");
    report::write(&folder, &comparison, events.each_ref()).unwrap();
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(page.contains("2 of ") && page.contains("<svg") && !page.contains("NaN"), "{page}");
    let figures = fs::read(folder.join("figures.json")).unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&figures).unwrap();
    assert_eq!(figures["after"]["broken_lines"], 2);
    let first = &figures["findings"][0];
    assert_eq!(
        (&first["what"], &first["moved"]),
        (&"scores of rgb-single-v2".into(), &true.into())
    );
    assert!(first["psi"].as_f64().unwrap() > 0.1, "{first}");
}
