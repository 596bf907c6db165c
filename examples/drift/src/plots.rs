//! Distributions before and after, as SVG.

use plotters::prelude::*;

const LABELS: (&str, u32) = ("sans-serif", 15);
/// Two colours of the colour-blind-safe palette of Okabe and Ito.
const BEFORE: RGBColor = RGBColor(86, 180, 233);
const AFTER: RGBColor = RGBColor(213, 94, 0);
/// Room for the legend above the bars.
const HEADROOM: f64 = 1.4;

/// Why a plot cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the plot: {0}")]
pub struct Error(String);

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for Error {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(error.to_string())
    }
}

/// The share of each part of the axis from 0 to `end`: bars before, and a line after. `counts`
/// holds the parts of both, the same number for each.
///
/// # Errors
/// See [`Error`].
pub fn shares(counts: [&[u64]; 2], end: f64, axis: &str) -> Result<String, Error> {
    let shares = counts.map(|counts| {
        let total = counts.iter().sum::<u64>().max(1) as f64;
        counts.iter().map(|&count| count as f64 / total).collect::<Vec<_>>()
    });
    let highest = shares.iter().flatten().copied().fold(0.01, f64::max);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (640, 280)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..end, 0.0..highest * HEADROOM)?;
        chart
            .configure_mesh()
            .label_style(LABELS)
            .x_desc(axis)
            .y_desc("share")
            .y_label_formatter(&|share| format!("{:.1} %", share * 100.0))
            .disable_x_mesh()
            .draw()?;
        let [before, after] = &shares;
        let edge = |part: usize| end * part as f64 / before.len() as f64;
        let bars = before.iter().enumerate().map(|(part, &share)| {
            Rectangle::new([(edge(part), 0.0), (edge(part + 1), share)], BEFORE.filled())
        });
        chart
            .draw_series(bars)?
            .label("before")
            .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], BEFORE.filled()));
        let steps = after.iter().enumerate();
        let steps = steps.flat_map(|(part, &share)| [part, part + 1].map(|at| (edge(at), share)));
        chart
            .draw_series(LineSeries::new(steps, AFTER.stroke_width(2)))?
            .label("after")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], AFTER.stroke_width(2)));
        chart
            .configure_series_labels()
            .label_font(LABELS)
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.9))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_are_drawn_for_anything() {
        for counts in [[0, 0], [0, 7], [3, 1]] {
            let svg = shares([&counts, &[1, 1]], 1.0, "score <&>").expect("a plot");
            assert!(svg.starts_with("<svg") && svg.contains("score &lt;&amp;&gt;"));
        }
    }
}
