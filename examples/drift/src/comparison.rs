//! Compares two files of events: which values differ, and by how much.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::events::{Events, Values};
use crate::histogram::{BINS, Histogram, deciles, distance};
use crate::statistics::{
    MIN_EXPECTED, chi_square, cohens_h, holm, kolmogorov_smirnov, stability_index, two_shares,
};

/// The corrected p value below which a difference is significant, by convention.
const SIGNIFICANT: f64 = 0.05;
/// The usual readings of the population stability index: from 0.1 on, a distribution has moved;
/// from 0.25 on, much.
const MOVED: f64 = 0.1;
const MUCH: f64 = 0.25;
/// Cohen's h of a share that has moved: from 2 to 3.7 %, or from 50 to 55 %. Cohen calls 0.2 small,
/// where a rare warning would have to triple.
const MOVED_SHARE: f64 = 0.1;
/// The share at which h reaches 0.1 from zero. Values that are rarer in both files are not tested.
const MIN_SHARE: f64 = 0.002_5;

/// The comparison of two files.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// A score of at least this is classified as an attack.
    pub threshold: f32,
    /// The earlier file.
    pub before: Summary,
    /// The later file.
    pub after: Summary,
    /// The tested values: those that moved come first, and larger effects before smaller ones.
    pub findings: Vec<Finding>,
}

/// A summary of one file.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The path of the file.
    pub file: String,
    /// The number of events.
    pub events: u64,
    /// The number of lines that are not events.
    pub broken_lines: u64,
    /// The time of the earliest event.
    pub first: String,
    /// The time of the latest event.
    pub last: String,
}

/// One tested value.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// The name of the value.
    pub what: String,
    /// How it differs.
    #[serde(flatten)]
    pub measure: Measure,
    /// The p value of the test alone.
    pub p: f64,
    /// The p value after Holm's correction over all findings.
    pub corrected_p: f64,
    /// Whether it differs significantly, and by an effect that counts.
    pub moved: bool,
}

/// A difference of a share or of a distribution.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Measure {
    /// Two shares, and Cohen's h.
    Share {
        /// The share in the earlier file.
        before: f64,
        /// The share in the later file.
        after: f64,
        /// Cohen's h.
        h: f64,
    },
    /// Two distributions, and the population stability index.
    Distribution {
        /// The median in the earlier file.
        before: f64,
        /// The median in the later file.
        after: f64,
        /// The population stability index.
        psi: f64,
        /// The Kolmogorov–Smirnov distance.
        ks: f64,
    },
    /// The events by the hour of the day, and the population stability index.
    Hours {
        /// The hour, UTC, of which the share changed most.
        hour: usize,
        /// Its share in the earlier file.
        before: f64,
        /// Its share in the later file.
        after: f64,
        /// The population stability index.
        psi: f64,
    },
}

impl Measure {
    /// All measures on the scale of Cohen's h: for two categories, the root of the stability index
    /// is close to it.
    fn effect(&self) -> f64 {
        match self {
            Self::Share { h, .. } => *h,
            Self::Distribution { psi, .. } | Self::Hours { psi, .. } => psi.sqrt(),
        }
    }

    fn counts(&self) -> bool {
        match self {
            Self::Share { h, .. } => *h >= MOVED_SHARE,
            Self::Distribution { psi, .. } | Self::Hours { psi, .. } => *psi >= MOVED,
        }
    }

    /// The values before and after, and the effect.
    fn words(&self) -> [String; 3] {
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let reading = |psi: f64| match psi {
            ..MOVED => "little",
            ..MUCH => "moderate",
            _ => "much",
        };
        match *self {
            Self::Share { before, after, h } => {
                [percent(before), percent(after), format!("h {h:.2}")]
            }
            Self::Distribution { before, after, psi, ks } => {
                let median = |value: f64| format!("median {value}");
                let effect = format!("PSI {psi:.2} ({}), KS {ks:.2}", reading(psi));
                [median(before), median(after), effect]
            }
            Self::Hours { hour, before, after, psi } => {
                let share = |share: f64| format!("{hour:02} h: {}", percent(share));
                [share(before), share(after), format!("PSI {psi:.2} ({})", reading(psi))]
            }
        }
    }
}

