//! The segments as text, as part of the page, and as CSV.

use std::fmt::Write as _;
use std::path::Path;

use maud::{Markup, html};

use crate::bootstrap::Interval;
use crate::report::percent;
use crate::segments::{
    ColumnFigures, Comparison, MAX_VALUES, MIN_CLUSTERS, SIGNIFICANCE, Segment, Segments, Spread,
    Verdict,
};
use crate::tables::Error;

const NO_VALUE: &str = "no single value";
const HEAD: [&str; 8] = [
    "",
    "bona fide (clusters)",
    "BPCER",
    "bona fide without response",
    "attacks (clusters)",
    "APCER, all attacks",
    "APCER, worst species",
    "attacks without response",
];
/// The columns of the table that are about attacks, and empty without them.
const OF_ATTACKS: std::ops::Range<usize> = 4..8;

const CSV_HEAD: &str = "model,column,value,\
    bona_fide,bona_fide_clusters,bpcer,bpcer_low,bpcer_high,\
    bpcer_verdict,bpcer_rest,bpcer_ratio,bpcer_p,bpcer_p_adjusted,bpnrr,bpnrr_low,bpnrr_high,\
    attacks,attack_clusters,apcer,apcer_low,apcer_high,\
    apcer_verdict,apcer_rest,apcer_ratio,apcer_p,apcer_p_adjusted,\
    worst_species,apcer_max,apcer_max_low,apcer_max_high,apnrr,apnrr_low,apnrr_high";

/// The segments of a model as plain text. Segments with too few clusters of both classes are only
/// named.
pub fn to_text(model: &str, segments: &Segments) -> String {
    let mut text = String::new();
    for column in &segments.columns {
        let _ = write!(text, "\n\n{model} by {}", column.column);
        let (shown, too_few): (Vec<_>, Vec<_>) =
            column.segments.iter().partition(|segment| !is_too_small(segment));
        if !shown.is_empty() {
            let rows: Vec<_> =
                std::iter::once(head(column)).chain(shown.iter().map(|s| row(column, s))).collect();
            let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
            let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
            for row in &rows {
                let _ = write!(text, "\n{:1$}", row[0], widths[0]);
                for (cell, width) in row.iter().zip(&widths).skip(1) {
                    let _ = write!(text, "  {cell:>width$}");
                }
            }
        }
        if !too_few.is_empty() {
            let names: Vec<_> = too_few.into_iter().map(name).collect();
            let _ = write!(
                text,
                "\n{}, fewer than {MIN_CLUSTERS} clusters here or in the rest: {}",
                Verdict::TooFewToSay.label(),
                names.join("; ")
            );
        }
        for line in notes(column) {
            let _ = write!(text, "\n{line}");
        }
    }
    let _ = write!(text, "\n\n{model}: {}", conclusion(segments));
    text
}

/// The segments of a model as a part of the page.
pub fn page(segments: &Segments) -> Markup {
    html! {
        @for column in &segments.columns {
            h3 { "By " (column.column) }
            @if !column.segments.is_empty() {
                div.wide { table {
                    thead { tr { @for cell in head(column) { th scope="col" { (cell) } } } }
                    tbody {
                        @for segment in &column.segments {
                            tr {
                                @for (i, cell) in row(column, segment).into_iter().enumerate() {
                                    @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                                }
                            }
                        }
                    }
                } }
            }
            @for line in notes(column) { p.note { (line) "." } }
        }
        @if !segments.columns.is_empty() { p { (conclusion(segments)) "." } }
    }
}

/// Writes a row for each model and segment, with a header.
///
/// # Errors
/// See [`Error`].
pub fn write_csv<'a>(
    path: &Path,
    models: impl Iterator<Item = (&'a str, &'a Segments)>,
) -> Result<(), Error> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(CSV_HEAD.split(','))?;
    let number = |number: Option<f64>| number.map_or(String::new(), |number| number.to_string());
    let interval = |Interval { value, low, high }| [value, low, high].map(number);
    let comparison = |Comparison { verdict, rest, ratio, p, p_adjusted }: Comparison| {
        let [rest, ratio, p, p_adjusted] = [rest, ratio, p, p_adjusted].map(number);
        [verdict.label().to_owned(), rest, ratio, p, p_adjusted]
    };
    for (model, segments) in models {
        for column in &segments.columns {
            for segment in &column.segments {
                let start = [model, &column.column, segment.value.as_deref().unwrap_or("")];
                let counts =
                    |units: usize, clusters: usize| [units, clusters].map(|n| n.to_string());
                let mut record: Vec<String> = start.map(str::to_owned).into();
                record.extend(counts(segment.bona_fide, segment.bona_fide_clusters));
                record.extend(interval(segment.bpcer));
                record.extend(comparison(segment.bpcer_comparison));
                record.extend(interval(segment.bpnrr));
                record.extend(counts(segment.attacks, segment.attack_clusters));
                record.extend(interval(segment.apcer_pooled));
                record.extend(comparison(segment.apcer_comparison));
                record.push(segment.worst_species.clone().unwrap_or_default());
                record.extend(interval(segment.apcer_max));
                record.extend(interval(segment.apnrr));
                writer.write_record(record)?;
            }
        }
    }
    Ok(writer.flush()?)
}

