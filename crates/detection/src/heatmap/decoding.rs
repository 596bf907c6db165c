//! Decodes the heatmap's output to a box for each cell that votes.

use std::ops::RangeInclusive;

use face_liveness_network::{Output, log_odds, logistic};

use crate::BoundingBox;

/// A score; a centre, x and y; a width and a height; five landmarks, x and y each.
const MAPS: usize = 15;
/// The range of the logarithms of sides, in cells, in the training data.
const LOG_SIDES: RangeInclusive<f32> = -2.0..=5.0;

/// The output of the heatmap: `1 × 15 × rows × columns` values.
pub(super) struct Maps<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
}

/// One cell's box, in pixels of the heatmap's input.
pub(super) struct Cell {
    pub(super) score: f32,
    pub(super) bounding_box: BoundingBox,
}

impl<'a> Maps<'a> {
    /// `None` for the output of another network.
    pub(super) fn new(output: &'a Output) -> Option<Self> {
        let &[1, MAPS, rows, columns] = output.shape() else { return None };
        Some(Self { values: output.values(), rows, columns })
    }

    /// Every cell above the threshold, best first. A cell is `stride` pixels wide and high.
    pub(super) fn cells(&self, stride: f32, vote_threshold: f32) -> Vec<Cell> {
        let min_log_odds = log_odds(vote_threshold);
        let scores = self.values[..self.rows * self.columns].iter().enumerate();
        let voting = scores.filter(|&(_, &log_odds)| log_odds > min_log_odds);
        let mut cells: Vec<_> = voting
            .map(|(i, &log_odds)| Cell {
                score: logistic(log_odds),
                bounding_box: self.bounding_box(i / self.columns, i % self.columns, stride),
            })
            .collect();
        cells.sort_by(|a, b| b.score.total_cmp(&a.score));
        cells
    }

    fn bounding_box(&self, row: usize, column: usize, stride: f32) -> BoundingBox {
        let at = |map: usize| self.values[(map * self.rows + row) * self.columns + column];
        let side = |map: usize| at(map).clamp(*LOG_SIDES.start(), *LOG_SIDES.end()).exp() * stride;
        let (width, height) = (side(3), side(4));
        let left = (column as f32 + 0.5) * stride + (at(1) - 0.5) * width;
        let top = (row as f32 + 0.5) * stride + (at(2) - 0.5) * height;
        BoundingBox { left, top, width, height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: usize = 3;
    const COLUMNS: usize = 4;
    const STRIDE: f32 = 8.0;

    #[test]
    fn cells_above_the_threshold_become_boxes() {
        // A face of 16 × 24 pixels around (12, 12), in two cells of the middle row.
        let mut values = [0.0; MAPS * ROWS * COLUMNS];
        values[..ROWS * COLUMNS].fill(-9.0);
        for (column, log_odds) in [(1, 2.0), (2, 1.0)] {
            let x = (column as f32 + 0.5) * STRIDE;
            let mut set = |map: usize, value| values[(map * ROWS + 1) * COLUMNS + column] = value;
            set(0, log_odds);
            set(1, (12.0 - x) / 16.0);
            set(3, 2f32.ln());
            set(4, 3f32.ln());
        }
        let maps = Maps { values: &values, rows: ROWS, columns: COLUMNS };
        let cells = maps.cells(STRIDE, 0.4);
        assert_eq!(cells.len(), 2);
        assert!(cells[0].score > cells[1].score && (cells[0].score - 0.880_797).abs() < 1e-4);
        for cell in cells {
            let BoundingBox { left, top, width, height } = cell.bounding_box;
            for (value, expected) in [(left, 4.0), (top, 0.0), (width, 16.0), (height, 24.0)] {
                assert!((value - expected).abs() < 1e-4, "{value} is not {expected}");
            }
        }
    }
}
