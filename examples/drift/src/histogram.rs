//! A histogram of fixed resolution: the distribution of any number of values in 80 KB.

/// The resolution is 1 / 10,000 for scores, and one pixel for the sides of faces, up to 10,000
/// pixels.
pub const BINS: usize = 10_000;

/// The number of values in each bin.
#[derive(Debug, Clone)]
pub struct Histogram {
    bins: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Counts a value. One beyond the last bin is counted there.
    pub fn add(&mut self, bin: usize) {
        self.bins[bin.min(BINS - 1)] += 1;
        self.total += 1;
    }

    /// The number of values.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The bin of a quantile, 0 to 1.
    pub fn quantile(&self, share: f64) -> usize {
        let rank = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reaches = |count: &u64| {
            seen += count;
            seen >= rank
        };
        self.bins.iter().position(reaches).unwrap_or(0)
    }

    /// The counts of `parts` equal parts of the bins below `end`. The last has what is beyond, too.
    pub fn parts(&self, parts: usize, end: usize) -> Vec<u64> {
        let mut sums = vec![0; parts];
        for (bin, count) in self.bins.iter().enumerate() {
            sums[(bin * parts / end.max(1)).min(parts - 1)] += count;
        }
        sums
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: vec![0; BINS], total: 0 }
    }
}

/// The counts of both histograms between the deciles of `before`, and beyond its extremes. Equal
/// deciles count as one.
pub fn deciles(before: &Histogram, after: &Histogram) -> Vec<[u64; 2]> {
    let (mut groups, mut seen, mut next) = (vec![[0, 0]], 0, 0);
    for (&b, &a) in before.bins.iter().zip(&after.bins) {
        // Values below the minimum of `before` form a group, too: they are new.
        if seen == 0 && b > 0 {
            groups.push([0, 0]);
            next = 1;
        }
        if let Some(group) = groups.last_mut() {
            *group = [group[0] + b, group[1] + a];
        }
        seen += b;
        if b > 0 && seen * 10 >= before.total * next {
            groups.push([0, 0]);
            next = seen * 10 / before.total + 1;
        }
    }
    groups.retain(|group| *group != [0, 0]);
    groups
}

/// The two-sample Kolmogorov–Smirnov statistic: the greatest difference between the cumulative
/// shares. By bins, it is too small by no more than the share of one bin.
pub fn distance(before: &Histogram, after: &Histogram) -> f64 {
    let mut seen = [0, 0];
    let bins = before.bins.iter().zip(&after.bins);
    let gaps = bins.map(|(b, a)| {
        seen = [seen[0] + b, seen[1] + a];
        (seen[0] as f64 / before.total as f64 - seen[1] as f64 / after.total as f64).abs()
    });
    gaps.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = usize>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|value| histogram.add(value));
        histogram
    }

    #[test]
    fn quantiles_are_values_of_the_sample() {
        let histogram = of(1..=100);
        assert_eq!([0.0, 0.5, 0.95, 1.0].map(|q| histogram.quantile(q)), [1, 50, 95, 100]);
        assert_eq!(of([]).quantile(0.5), 0);
        assert_eq!(of([BINS + 5]).quantile(0.5), BINS - 1);
    }

    #[test]
    fn parts_hold_every_value_once() {
        assert_eq!(of([0, 49, 50, 99, 100, 9_999]).parts(2, 100), [2, 4]);
        assert_eq!(of([0, 9_999]).parts(4, BINS), [1, 0, 0, 1]);
    }

    #[test]
    fn deciles_have_a_tenth_of_before_each() {
        let groups = deciles(&of(1..=1000), &of((1..=1000).chain([0, 5000, 5000])));
        assert_eq!(groups.len(), 12);
        assert_eq!((groups[0], groups[11]), ([0, 1], [0, 2]));
        assert!(groups[1..11].iter().all(|group| *group == [100, 100]), "{groups:?}");
    }

    #[test]
    fn equal_deciles_are_one() {
        let before = of([vec![7; 50], vec![8; 4], (10..56).collect()].concat());
        let groups = deciles(&before, &of([7, 7, 3]));
        assert_eq!(groups[..3], [[0, 1], [50, 2], [10, 0]]);
        assert_eq!(groups.iter().map(|group| group[0]).sum::<u64>(), 100);
        assert_eq!(deciles(&of([7; 9]), &of([7, 8])), [[9, 1], [0, 1]]);
    }
}