impl Verdict {
    /// The verdict in words.
    fn label(self) -> &'static str {
        match self {
            Self::NotCompared => "not compared",
            Self::TooFewToSay => "too few to say",
            Self::NoDifferenceShown => "no difference shown",
            Self::Worse => "worse",
            Self::Better => "better",
        }
    }
}

fn is_too_small(segment: &Segment) -> bool {
    [segment.bpcer_comparison, segment.apcer_comparison]
        .iter()
        .all(|comparison| comparison.verdict == Verdict::TooFewToSay)
}

fn name(segment: &Segment) -> &str {
    segment.value.as_deref().unwrap_or(NO_VALUE)
}

fn head(column: &ColumnFigures) -> Vec<String> {
    shown(column, HEAD.map(str::to_owned))
}

fn row(column: &ColumnFigures, segment: &Segment) -> Vec<String> {
    let with_verdict = |interval: Interval, units: usize, comparison: &Comparison| {
        let noted =
            matches!(comparison.verdict, Verdict::TooFewToSay | Verdict::Worse | Verdict::Better);
        let note = if noted && units > 0 { comparison.verdict.label() } else { "" };
        format!("{} {note}", percent(interval)).trim_end().to_owned()
    };
    shown(
        column,
        [
            name(segment).to_owned(),
            format!("{} ({})", segment.bona_fide, segment.bona_fide_clusters),
            with_verdict(segment.bpcer, segment.bona_fide, &segment.bpcer_comparison),
            percent(segment.bpnrr),
            format!("{} ({})", segment.attacks, segment.attack_clusters),
            with_verdict(segment.apcer_pooled, segment.attacks, &segment.apcer_comparison),
            percent(segment.apcer_max),
            percent(segment.apnrr),
        ],
    )
}

/// The cells of a row, without those about attacks if the column has no attack.
fn shown(column: &ColumnFigures, row: [String; 8]) -> Vec<String> {
    let attacks = column.segments.iter().any(|segment| segment.attacks > 0);
    let cells = row.into_iter().enumerate();
    cells.filter(|(i, _)| attacks || !OF_ATTACKS.contains(i)).map(|(_, cell)| cell).collect()
}

fn notes(column: &ColumnFigures) -> Vec<String> {
    if column.segments.is_empty() {
        return vec![format!("not compared: {} values, more than {MAX_VALUES}", column.values)];
    }
    let rates = [("BPCER", &column.bpcer), ("APCER, all attacks", &column.apcer)];
    rates.into_iter().filter_map(|(rate, spread)| Some(note(rate, spread.as_ref()?))).collect()
}

fn note(rate: &str, spread: &Spread) -> String {
    let Spread { worst, worst_rate, best, best_rate, ratio, ratio_to_rest, by_chance } = spread;
    if *worst_rate == 0.0 {
        return format!("{rate}: no error in any segment");
    }
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let (worst_rate, best_rate) = (percent(*worst_rate), percent(*best_rate));
    let by_chance =
        if *by_chance < 0.001 { "less than 0.1 %".to_owned() } else { percent(*by_chance) };
    let times = |ratio: &Option<f64>, of: &str| {
        ratio.map_or_else(|| format!("no ratio to {of}, 0 %"), |r| format!("{r:.2} times {of}"))
    };
    format!(
        "{rate}: worst {worst}, {worst_rate}: {}, {}; best {best}, {best_rate}. With equal \
         segments, such a ratio of worst to best has a probability of {by_chance}",
        times(ratio, "the best"),
        times(ratio_to_rest, "the rest"),
    )
}

/// The conclusion from the comparisons of all columns.
fn conclusion(segments: &Segments) -> String {
    let Segments { comparisons, permutations, columns } = segments;
    if *comparisons == 0 {
        return format!("no segment was compared: {}", Verdict::TooFewToSay.label());
    }
    let mut flagged = Vec::new();
    for column in columns {
        for segment in &column.segments {
            let both = [("BPCER", segment.bpcer_comparison), ("APCER", segment.apcer_comparison)];
            for (rate, Comparison { verdict, p_adjusted, .. }) in both {
                if let (Verdict::Worse | Verdict::Better, Some(p)) = (verdict, p_adjusted) {
                    let (column, name, verdict) = (&column.column, name(segment), verdict.label());
                    flagged
                        .push(format!("{column} {name}, {rate} {verdict} (adjusted p = {p:.4})"));
                }
            }
        }
    }
    let found = if flagged.is_empty() {
        "no segment differs significantly, which does not show that they are equal".to_owned()
    } else {
        format!("significant: {}", flagged.join("; "))
    };
    format!(
        "{comparisons} comparisons of a segment with the rest, {permutations} permutations of \
         clusters, family-wise error rate {} % (Holm): {found}",
        SIGNIFICANCE * 100.0
    )
}
