//! The results as a text table, as JSON, and as a page with plots.

use std::fmt::Write as _;
use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use crate::bootstrap::{Interval, Intervals, intervals};
use crate::dataset::{Presentation, Truth};
use crate::figures::{OperatingPoint, Samples, Scored};
use crate::plots;
use crate::scoring::{Outcome, Unit, members, units};
use crate::segment_tables;
use crate::segments::{Segments, columns, segments};
use crate::tables;
use crate::test_report::{self, Counted, counted};

/// The number of errors of each kind that the page lists, worst first.
const WORST: usize = 20;

/// The evaluation of one or more models on one set.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// The folder or file of the set.
    pub set: String,
    /// A score of at least this is classified as an attack.
    pub threshold: f32,
    /// The number of bootstrap draws.
    pub draws: u64,
    /// The unit of the counts: `images` or `videos`.
    pub unit: &'static str,
    /// The number of bona fide units.
    pub bona_fide: usize,
    /// The number of attack units.
    pub attacks: usize,
    /// The number of clusters: subjects, else videos, else the units.
    pub clusters: usize,
    /// The figures of each model.
    pub models: Vec<ModelEvaluation>,
}

/// The figures of one model, and the data behind them.
#[derive(Debug, Clone, Serialize)]
pub struct ModelEvaluation {
    /// The model's name.
    pub model: String,
    /// The rates.
    pub figures: Intervals,
    /// Bona fide units classified as attacks, highest scores first.
    pub false_rejections: Vec<Mistake>,
    /// Attacks classified as bona fide, lowest scores first.
    pub false_acceptances: Vec<Mistake>,
    /// The figures by segment, if the set names segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Segments>,
    /// The bona fide units.
    #[serde(skip)]
    pub bona_fide: Counted,
    /// The attacks of each species, in the order of the figures.
    #[serde(skip)]
    pub species: Vec<Counted>,
    #[serde(skip)]
    det: Vec<OperatingPoint>,
    #[serde(skip)]
    live: Vec<f32>,
    #[serde(skip)]
    spoof: Vec<f32>,
}

/// A presentation on the wrong side of the threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mistake {
    /// The image or the video.
    pub name: String,
    /// The species of an attack.
    pub species: Option<String>,
    /// Its score.
    pub spoof_score: f32,
}

/// Settings of an evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The unit of the counts.
    pub unit: Unit,
    /// A score of at least this is classified as an attack.
    pub threshold: f32,
    /// The number of bootstrap draws.
    pub draws: u64,
}

impl Evaluation {
    /// Computes the figures of every model.
    pub fn new(
        set: &Path,
        models: &[String],
        presentations: &[Presentation],
        outcomes: &[Outcome],
        settings: Settings,
    ) -> Self {
        let Settings { unit, threshold, draws } = settings;
        let (mut counts, mut clusters) = ((0, 0), 0);
        let columns = columns(presentations, &members(presentations, unit));
        let models = models.iter().enumerate().map(|(i, model)| {
            let units = units(presentations, outcomes, i, unit);
            let scored: Vec<_> = units.iter().map(|(_, scored)| scored.clone()).collect();
            let samples = Samples::new(&scored);
            (counts, clusters) = (samples.counts(), samples.clusters());
            let scores = |bona_fide: bool| {
                let of_class =
                    scored.iter().filter(|scored| (scored.truth == Truth::BonaFide) == bona_fide);
                of_class.filter_map(|scored| scored.score).collect()
            };
            ModelEvaluation {
                model: model.clone(),
                figures: intervals(&samples, threshold, draws),
                false_rejections: mistakes(&units, threshold, true),
                false_acceptances: mistakes(&units, threshold, false),
                segments: segments(&columns, &scored, threshold, draws),
                bona_fide: counted(&scored, None),
                species: samples
                    .species()
                    .iter()
                    .map(|name| counted(&scored, Some(name)))
                    .collect(),
                det: samples.operating_points(),
                live: scores(true),
                spoof: scores(false),
            }
        });
        let models = models.collect();
        let unit = match unit {
            Unit::Image => "images",
            Unit::Video => "videos",
        };
        let (set, (bona_fide, attacks)) = (set.display().to_string(), counts);
        Self { set, threshold, draws, unit, bona_fide, attacks, clusters, models }
    }

