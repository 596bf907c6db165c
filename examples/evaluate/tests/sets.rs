//! Sets that occur in practice: with one class, without a face, with broken files, huge.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use face_liveness::Engine;
use face_liveness_evaluate::dataset::{self, Presentation};
use face_liveness_evaluate::report::{Evaluation, Settings};
use face_liveness_evaluate::scoring::{Outcome, Unit, add_scores, read_scores, score};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::builder().build().unwrap());

/// A grey BMP of one pixel.
const TINY: &[u8] = &[
    b'B', b'M', 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0,
    24, 0, 0, 0, 0, 0, 4, 0, 0, 0, 19, 11, 0, 0, 19, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 128,
    128, 0,
];

fn portrait() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../photos/astronaut.jpg")).unwrap()
}

fn put(set: &Path, name: &str, bytes: &[u8]) {
    let path = set.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn evaluate(set: &Path) -> (Evaluation, Vec<Presentation>, Vec<Outcome>) {
    let models = ["rgb-single-v2".to_owned()];
    let presentations = dataset::read(set).unwrap();
    let done = AtomicUsize::new(0);
    let outcomes = score(&ENGINE, &models, &presentations, |_, _| {
        done.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(done.into_inner(), presentations.len(), "every presentation is reported as done");
    let settings = Settings { unit: Unit::Image, threshold: 0.5, draws: 20 };
    (Evaluation::new(set, &models, &presentations, &outcomes, settings), presentations, outcomes)
}

#[test]
fn a_set_of_one_class_has_the_rates_of_that_class() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "live/a.jpg", &portrait());
    let (evaluation, ..) = evaluate(set.path());
    let figures = &evaluation.models[0].figures;
    assert_eq!(
        (figures.bpcer.value, figures.apcer_max.value, figures.eer.value),
        (Some(0.0), None, None)
    );
}

#[test]
fn a_set_without_any_face_has_non_response_rates_alone() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "live/a.bmp", TINY);
    put(set.path(), "spoof/print/b.bmp", TINY);
    let (evaluation, _, outcomes) = evaluate(set.path());
    let figures = &evaluation.models[0].figures;
    assert_eq!((figures.apnrr.value, figures.bpnrr.value), (Some(1.0), Some(1.0)));
    assert_eq!((figures.bpcer.value, figures.auc.value), (None, None));
    assert!(
        outcomes.iter().all(|outcome| outcome.scores[0].as_ref().unwrap_err().code == Some(223))
    );
}

#[test]
fn a_set_without_a_readable_picture_is_an_error() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "set.csv", b"path,label\nold/a.jpg,live\nold/b.jpg,spoof\nc.jpg,live\n");
    put(set.path(), "c.jpg", b"no picture");
    let deps = std::env::current_exe().unwrap();
    let mut evaluate = Command::new(deps.ancestors().nth(2).unwrap().join("examples/evaluate"));
    let output = evaluate.arg(set.path().join("set.csv")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.ends_with("evaluate: none of the 3 pictures can be read\n"), "{said}");
}

#[test]
fn scores_that_are_not_probabilities_are_an_error() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "live/a.jpg", &portrait());
    for score in ["NaN", "inf", "-0.1", "1.1", "live", ""] {
        put(set.path(), "scores.csv", format!("file,spoof_score\na.jpg,{score}\n").as_bytes());
        assert!(read_scores(&set.path().join("scores.csv")).is_err(), "{score}");
    }
}