impl Finding {
    /// A finding before the correction.
    fn new(what: String, measure: Measure, p: f64) -> Self {
        Self { what, measure, p, corrected_p: p, moved: false }
    }

    /// The name of the value, its amounts before and after, the effect, and p, in words.
    pub fn cells(&self) -> [String; 5] {
        let [before, after, effect] = self.measure.words();
        let p = match self.corrected_p {
            p if p < 1e-99 => "p < 1e-99".to_owned(),
            p if p < 0.001 => format!("p {p:.0e}"),
            p => format!("p {p:.3}"),
        };
        [self.what.clone(), before, after, effect, p]
    }
}

impl Comparison {
    /// Compares two files, whose events were counted with this threshold.
    pub fn new(files: [&Path; 2], [before, after]: [&Events; 2], threshold: f32) -> Self {
        let mut findings = Vec::new();
        for (model, was) in &before.models {
            let Some(is) = after.models.get(model) else { continue };
            let scores = [&was.histogram, &is.histogram];
            let what = format!("scores of {model}");
            // The middle of a bin would have a digit more than the resolution.
            findings.push(distribution(what, scores, |bin| bin as f64 / BINS as f64));
            let what = format!("scores of {model} from {threshold} on");
            findings.push(share(what, [was.attacks, is.attacks], scores.map(Histogram::total)));
        }
        let faces = [&before.faces, &after.faces];
        if faces.iter().all(|faces| faces.total() > 0) {
            let what = "shorter side of the face, pixels".to_owned();
            findings.push(distribution(what, faces, |bin| bin as f64));
        }
        findings.push(hours(before.hours, after.hours));
        for (kind, of) in KINDS {
            findings.extend(values(kind, [of(before), of(after)]));
        }

        let corrected = holm(&findings.iter().map(|finding| finding.p).collect::<Vec<_>>());
        for (finding, p) in findings.iter_mut().zip(corrected) {
            finding.corrected_p = p;
            finding.moved = p < SIGNIFICANT && finding.measure.counts();
        }
        findings.sort_by(|a, b| {
            // If a kind has two values, their effects are equal up to rounding.
            let [a_effect, b_effect] = [a, b].map(|each| (each.measure.effect() * 1e6).round());
            let effects = b_effect.total_cmp(&a_effect);
            b.moved.cmp(&a.moved).then(effects).then_with(|| a.what.cmp(&b.what))
        });
        let [before, after] = [(files[0], before), (files[1], after)].map(Summary::new);
        Self { threshold, before, after, findings }
    }

    /// The values that moved, the largest effect first.
    pub fn moved(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.moved)
    }

    /// The comparison as plain text.
    pub fn to_text(&self) -> String {
        let mut text = format!("before: {}\nafter:  {}\n\n", self.before.line(), self.after.line());
        let _ = writeln!(text, "{}", self.verdict());
        let rows: Vec<_> = self.moved().map(Finding::cells).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let [w, b, a, e] = [0, 1, 2, 3].map(|column| width(column).unwrap_or(0));
        for [what, before, after, effect, p] in &rows {
            let _ = writeln!(text, "  {what:w$}  {before:>b$} → {after:a$}  {effect:e$}  {p}");
        }
        let _ = write!(text, "\n{}", self.note());
        text
    }

    /// How many values moved, in a sentence.
    pub fn verdict(&self) -> String {
        let tests = self.findings.len();
        match self.moved().count() {
            0 => format!("Nothing moved: {tests} values were tested."),
            moved => format!("{moved} of {tests} tested values moved, the largest effect first."),
        }
    }

    /// How to read the findings.
    pub fn note(&self) -> String {
        let small = |found: &&Finding| !found.moved && found.corrected_p < SIGNIFICANT;
        let small = self.findings.iter().filter(small).count();
        format!(
            "Moved: p < {SIGNIFICANT} after Holm's correction, and an effect that counts: h ≥ \
             {MOVED_SHARE} for a share,\nPSI ≥ {MOVED} for a distribution (from {MUCH} on, much). \
             Such a p with a smaller effect: {small}.\nEvents are not independent, as one \
             customer sends several, so p is too small: judge by the effect."
        )
    }
}

