//! Counts and a histogram of scores, printed after a run.

use std::collections::BTreeMap;
use std::fmt;

use crate::results::Row;

const BINS: usize = 20;
const BAR_WIDTH: usize = 50;

/// Counts and the histogram of scores.
pub struct Summary {
    scored: usize,
    /// Photos without a score, by reason.
    unscored: BTreeMap<String, usize>,
    histogram: [usize; BINS],
}

impl Summary {
    /// Summarises rows.
    pub fn of(rows: &[Row]) -> Self {
        let mut summary = Self { scored: 0, unscored: BTreeMap::new(), histogram: [0; BINS] };
        for row in rows {
            if let Some(score) = row.spoof_score {
                summary.scored += 1;
                summary.histogram[((score * BINS as f32) as usize).min(BINS - 1)] += 1;
                continue;
            }
            let reason = match row.code {
                Some(223) => "without a face (223)".to_owned(),
                Some(code) => format!("answered {code}"),
                None => "that could not be read".to_owned(),
            };
            *summary.unscored.entry(reason).or_default() += 1;
        }
        summary
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let photos = |count| if count == 1 { "photo" } else { "photos" };
        writeln!(f, "{} {} scored", self.scored, photos(self.scored))?;
        for (reason, &count) in &self.unscored {
            writeln!(f, "{count} {} {reason}", photos(count))?;
        }
        let max_count = self.histogram.iter().max().copied().unwrap_or_default();
        if max_count == 0 {
            return Ok(());
        }
        writeln!(f, "\nspoof score, 0 live to 1 spoof")?;
        for (bin, &count) in self.histogram.iter().enumerate() {
            let from = bin as f32 / BINS as f32;
            let bar = "█".repeat((count * BAR_WIDTH).div_ceil(max_count));
            writeln!(f, "{from:.2} {bar:<BAR_WIDTH$} {count}")?;
        }
        Ok(())
    }
}
