//! Checks the answers, the codes and the figures in the README. The test `front_page` of
//! face-liveness checks its program.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use face_liveness::{Engine, ErrorCode, ImageSource, Warning};
use serde_json::{Deserializer, Value, json};

/// A black PNG of 40 × 40 pixels.
const NO_FACE: &str = concat!(
    "iVBORw0KGgoAAAANSUhEUgAAACgAAAAoCAAAAACpleexAAAAFUlEQVR42mNgGAWjYBSMglEwCmgHAAZoAAFI",
    "OgNnAAAAAElFTkSuQmCC",
);

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first block of code of a language.
fn code<'a>(document: &'a str, language: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

/// The cells of the rows of the table whose header begins with `start`, header included.
fn table<'a>(document: &'a str, start: &str) -> Vec<Vec<&'a str>> {
    let rows = document.lines().skip_while(|line| !line.starts_with(start));
    let rows = rows.take_while(|line| line.starts_with('|')).filter(|line| !line.contains("---"));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn number(text: &str) -> f64 {
    let text = text.trim_matches('*').trim_end_matches(" ms");
    text.parse().unwrap_or_else(|_| panic!("{text:?} is a number"))
}

#[test]
fn the_readme_is_one_page() {
    assert!(file("README.md").lines().count() <= 110);
}

#[test]
fn the_answers_are_the_engines() {
    let readme = file("README.md");
    let answers = Deserializer::from_str(code(&readme, "json")).into_iter::<Value>();
    let [mut answer, error] = answers.map(Result::unwrap).collect::<Vec<_>>().try_into().unwrap();

    let engine = Engine::builder().build().unwrap();
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("photos/astronaut.jpg");
    let photo = std::fs::read(photo).unwrap();
    let photo = ImageSource::Encoded { bytes: &photo, auto_rotate: true };
    let mut found = serde_json::to_value(engine.detect_image(photo).unwrap().response).unwrap();
    // Processors differ in the last digits.
    let scores = [&mut answer, &mut found].map(|answer| answer["spoofScore"].take());
    let [printed, score] = scores.map(|score| score.as_f64().unwrap());
    assert!((printed - score).abs() < 1e-3, "{score}");
    assert_eq!(answer, found);

    let body = json!({ "images": [{ "index": 0, "type": "RGB", "data": NO_FACE }] });
    let found = engine.detect_json(body.to_string().as_bytes());
    assert_eq!(error, serde_json::from_slice::<Value>(&found.body).unwrap());
}

#[test]
fn every_code_is_listed() {
    let readme = file("README.md");
    let rows = table(&readme, "| code |");
    let codes = rows[1..].iter().flat_map(|row| row[0].split(", "));
    let listed: BTreeSet<u16> = codes.map(|code| code.parse().unwrap()).collect();
    assert_eq!(listed, ErrorCode::ALL.iter().map(|&code| code.into()).collect());
}

#[test]
fn every_warning_is_listed() {
    let readme = file("README.md");
    for warning in Warning::ALL {
        assert!(readme.contains(&format!("`{warning}`")), "{warning}");
    }
}

#[test]
fn error_rates_are_the_cards() {
    let (readme, card) = (file("README.md"), file("models/rgb-single-v2/README.md"));
    let models = ["rgb-single-v2", "rgb-single-v1", "silent-face", "minifas-128"];
    let mut compared = 0;
    for row in &table(&readme, "| set |")[1..] {
        for (model, cell) in models.iter().zip(&row[1..]) {
            let (eer, rates) = cell.split_once(" · ").unwrap();
            let (apcer, bpcer) = rates.split_once(" / ").unwrap();
            // Without the intervals of the rates at 0.5.
            let first = |cell: &str| cell.split(" [").next().unwrap_or_default().to_owned();
            let on_card = card.lines().any(|line| {
                let cells: Vec<_> = line.split('|').map(str::trim).collect();
                matches!(cells[..], ["", name, on_card, _, worst, refused, ""]
                    if (name, on_card) == (*model, eer)
                        && (&*first(worst), &*first(refused)) == (apcer, bpcer))
            });
            assert!(on_card, "{model}: {cell}");
            compared += 1;
        }
    }
    assert_eq!(compared, 16);
    // The card opens with the same EERs.
    let unknown = table(&card, "| set | EER, with `tight` |");
    assert_eq!(unknown.len(), 5);
    for (row, on_card) in table(&readme, "| set |")[1..].iter().zip(&unknown[1..]) {
        for column in [1, 3] {
            let eer = row[column].split(" [").next();
            assert_eq!(eer, on_card[column].split(" · ").next(), "{}", row[0]);
        }
    }
}

#[test]
fn times_are_those_of_the_comparison() {
    let (readme, results) = (file("README.md"), file("benches/RESULTS.md"));
    let results = table(&results, "| body |");
    let ours = results[0].iter().position(|&name| name == "whole request").unwrap();
    for row in &table(&readme, "| body |")[1..] {
        let body = row[0].replace(" × ", "x");
        let measured = results.iter().find(|row| row[0] == body).unwrap();
        let (peers, share) = measured[ours + 1..].split_at(measured.len() - ours - 2);
        let fastest = peers.iter().map(|peer| number(peer)).fold(f64::INFINITY, f64::min);
        for (printed, measured) in row[1..].iter().zip([number(measured[ours]), fastest]) {
            assert!((number(printed) - measured).abs() < 0.06, "{body}: {printed}");
        }
        assert_eq!(number(row[3]), number(share[0]), "{body}");
    }
}