    /// The figures of all models side by side, one figure per row.
    pub fn table(&self) -> Vec<(String, Vec<Interval>)> {
        let row = |name: &str, figure: fn(&Intervals) -> Interval| {
            (name.to_owned(), self.models.iter().map(|model| figure(&model.figures)).collect())
        };
        let mut rows = vec![
            row("EER", |figures| figures.eer),
            row("AUC", |figures| figures.auc),
            row("APCER, worst species", |figures| figures.apcer_max),
            row("APCER, all attacks", |figures| figures.apcer_pooled),
        ];
        let species = self.models.first().map_or(&[][..], |model| &model.figures.apcer_of_species);
        for (i, (name, _)) in species.iter().enumerate() {
            let intervals =
                self.models.iter().map(|model| model.figures.apcer_of_species[i].1).collect();
            rows.push((format!("APCER, {name}"), intervals));
        }
        rows.extend([
            row("BPCER", |figures| figures.bpcer),
            row("ACER", |figures| figures.acer),
            row("APCER at BPCER 1 %", |figures| figures.apcer_at_bpcer_1),
            row("APCER at BPCER 5 %", |figures| figures.apcer_at_bpcer_5),
            row("attacks without response", |figures| figures.apnrr),
            row("bona fide without response", |figures| figures.bpnrr),
        ]);
        rows
    }

    /// The set and the table as plain text.
    pub fn to_text(&self) -> String {
        let rows = self.table();
        let first = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let width =
            self.models.iter().map(|model| model.model.chars().count()).max().unwrap_or(0).max(24);
        let mut text = format!("{}\n\n{:first$}", self.summary(), "");
        for model in &self.models {
            let _ = write!(text, "  {:>width$}", model.model);
        }
        for (name, intervals) in rows {
            let _ = write!(text, "\n{name:first$}");
            for interval in intervals {
                let _ = write!(text, "  {:>width$}", percent(interval));
            }
        }
        for (model, segments) in self.segments() {
            text += &segment_tables::to_text(model, segments);
        }
        text
    }

    /// The models that have segments: each or no model has.
    fn segments(&self) -> impl Iterator<Item = (&str, &Segments)> {
        self.models.iter().filter_map(|model| Some((&*model.model, model.segments.as_ref()?)))
    }

    pub(crate) fn summary(&self) -> String {
        let Self { set, bona_fide, attacks, unit, clusters, threshold, draws, .. } = self;
        format!(
            "{set}: {bona_fide} bona fide and {attacks} attack {unit} in {clusters} clusters, \
             threshold {threshold}, 95 % confidence intervals from {draws} bootstrap draws"
        )
    }

    /// Writes the report into a folder, which is created if it does not exist.
    ///
    /// The files are `index.html`, `figures.json`, `test-report.md`, `det.svg`, `scores.csv`,
    /// `scores.parquet`, `histogram-MODEL.svg` for each model, and `segments.csv` if the set names
    /// segments.
    ///
    /// # Errors
    /// If a file cannot be written or a plot cannot be drawn.
    pub fn write(
        &self,
        folder: &Path,
        presentations: &[Presentation],
        outcomes: &[Outcome],
    ) -> Result<(), Box<dyn std::error::Error>> {
        std::fs::create_dir_all(folder)?;
        let models: Vec<_> = self.models.iter().map(|model| model.model.clone()).collect();
        let rows = || tables::rows(&models, presentations, outcomes);
        tables::write_csv(&folder.join("scores.csv"), rows())?;
        tables::write_parquet(&folder.join("scores.parquet"), rows())?;
        std::fs::write(folder.join("figures.json"), serde_json::to_string_pretty(self)?)?;
        if self.segments().next().is_some() {
            segment_tables::write_csv(&folder.join("segments.csv"), self.segments())?;
        }

        std::fs::write(folder.join("test-report.md"), test_report::markdown(self))?;

        let curves = self.models.iter().map(|model| (model.model.clone(), model.det.clone()));
        let det = plots::det(&curves.collect::<Vec<_>>())?;
        std::fs::write(folder.join("det.svg"), &det)?;
        let mut histograms = Vec::new();
        for ModelEvaluation { model, live, spoof, .. } in &self.models {
            let histogram = plots::histogram(live, spoof, self.threshold)?;
            let name: String =
                model.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
            std::fs::write(folder.join(format!("histogram-{name}.svg")), &histogram)?;
            histograms.push(histogram);
        }
        let unanswered: Vec<_> = rows().filter(|row| row.is_unanswered()).collect();
        let page = self.page(&det, &histograms, &unanswered).into_string();
        Ok(std::fs::write(folder.join("index.html"), page)?)
    }

