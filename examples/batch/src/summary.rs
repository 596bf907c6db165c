//! What all rows say together.

use std::collections::BTreeMap;
use std::fmt;

use crate::results::Row;

const BINS: usize = 20;
const WIDEST: usize = 50;

/// Counts and the histogram of scores.
pub struct Summary {
    scored: usize,
    without: BTreeMap<String, usize>,
    histogram: [usize; BINS],
}

impl Summary {
    /// Of so many rows.
    pub fn of(rows: &[Row]) -> Self {
        let mut summary = Self { scored: 0, without: BTreeMap::new(), histogram: [0; BINS] };
        for row in rows {
            match (row.spoof_score, row.code) {
                (Some(score), _) => {
                    summary.scored += 1;
                    summary.histogram[((score * BINS as f32) as usize).min(BINS - 1)] += 1;
                }
                (None, Some(223)) => {
                    *summary.without.entry("without a face (223)".into()).or_default() += 1
                }
                (None, Some(code)) => {
                    *summary.without.entry(format!("answered {code}")).or_default() += 1
                }
                (None, None) => {
                    *summary.without.entry("that could not be read".into()).or_default() += 1
                }
            }
        }
        summary
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} photos scored", self.scored)?;
        for (why, count) in &self.without {
            writeln!(f, "{count} photos {why}")?;
        }
        let most = self.histogram.iter().max().copied().unwrap_or_default();
        if most == 0 {
            return Ok(());
        }
        writeln!(f, "\nspoof score, 0 live to 1 spoof")?;
        for (bin, &count) in self.histogram.iter().enumerate() {
            let from = bin as f32 / BINS as f32;
            let bar = "█".repeat((count * WIDEST).div_ceil(most));
            writeln!(f, "{from:.2} {bar:<WIDEST$} {count}")?;
        }
        Ok(())
    }
}
