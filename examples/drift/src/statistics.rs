//! Tests of whether two samples differ, and measures of how much.

use statrs::distribution::{ChiSquared, ContinuousCDF};
use statrs::stats_tests::{Alternative, fishers_exact};

/// The usual rule for the chi-square approximation: each expected count is at least this.
pub const MIN_EXPECTED: f64 = 5.0;

/// The p value of a two-sample Kolmogorov–Smirnov distance, from the asymptotic distribution.
/// statrs takes samples, which would have to be in memory. Ties make the p value too large.
pub fn kolmogorov_smirnov(distance: f64, totals: [u64; 2]) -> f64 {
    let [n, m] = totals.map(|total| total as f64);
    let x = distance * (n * m / (n + m)).sqrt();
    // Below this, the series converges slowly, and p is 1 to 10 digits.
    if x < 0.2 {
        return 1.0;
    }
    let terms = (1..).map(|k| (-2.0 * f64::from(k * k) * x * x).exp());
    let mut sign = -1.0;
    let signed = terms.take_while(|term| *term > 1e-17).map(|term| {
        sign = -sign;
        sign * term
    });
    (2.0 * signed.sum::<f64>()).clamp(0.0, 1.0)
}

/// The p value of two shares, `counts` of `totals`: Pearson's chi-square, or Fisher's exact test
/// where an expected count is small.
pub fn two_shares(counts: [u64; 2], totals: [u64; 2]) -> f64 {
    let rest = [totals[0] - counts[0], totals[1] - counts[1]];
    // Counts of the rarer outcome: with them, Fisher's test takes less time.
    let (few, many) =
        if counts[0] + counts[1] <= rest[0] + rest[1] { (counts, rest) } else { (rest, counts) };
    let (found, all) = ((few[0] + few[1]) as f64, (totals[0] + totals[1]) as f64);
    let least_expected = found * totals[0].min(totals[1]) as f64 / all;
    if least_expected >= MIN_EXPECTED {
        chi_square(&[few, many])
    } else {
        let table = [few[0], many[0], few[1], many[1]];
        // It fails for invalid tables. It subtracts from 1, so rounding may put p below 0.
        fishers_exact(&table, Alternative::TwoSided).unwrap_or(1.0).max(0.0)
    }
}

/// The p value of Pearson's chi-square test that two samples have the same distribution: a pair of
/// counts for each category.
pub fn chi_square(counts: &[[u64; 2]]) -> f64 {
    let totals = [0, 1].map(|sample| counts.iter().map(|pair| pair[sample]).sum::<u64>() as f64);
    let all = totals[0] + totals[1];
    let cells = counts.iter().flat_map(|pair| {
        let found = (pair[0] + pair[1]) as f64;
        [0, 1].map(|sample| {
            let expected = found * totals[sample] / all;
            let gap = pair[sample] as f64 - expected;
            if expected > 0.0 { gap * gap / expected } else { 0.0 }
        })
    });
    let statistic: f64 = cells.sum();
    let freedom = counts.len().saturating_sub(1) as f64;
    // Without degrees of freedom there is no distribution: a single category never differs.
    ChiSquared::new(freedom).map_or(1.0, |distribution| distribution.sf(statistic))
}

/// The population stability index of two samples, a pair of counts for each category: the sum of
/// (after − before) × ln(after / before). Half an event is added to each count, so that an empty
/// category does not make it infinite.
pub fn stability_index(counts: &[[u64; 2]]) -> f64 {
    let totals = [0, 1].map(|sample| {
        counts.iter().map(|pair| pair[sample]).sum::<u64>() as f64 + 0.5 * counts.len() as f64
    });
    let terms = counts.iter().map(|pair| {
        let [before, after] = [0, 1].map(|sample| (pair[sample] as f64 + 0.5) / totals[sample]);
        (after - before) * (after / before).ln()
    });
    terms.sum()
}

/// Cohen's h of two shares: the difference of their arcsines. Unlike the difference of the shares,
/// it has the same error at every share.
pub fn cohens_h(before: f64, after: f64) -> f64 {
    let angle = |share: f64| 2.0 * share.clamp(0.0, 1.0).sqrt().asin();
    (angle(after) - angle(before)).abs()
}