    fn page(
        &self,
        det: &str,
        histograms: &[String],
        unanswered: &[tables::ScoreRow<'_>],
    ) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { "Liveness evaluation: " (self.set) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { "Liveness evaluation" }
                    p { (self.summary()) "." }
                    (self.page_table())
                    p.note {
                        "Error rates by ISO/IEC 30107-3. APCER: attacks classified as bona fide. \
                         BPCER: bona fide classified as attacks. Brackets: 95 % confidence \
                         intervals by a bootstrap over clusters, which are subjects if the set \
                         names them, else videos, else images. A dash: undefined on this set."
                    }
                    @for (model, segments) in self.segments() {
                        h2 { (model) " by segment" }
                        (segment_tables::page(segments))
                    }
                    h2 { "DET curve" }
                    figure { (PreEscaped(det)) }
                    @for (model, histogram) in self.models.iter().zip(histograms) {
                        h2 { (model.model) }
                        figure { (PreEscaped(histogram)) }
                        (mistakes_table("Bona fide as attacks", &model.false_rejections))
                        (mistakes_table("Attacks as bona fide", &model.false_acceptances))
                    }
                    (unanswered_table(unanswered))
                }
            }
        }
    }

    fn page_table(&self) -> Markup {
        html! {
            div.wide { table {
                thead { tr {
                    th {}
                    @for model in &self.models { th scope="col" { (model.model) } }
                } }
                tbody {
                    @for (name, intervals) in self.table() {
                        tr {
                            th scope="row" { (name) }
                            @for interval in intervals { td { (percent(interval)) } }
                        }
                    }
                }
            } }
        }
    }
}

fn mistakes(units: &[(String, Scored)], threshold: f32, of_bona_fide: bool) -> Vec<Mistake> {
    let of_class =
        units.iter().filter(|(_, scored)| (scored.truth == Truth::BonaFide) == of_bona_fide);
    let mistake = |(name, scored): &(String, Scored)| {
        let spoof_score = scored.score.filter(|&score| (score >= threshold) == of_bona_fide)?;
        Some(Mistake {
            name: name.clone(),
            species: scored.truth.species().map(str::to_owned),
            spoof_score,
        })
    };
    let mut mistakes: Vec<_> = of_class.filter_map(mistake).collect();
    mistakes.sort_by(|a, b| {
        let ascending = a.spoof_score.total_cmp(&b.spoof_score);
        if of_bona_fide { ascending.reverse() } else { ascending }
    });
    mistakes.truncate(WORST);
    mistakes
}

fn mistakes_table(title: &str, mistakes: &[Mistake]) -> Markup {
    html! {
        h3 { (title) }
        @if mistakes.is_empty() {
            p { "None." }
        } @else {
            div.wide { table {
                thead { tr {
                    th scope="col" { "spoof score" }
                    th scope="col" { "species" }
                    th.name scope="col" { "name" }
                } }
                tbody {
                    @for mistake in mistakes {
                        tr {
                            td { (format!("{:.4}", mistake.spoof_score)) }
                            td { (mistake.species.as_deref().unwrap_or("")) }
                            td.name { (mistake.name) }
                        }
                    }
                }
            } }
            @if mistakes.len() == WORST {
                p.note { "The worst " (WORST) "; scores.csv has them all." }
            }
        }
    }
}