#[test]
fn broken_and_missing_files_are_reported_and_skipped() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "a.jpg", &portrait());
    put(set.path(), "cut.jpg", &portrait()[..5000]);
    put(set.path(), "empty.png", b"");
    put(
        set.path(),
        "set.csv",
        b"path,label\na.jpg,live\ncut.jpg,live\nempty.png,spoof\ngone.jpg,spoof\n",
    );
    let (evaluation, presentations, outcomes) = evaluate(&set.path().join("set.csv"));
    let code = |name: &str| {
        let place =
            presentations.iter().position(|presentation| presentation.name == name).unwrap();
        outcomes[place].scores[0].as_ref().map_err(|reason| reason.code).err()
    };
    assert_eq!(code("a.jpg"), None);
    assert_eq!(
        (code("cut.jpg"), code("empty.png"), code("gone.jpg")),
        (Some(Some(215)), Some(Some(215)), Some(None))
    );
    assert_eq!(evaluation.models[0].figures.bpnrr.value, Some(0.5));
    evaluation.write(&set.path().join("report"), &presentations, &outcomes).unwrap();
    let filled = std::fs::read_to_string(set.path().join("report/test-report.md")).unwrap();
    // Two presentations, one with a score, of two clusters.
    let bpcer = filled.lines().find(|line| line.starts_with("| BPCER | 0.0 % |")).unwrap();
    assert!(bpcer.ends_with(" | 2 | 1 | 2 |"), "{filled}");
    assert!(filled.contains("| BPNRR: bona fide without a score | 50.0 % |"), "{filled}");
    let page = std::fs::read_to_string(set.path().join("report/index.html")).unwrap();
    assert!(page.contains("3 scores are missing") && page.contains("cut.jpg"));
}

#[test]
fn a_given_face_is_scored_without_detection() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "a.jpg", &portrait());
    let csv =
        "path,label,left,top,width,height\na.jpg,live,184,63,84,112\na.jpg,spoof,300,300,60,60\n";
    put(set.path(), "set.csv", csv.as_bytes());
    let (_, presentations, outcomes) = evaluate(&set.path().join("set.csv"));
    for (presentation, outcome) in presentations.iter().zip(&outcomes) {
        assert_eq!(outcome.face, presentation.face);
        assert!(outcome.scores[0].is_ok());
    }
    assert_ne!(outcomes[0].scores[0], outcomes[1].scores[0]);
}

#[test]
fn a_model_of_several_images_is_given_the_frames_of_each_video() {
    let set = tempfile::tempdir().unwrap();
    for name in ["live/a/1.jpg", "live/a/2.jpg", "live/b/1.jpg"] {
        put(set.path(), name, &portrait());
    }
    let models = ["rgb-single-v2", "rgb-burst-v2"].map(str::to_owned);
    let presentations = dataset::read(set.path()).unwrap();
    let outcomes = score(&ENGINE, &models, &presentations, |_, _| {});
    let [first, second, alone] = &outcomes[..] else { panic!("three images") };
    assert_eq!(first.scores, second.scores);
    // Copies of one photo score as the photo; a single frame is too few.
    let [single, burst] = &first.scores[..] else { panic!("two models") };
    assert!((single.as_ref().unwrap() - burst.as_ref().unwrap()).abs() < 1e-5);
    assert_eq!(alone.scores[1].as_ref().unwrap_err().code, Some(219), "one frame is too few");
}

#[test]
fn scores_of_another_program_are_added() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "live/a.jpg", &portrait());
    put(set.path(), "live/b.jpg", &portrait());
    put(set.path(), "scores.csv", b"file,spoof_score\nlive/a.jpg,0.75\n");
    let (_, presentations, mut outcomes) = evaluate(set.path());
    let scores = read_scores(&set.path().join("scores.csv")).unwrap();
    add_scores(&scores, &presentations, &mut outcomes);
    assert_eq!(outcomes[0].scores[1], Ok(0.75));
    assert_eq!(
        outcomes[1].scores[1].as_ref().unwrap_err().description,
        "missing from the scores file"
    );
}

