//! Curves and histograms as SVG.

use plotters::prelude::*;

use crate::figures::OperatingPoint;

/// The lowest rate on the logarithmic axes. Lower rates are drawn at this value.
const MIN_RATE: f64 = 0.001;
const BINS: usize = 40;
const LABELS: (&str, u32) = ("sans-serif", 15);
const LIVE: RGBColor = RGBColor(38, 128, 84);
const SPOOF: RGBColor = RGBColor(196, 62, 52);
/// A colour for each model, from the colour-blind-safe palette of Okabe and Ito.
const MODELS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// Why a plot cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the plot: {0}")]
pub struct Error(String);

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for Error {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(error.to_string())
    }
}

/// The DET curve of each model: BPCER against APCER, both logarithmic from 0.1 % to 100 %.
///
/// # Errors
/// See [`Error`].
pub fn det(curves: &[(String, Vec<OperatingPoint>)]) -> Result<String, Error> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (640, 520)).into_drawing_area();
        area.fill(&WHITE)?;
        let rates = (MIN_RATE..1.0).log_scale();
        let mut chart = ChartBuilder::on(&area)
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(rates.clone(), rates)?;
        chart
            .configure_mesh()
            .label_style(LABELS)
            .x_desc("APCER (attacks classified as bona fide)")
            .y_desc("BPCER (bona fide classified as attacks)")
            .x_label_formatter(&percent)
            .y_label_formatter(&percent)
            .light_line_style(RGBColor(240, 240, 240))
            .draw()?;
        let diagonal = [(MIN_RATE, MIN_RATE), (1.0, 1.0)];
        chart.draw_series(LineSeries::new(diagonal, RGBColor(190, 190, 190)))?;
        for ((name, points), &colour) in curves.iter().zip(MODELS.iter().cycle()) {
            let points =
                points.iter().map(|point| (point.apcer.max(MIN_RATE), point.bpcer.max(MIN_RATE)));
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                .label(name.as_str())
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .label_font(LABELS)
            .position(SeriesLabelPosition::LowerLeft)
            .background_style(WHITE.mix(0.9))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

/// The distribution of the scores of bona fide presentations and of attacks.
///
/// # Errors
/// See [`Error`].
pub fn histogram(live: &[f32], spoof: &[f32], threshold: f32) -> Result<String, Error> {
    let classes = [("live", parts(live), LIVE), ("spoof", parts(spoof), SPOOF)];
    let highest = classes.iter().flat_map(|(_, parts, _)| parts).copied().fold(0.01, f64::max);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (640, 320)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..1.0, 0.0..highest * 1.05)?;
        chart
            .configure_mesh()
            .label_style(LABELS)
            .x_desc("spoof score")
            .y_desc("share of the class")
            .y_label_formatter(&percent)
            .disable_x_mesh()
            .draw()?;
        for (name, parts, colour) in &classes {
            let bars =
                parts.iter().enumerate().filter(|&(_, &part)| part > 0.0).map(|(bin, &part)| {
                    let corners =
                        [(bin as f64 / BINS as f64, 0.0), ((bin + 1) as f64 / BINS as f64, part)];
                    Rectangle::new(corners, colour.mix(0.5).filled())
                });
            let colour = *colour;
            chart.draw_series(bars)?.label(*name).legend(move |(x, y)| {
                Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.mix(0.5).filled())
            });
        }
        let threshold = f64::from(threshold);
        chart
            .draw_series(LineSeries::new([(threshold, 0.0), (threshold, highest * 1.05)], BLACK))?;
        chart
            .configure_series_labels()
            .label_font(LABELS)
            .position(SeriesLabelPosition::UpperMiddle)
            .background_style(WHITE.mix(0.9))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

/// The share of the scores in each bin.
fn parts(scores: &[f32]) -> [f64; BINS] {
    let mut parts = [0.0; BINS];
    for score in scores {
        parts[((score * BINS as f32) as usize).min(BINS - 1)] += 1.0 / scores.len() as f64;
    }
    parts
}

fn percent(rate: &f64) -> String {
    let percent = rate * 100.0;
    if percent < 0.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_score_once() {
        let parts = parts(&[0.0, 0.0, 0.999, 1.0]);
        assert_eq!((parts[0], parts[BINS - 1], parts.iter().sum::<f64>()), (0.5, 0.5, 1.0));
    }

    #[test]
    fn plots_are_drawn_for_anything() {
        let points = vec![
            OperatingPoint { threshold: 0.1, apcer: 0.0, bpcer: 1.0 },
            OperatingPoint { threshold: f32::INFINITY, apcer: 1.0, bpcer: 0.0 },
        ];
        let curve =
            det(&[("a model <&>".into(), points), ("nothing".into(), vec![])]).expect("a plot");
        assert!(curve.starts_with("<svg") && curve.contains("a model &lt;&amp;&gt;"));
        assert!(histogram(&[], &[], 0.5).expect("a plot").contains("spoof score"));
        assert!(histogram(&[0.1], &[0.9, 0.8], 0.5).expect("a plot").contains("<rect"));
    }
}