fn unanswered_table(unanswered: &[tables::ScoreRow<'_>]) -> Markup {
    html! {
        h2 { "Without response" }
        @if unanswered.is_empty() {
            p { "None." }
        } @else {
            p { (unanswered.len()) " scores are missing." }
            div.wide { table {
                thead { tr {
                    th scope="col" { "model" }
                    th scope="col" { "reason" }
                    th.name scope="col" { "name" }
                } }
                tbody {
                    @for row in unanswered.iter().take(WORST) {
                        tr { td { (row.model()) } td { (row.reason()) } td.name { (row.file()) } }
                    }
                }
            } }
            @if unanswered.len() > WORST {
                p.note { "The first " (WORST) "; scores.csv has them all." }
            }
        }
    }
}

/// `8.4 % [6.1, 10.9]`.
pub(crate) fn percent(interval: Interval) -> String {
    let percent = |rate: f64| format!("{:.1}", rate * 100.0);
    match (interval.value, interval.low, interval.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{} % [{}, {}]", percent(value), percent(low), percent(high))
        }
        (Some(value), ..) => format!("{} %", percent(value)),
        _ => "–".into(),
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #8884; }
th, td { text-align: right; white-space: nowrap; }
tbody th, .name { text-align: left; font-weight: normal; }
.wide { overflow-x: auto; }
.note { opacity: .75; font-size: .9rem; }
figure { margin: 0; }
figure svg { max-width: 100%; height: auto; border-radius: .5rem; }
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::scoring::NonResponse;

    fn evaluate(
        rows: &[(&str, Truth, Option<f32>)],
    ) -> (Evaluation, Vec<Presentation>, Vec<Outcome>) {
        let presentations: Vec<_> = rows
            .iter()
            .map(|(name, truth, _)| Presentation {
                path: name.into(),
                name: (*name).into(),
                truth: truth.clone(),
                subject: None,
                video: None,
                face: None,
                segments: BTreeMap::new(),
            })
            .collect();
        let unanswered = NonResponse { code: None, description: "it is gone".into() };
        let outcome = |score: Option<f32>| Outcome {
            face: None,
            scores: vec![score.ok_or(unanswered.clone())],
        };
        let outcomes: Vec<_> = rows.iter().map(|(_, _, score)| outcome(*score)).collect();
        let settings = Settings { unit: Unit::Image, threshold: 0.5, draws: 50 };
        let models = ["a model".to_owned()];
        (
            Evaluation::new(Path::new("a set"), &models, &presentations, &outcomes, settings),
            presentations,
            outcomes,
        )
    }

    fn print() -> Truth {
        Truth::Attack { species: "print".into() }
    }

    #[test]
    fn the_worst_mistakes_come_first() {
        let (evaluation, ..) = evaluate(&[
            ("a", Truth::BonaFide, Some(0.5)),
            ("b", Truth::BonaFide, Some(0.9)),
            ("c", Truth::BonaFide, Some(0.4)),
            ("d", print(), Some(0.3)),
            ("e", print(), Some(0.1)),
            ("f", print(), Some(0.6)),
            ("g", print(), None),
        ]);
        let names = |mistakes: &[Mistake]| {
            mistakes.iter().map(|mistake| mistake.name.clone()).collect::<String>()
        };
        assert_eq!(names(&evaluation.models[0].false_rejections), "ba");
        assert_eq!(names(&evaluation.models[0].false_acceptances), "ed");
        let text = evaluation.to_text();
        assert!(text.contains("3 bona fide and 4 attack images in 7 clusters"), "{text}");
        assert!(
            text.contains("BPCER") && text.contains("66.7 %") && text.contains("25.0 %"),
            "{text}"
        );
    }

    #[test]
    fn a_report_is_written_for_any_set() {
        let one_class = [("a", Truth::BonaFide, Some(0.5))];
        let no_face = [("a", Truth::BonaFide, None), ("b", print(), None)];
        let names = [("a <b>&\".jpg", Truth::BonaFide, Some(0.7)), ("b", print(), Some(0.1))];
        for rows in [&one_class[..], &no_face[..], &names[..], &[]] {
            let folder = tempfile::tempdir().expect("a folder");
            let (evaluation, presentations, outcomes) = evaluate(rows);
            evaluation
                .write(&folder.path().join("report"), &presentations, &outcomes)
                .expect("a report");
            let page =
                std::fs::read_to_string(folder.path().join("report/index.html")).expect("a page");
            assert!(
                page.contains("</html>") && !page.contains("NaN") && !page.contains("<b>"),
                "{page}"
            );
            let figures =
                std::fs::read(folder.path().join("report/figures.json")).expect("figures");
            let figures: serde_json::Value = serde_json::from_slice(&figures).expect("JSON");
            assert_eq!(
                figures["bona_fide"],
                rows.iter().filter(|row| row.1 == Truth::BonaFide).count()
            );
        }
    }
}