#[test]
fn segments_are_compared_from_the_table_to_the_report() {
    // The old device has half of its pictures refused, the new one no picture. Three pictures are
    // of a rare device, and two of none that is known.
    let set = tempfile::tempdir().unwrap();
    let (mut rows, mut scores) =
        ("path,device,label\n".to_owned(), "file,spoof_score\n".to_owned());
    for i in 0..85 {
        let device = match i {
            0..40 => "old",
            40..80 => "new, large",
            80..83 => "rare",
            _ => "",
        };
        put(set.path(), &format!("{i}.bmp"), TINY);
        rows += &format!("{i}.bmp,\"{device}\",live\n");
        scores += &format!("{i}.bmp,{}\n", if i < 20 { 0.9 } else { 0.1 });
    }
    put(set.path(), "set.csv", rows.as_bytes());
    put(set.path(), "scores.csv", scores.as_bytes());
    let file = set.path().join("set.csv");
    let (_, presentations, mut outcomes) = evaluate(&file);
    let scores = read_scores(&set.path().join("scores.csv")).unwrap();
    add_scores(&scores, &presentations, &mut outcomes);
    let models = ["rgb-single-v2", "other"].map(str::to_owned);
    let settings = Settings { unit: Unit::Image, threshold: 0.5, draws: 20 };
    let evaluation = Evaluation::new(&file, &models, &presentations, &outcomes, settings);
    let report = set.path().join("report");
    evaluation.write(&report, &presentations, &outcomes).unwrap();

    let mut reader = csv::Reader::from_path(report.join("segments.csv")).unwrap();
    let head = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let cells = |columns: &[&str]| -> Vec<Vec<String>> {
        let place = |column: &&str| head.iter().position(|name| name == *column).unwrap();
        let cells = |row: &csv::StringRecord| {
            columns.iter().map(|column| row[place(column)].to_owned()).collect()
        };
        rows.iter().map(cells).collect()
    };
    assert_eq!(
        cells(&["model", "value", "bona_fide", "bona_fide_clusters", "bpcer", "bpcer_verdict"]),
        [
            // A tiny picture has no face.
            ["rgb-single-v2", "new, large", "40", "0", "", "too few to say"],
            ["rgb-single-v2", "old", "40", "0", "", "too few to say"],
            ["rgb-single-v2", "rare", "3", "0", "", "too few to say"],
            ["rgb-single-v2", "", "2", "0", "", "not compared"],
            ["other", "new, large", "40", "40", "0", "better"],
            ["other", "old", "40", "40", "0.5", "worse"],
            ["other", "rare", "3", "3", "0", "too few to say"],
            ["other", "", "2", "2", "0", "not compared"],
        ]
    );

    let figures = std::fs::read(report.join("figures.json")).unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&figures).unwrap();
    let segments = &figures["models"][1]["segments"];
    assert_eq!(segments["comparisons"], 2);
    assert_eq!(segments["columns"][0]["bpcer"]["worst"], "old");
    assert_eq!(segments["columns"][0]["segments"][1]["bpcer_comparison"]["verdict"], "worse");

    let page = std::fs::read_to_string(report.join("index.html")).unwrap();
    for shown in [evaluation.to_text(), page] {
        for text in ["no segment was compared", "device old, BPCER worse", "no ratio to the best"] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
    }
}

#[test]
fn a_set_without_segments_has_no_segments_in_its_report() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "live/a.bmp", TINY);
    let (evaluation, presentations, outcomes) = evaluate(set.path());
    let report = set.path().join("report");
    evaluation.write(&report, &presentations, &outcomes).unwrap();
    assert!(!report.join("segments.csv").exists());
    for file in ["figures.json", "index.html"] {
        assert!(!std::fs::read_to_string(report.join(file)).unwrap().contains("segment"), "{file}");
    }
    assert!(!evaluation.to_text().contains("segment"));
}

#[test]
fn a_hundred_thousand_tiny_files_are_answered() {
    let set = tempfile::tempdir().unwrap();
    put(set.path(), "live/tiny.bmp", TINY);
    put(set.path(), "spoof/print/tiny.bmp", TINY);
    for i in 0..50_000 {
        for class in ["live", "spoof/print"] {
            let folder = set.path().join(class);
            std::fs::hard_link(folder.join("tiny.bmp"), folder.join(format!("{i}.bmp"))).unwrap();
        }
    }
    let (evaluation, presentations, outcomes) = evaluate(set.path());
    assert_eq!(
        (evaluation.bona_fide, evaluation.attacks, evaluation.clusters),
        (50_001, 50_001, 100_002)
    );
    assert_eq!(evaluation.models[0].figures.apnrr.value, Some(1.0));
    evaluation.write(&set.path().join("report"), &presentations, &outcomes).unwrap();
    let rows = csv::Reader::from_path(set.path().join("report/scores.csv"))
        .unwrap()
        .into_records()
        .count();
    assert_eq!(rows, 100_002);
}
