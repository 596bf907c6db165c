//! The tables of a test report by ISO/IEC 30107-3, in Markdown. Facts that only the tester knows
//! are left blank.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::bootstrap::Interval;
use crate::figures::Scored;
use crate::report::{Evaluation, ModelEvaluation};

/// The presentations of one species of attack, or the bona fide ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// The number of presentations.
    pub presentations: usize,
    /// The number of those with a score.
    pub scored: usize,
    /// The number of clusters.
    pub clusters: usize,
}

/// Counts the presentations of a class: of one species or, for `None`, bona fide.
pub fn counted(scored: &[Scored], species: Option<&str>) -> Counted {
    let of_class: Vec<_> =
        scored.iter().filter(|scored| scored.truth.species() == species).collect();
    Counted {
        presentations: of_class.len(),
        scored: of_class.iter().filter(|scored| scored.score.is_some()).count(),
        clusters: of_class.iter().map(|scored| scored.cluster).collect::<BTreeSet<_>>().len(),
    }
}

/// Facts that the tester adds: `evaluate` sees only pictures and labels.
const BLANKS: &[&str] = &[
    "Item under test: build, app, devices, and the path of a picture to the engine",
    "Date, place, light, and the tester",
    "How the threshold was chosen, and on whose pictures",
    "Instruments of each species: how they were made, their number and their sources",
    "People: number, ages, sexes, and how they consented",
    "Attempts and time that each attack was given",
    "Presentations that were left out, and why",
    "Problems that the figures do not show",
];

/// The report, as Markdown.
pub fn markdown(evaluation: &Evaluation) -> String {
    let mut text = format!(
        "# Test report, by ISO/IEC 30107-3\n\n**This is not a certification.** {}.\n",
        evaluation.summary()
    );
    for model in &evaluation.models {
        let _ = write!(text, "\n## {}\n\n{}", model.model, table(model));
    }
    text += "\n## To be filled in\n\n| | |\n|---|---|\n";
    for blank in BLANKS {
        let _ = writeln!(text, "| {blank} | |");
    }
    text
}

fn table(model: &ModelEvaluation) -> String {
    let mut text = "| figure | value | 95 % interval | presentations | with a score | clusters |\n\
                    |---|---|---|---|---|---|\n"
        .to_owned();
    let mut row = |name: &str, figure: Interval, counted: Option<&Counted>| {
        let [value, low, high] = [figure.value, figure.low, figure.high].map(percent);
        let counts = counted.map_or(" | | | ".to_owned(), |counted| {
            let Counted { presentations, scored, clusters } = counted;
            format!(" | {presentations} | {scored} | {clusters} ")
        });
        let _ = writeln!(text, "| {name} | {value} | {low} to {high}{counts}|");
    };
    let figures = &model.figures;
    for ((species, apcer), counted) in figures.apcer_of_species.iter().zip(&model.species) {
        row(&format!("APCER, {}", cell(species)), *apcer, Some(counted));
    }
    row("APCER, worst species", figures.apcer_max, None);
    row("BPCER", figures.bpcer, Some(&model.bona_fide));
    row("APNRR: attacks without a score", figures.apnrr, None);
    row("BPNRR: bona fide without a score", figures.bpnrr, None);
    text
}

fn percent(rate: Option<f64>) -> String {
    rate.map_or("–".to_owned(), |rate| format!("{:.1} %", rate * 100.0))
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Truth;

    #[test]
    fn each_class_is_counted_by_itself() {
        let attack = |species: &str| Truth::Attack { species: species.into() };
        let scored = [
            (Truth::BonaFide, Some(0.1), 0),
            (attack("print"), Some(0.9), 0),
            (attack("print"), None, 0),
            (attack("print"), Some(0.8), 1),
            (attack("screen"), Some(0.7), 2),
        ];
        let scored = scored.map(|(truth, score, cluster)| Scored { truth, score, cluster });
        let count = |species| {
            let Counted { presentations, scored, clusters } = counted(&scored, species);
            [presentations, scored, clusters]
        };
        assert_eq!(count(None), [1, 1, 1]);
        assert_eq!(count(Some("print")), [3, 2, 2]);
        assert_eq!(count(Some("mask")), [0, 0, 0]);
    }
}