impl Summary {
    fn new((file, events): (&Path, &Events)) -> Self {
        let seconds = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let [first, last] = events.span.unwrap_or_default().map(seconds);
        let (count, broken_lines) = (events.count, events.broken);
        Self { file: file.display().to_string(), events: count, broken_lines, first, last }
    }

    /// The summary in a line.
    pub fn line(&self) -> String {
        let Self { file, events, broken_lines, first, last } = self;
        format!("{file}: {events} events, {first} to {last}; broken lines: {broken_lines}")
    }
}

/// A kind of values, and where the events have it.
type Kind = (&'static str, fn(&Events) -> &Values);

const KINDS: [Kind; 6] = [
    ("client", |events| &events.clients),
    ("error", |events| &events.errors),
    ("answers of", |events| &events.answers),
    ("warning", |events| &events.warnings),
    ("image size", |events| &events.sizes),
    ("version", |events| &events.versions),
];

/// A finding for each value that is frequent enough, by name.
fn values(kind: &str, values: [&Values; 2]) -> Vec<Finding> {
    let totals = values.map(|values| values.of);
    if totals.contains(&0) {
        return Vec::new();
    }
    let names: BTreeSet<_> = values.iter().flat_map(|values| values.names()).collect();
    let findings = names.into_iter().filter_map(|name| {
        let counts = values.map(|values| values.get(name));
        let is_frequent = |i: usize| counts[i] as f64 >= MIN_SHARE * totals[i] as f64;
        let is_tested = is_frequent(0) || is_frequent(1);
        is_tested.then(|| share(format!("{kind} {name}"), counts, totals))
    });
    findings.collect()
}

fn share(what: String, counts: [u64; 2], totals: [u64; 2]) -> Finding {
    let [before, after] = [0, 1].map(|i| counts[i] as f64 / totals[i] as f64);
    let measure = Measure::Share { before, after, h: cohens_h(before, after) };
    Finding::new(what, measure, two_shares(counts, totals))
}

fn distribution(what: String, samples: [&Histogram; 2], value: fn(usize) -> f64) -> Finding {
    let [before, after] = samples.map(|sample| value(sample.quantile(0.5)));
    let ks = distance(samples[0], samples[1]);
    let psi = stability_index(&deciles(samples[0], samples[1]));
    let p = kolmogorov_smirnov(ks, samples.map(Histogram::total));
    Finding::new(what, Measure::Distribution { before, after, psi, ks }, p)
}

/// Hours with few events are joined with the hours that follow, until chi-square holds.
fn hours(before: [u64; 24], after: [u64; 24]) -> Finding {
    let totals = [before, after].map(|hours| hours.iter().sum::<u64>() as f64);
    let part = totals[0].min(totals[1]) / (totals[0] + totals[1]);
    let is_enough = |pair: &[u64; 2]| (pair[0] + pair[1]) as f64 * part >= MIN_EXPECTED;
    let mut groups: Vec<[u64; 2]> = vec![[0, 0]];
    for (b, a) in before.into_iter().zip(after) {
        if groups.last().is_some_and(is_enough) {
            groups.push([0, 0]);
        }
        if let Some(group) = groups.last_mut() {
            *group = [group[0] + b, group[1] + a];
        }
    }
    if let Some(few) = groups.pop_if(|last| !is_enough(last)) {
        match groups.last_mut() {
            Some(group) => *group = [group[0] + few[0], group[1] + few[1]],
            None => groups.push(few),
        }
    }
    let shares = [0, 1].map(|i| [before, after][i].map(|count: u64| count as f64 / totals[i]));
    let effect = |&hour: &usize| cohens_h(shares[0][hour], shares[1][hour]);
    let most = (0..24).max_by(|a, b| effect(a).total_cmp(&effect(b))).unwrap_or(0);
    let [before, after] = shares.map(|shares| shares[most]);
    let measure = Measure::Hours { hour: most, before, after, psi: stability_index(&groups) };
    Finding::new("hour of the day, UTC".to_owned(), measure, chi_square(&groups))
}
