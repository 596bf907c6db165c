//! The comparison as a page with plots, and as JSON.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::comparison::{Comparison, Finding};
use crate::events::Events;
use crate::histogram::{BINS, Histogram};
use crate::plots;

/// The bars of a plot.
const PARTS: usize = 40;

/// Writes `index.html` and `figures.json` into a folder, which is created if it does not exist.
///
/// # Errors
/// If a file cannot be written or a plot cannot be drawn.
pub fn write(
    folder: &Path,
    comparison: &Comparison,
    events: [&Events; 2],
) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let figures = serde_json::to_string_pretty(comparison)?;
    std::fs::write(folder.join("figures.json"), figures)?;
    let page = page(comparison, &plots(events)?).into_string();
    Ok(std::fs::write(folder.join("index.html"), page)?)
}

/// The title and the SVG of each plot.
fn plots([before, after]: [&Events; 2]) -> Result<Vec<(String, String)>, plots::Error> {
    let none = Histogram::default();
    let mut plots = Vec::new();
    let models = before.models.keys();
    let models =
        models.chain(after.models.keys().filter(|&name| !before.models.contains_key(name)));
    for model in models {
        let parts = [before, after].map(|events| {
            let scores = events.models.get(model).map(|scores| &scores.histogram);
            scores.unwrap_or(&none).parts(PARTS, BINS)
        });
        let svg = plots::shares([&parts[0], &parts[1]], 1.0, "spoof score")?;
        plots.push((format!("Scores of {model}"), svg));
    }
    // A few faces of thousands of pixels would leave no room for the others.
    let end = before.faces.quantile(0.99).max(after.faces.quantile(0.99)) + 1;
    let parts = [before, after].map(|events| events.faces.parts(PARTS, end));
    let axis = "shorter side of the face, pixels; larger ones are in the last bar";
    let svg = plots::shares([&parts[0], &parts[1]], end as f64, axis)?;
    plots.push(("Faces".to_owned(), svg));
    let svg = plots::shares([&before.hours, &after.hours], 24.0, "hour of the day, UTC")?;
    plots.push(("Events".to_owned(), svg));
    Ok(plots)
}

fn page(comparison: &Comparison, plots: &[(String, String)]) -> Markup {
    let moved: Vec<_> = comparison.moved().collect();
    let others: Vec<_> = comparison.findings.iter().filter(|finding| !finding.moved).collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Has anything moved?" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Has anything moved?" }
                p { "Before: " (comparison.before.line()) }
                p { "After: " (comparison.after.line()) }
                h2 { (comparison.verdict()) }
                @if !moved.is_empty() { (table(&moved)) }
                p.note { (comparison.note()) }
                @for (title, svg) in plots {
                    h2 { (title) }
                    figure { (PreEscaped(svg)) }
                }
                h2 { "Not moved" }
                (table(&others))
            }
        }
    }
}

fn table(findings: &[&Finding]) -> Markup {
    html! {
        div.wide { table {
            thead { tr {
                @for head in ["", "before", "after", "effect", "corrected p"] {
                    th scope="col" { (head) }
                }
            } }
            tbody {
                @for [what, values @ ..] in findings.iter().map(|finding| finding.cells()) {
                    tr {
                        th scope="row" { (what) }
                        @for value in values { td { (value) } }
                    }
                }
            }
        } }
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #8884; }
th, td { text-align: right; white-space: nowrap; }
tbody th { text-align: left; font-weight: normal; }
.wide { overflow-x: auto; }
.note { opacity: .75; font-size: .9rem; }
figure { margin: 0; }
figure svg { max-width: 100%; height: auto; border-radius: .5rem; }
";