/// Holm's correction: the p values for which the chance of any false discovery among all tests is
/// at most p.
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut corrected, mut least) = (vec![0.0; values.len()], 0.0_f64);
    for (rank, &index) in order.iter().enumerate() {
        least = least.max(values[index] * (values.len() - rank) as f64).min(1.0);
        corrected[index] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Discrete, Hypergeometric};

    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-8
    }

    #[test]
    fn kolmogorov_smirnov_has_the_tabulated_values() {
        // At n = m = 20,000, the argument of the distribution is 100 times the distance.
        let table = [(0.0, 1.0), (0.5, 0.963_945_24), (1.0, 0.269_999_67), (2.0, 0.000_670_93)];
        for (x, expected) in table {
            let p = kolmogorov_smirnov(x / 100.0, [20_000; 2]);
            assert!(near(p, expected), "{x}: {p} against {expected}");
        }
        assert_eq!(kolmogorov_smirnov(1.0, [20_000; 2]), 0.0);
    }

    #[test]
    fn fishers_test_is_the_sum_of_the_rarer_tables() {
        for (n, m) in [(1, 1), (4, 9), (12, 12), (30, 7)] {
            for (a, b) in (0..=n).flat_map(|a| (0..=m).map(move |b| (a, b))) {
                let tables = Hypergeometric::new(n + m, a + b, n).expect("a distribution");
                let p_of = |count| tables.pmf(count);
                let range = (a + b).saturating_sub(m)..=n.min(a + b);
                let rarer = range.map(p_of).filter(|&p| p <= p_of(a) * 1.000_1);
                let expected = rarer.sum::<f64>().min(1.0);
                let p = fishers_exact(&[a, n - a, b, m - b], Alternative::TwoSided);
                assert!((p.expect("a table") - expected).abs() < 1e-6, "{a} of {n}, {b} of {m}");
            }
        }
    }

    #[test]
    fn shares_are_tested_by_chi_square_or_exactly() {
        // The statistic is 25 / 3, and p = erfc(√(25 / 6)).
        assert!(near(two_shares([30, 50], [100, 100]), 0.003_892_417_122_778_6), "chi-square");
        assert_eq!(two_shares([30, 50], [100, 100]), two_shares([70, 50], [100, 100]));
        // By whole numbers: the probability of at most 1 or at least 8 of 9 in the first sample.
        assert!((two_shares([8, 1], [1_000_000; 2]) - 0.039_062_08).abs() < 1e-7, "exact");
        assert_eq!(two_shares([0, 0], [10, 20]), 1.0);
        assert_eq!(two_shares([10, 20], [10, 20]), 1.0);
        assert!(two_shares([500_000, 600_000], [1_000_000; 2]) < 1e-300);
    }

    #[test]
    fn one_category_never_differs() {
        assert_eq!(chi_square(&[[10, 90]]), 1.0);
        assert_eq!(chi_square(&[]), 1.0);
        assert_eq!(stability_index(&[[10, 90]]), 0.0);
    }

    #[test]
    fn the_stability_index_has_the_usual_readings() {
        let moved = |moved: u64| {
            let mut counts = [[10_000, 10_000]; 10];
            counts[0][1] -= moved;
            counts[9][1] += moved;
            stability_index(&counts)
        };
        assert_eq!(moved(0), 0.0);
        // (0.05 − 0.1) × ln(0.5) + (0.15 − 0.1) × ln(1.5)
        assert!((moved(5_000) - 0.054_93).abs() < 1e-4);
        assert!(moved(8_000) > 0.1 && moved(10_000).is_finite());
    }

    #[test]
    fn cohens_h_is_close_to_the_root_of_the_stability_index() {
        for (before, after) in [(50, 100), (100, 120), (500, 400)] {
            let counts =
                [[before * 100, after * 100], [(1000 - before) * 100, (1000 - after) * 100]];
            let h = cohens_h(before as f64 / 1e3, after as f64 / 1e3);
            assert!((h - stability_index(&counts).sqrt()).abs() < 0.01);
        }
    }

    #[test]
    fn holm_corrects_and_keeps_the_order() {
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        assert!(corrected.iter().zip([0.03, 0.06, 0.06, 0.02]).all(|(a, b)| near(*a, b)));
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
