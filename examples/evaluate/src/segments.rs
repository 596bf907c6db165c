//! Error rates by segment: by device, environment, group of people, or any other column of the set.
//!
//! Each segment is compared with the rest of the set by a permutation test over clusters (Good,
//! "Permutation, Parametric and Bootstrap Tests of Hypotheses", 2005): the segments of whole
//! clusters are exchanged at random. A cluster in several segments, such as a person filmed with
//! two devices, exchanges its segments with a cluster in as many segments, and among its own parts.
//! Where segments make no difference, the set as measured is one of these permutations, so the test
//! also holds for rare errors. A bootstrap of the difference does not: it would take a small
//! segment without an error for a better one.
//!
//! The difference is divided by its standard error over clusters. So the test holds, for many
//! clusters, also where rates are equal but errors are more correlated, or clusters larger, in one
//! segment than in another (Chung and Romano, "Exact and asymptotically robust permutation tests",
//! 2013).
//!
//! One of twenty equal segments differs at the level of 5 % by chance. So the p-values of all
//! comparisons of a model are adjusted together (Holm, "A simple sequentially rejective multiple
//! test procedure", 1979): where no segment differs, a segment is flagged in at most 5 % of all
//! sets.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use serde::Serialize;

use crate::bootstrap::{Interval, intervals};
use crate::dataset::{Presentation, Truth};
use crate::figures::{Samples, Scored};

/// Segments with fewer clusters of a class are not compared: without an error, the upper bound of
/// the rate would still be 12 %.
pub const MIN_CLUSTERS: usize = 30;
/// Columns with more values are not divided into segments: they are identifiers or measurements.
pub const MAX_VALUES: usize = 100;
/// The family-wise error rate of the flags.
pub const SIGNIFICANCE: f64 = 0.05;
/// The smallest number of permutations.
const PERMUTATIONS: u64 = 10_000;
/// The permutations for each comparison. The smallest possible p-value, 2 divided by their number,
/// must pass Holm's first step, 5 %.
const PERMUTATIONS_PER_COMPARISON: u64 = 50;
/// Statistics that differ by less are equal: sums in another order round differently.
const ROUNDING: f64 = 1e-9;
/// A variance of rates below this is 0, apart from rounding.
const NO_VARIANCE: f64 = 1e-14;

/// A column of the set, and the value of each unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    name: String,
    values: Vec<String>,
    /// The place in `values`.
    of_unit: Vec<Option<usize>>,
}

/// The columns of the set. `members` are the presentations of each unit.
///
/// A unit has no value where no presentation has one, and where the frames of a video disagree.
pub fn columns(presentations: &[Presentation], members: &[Vec<usize>]) -> Vec<Column> {
    let mut values_of = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (column, value) in presentations.iter().flat_map(|presentation| &presentation.segments) {
        values_of.entry(column).or_default().insert(value);
    }
    let column = |(name, values): (&str, BTreeSet<&str>)| {
        let mut values: Vec<_> = values.into_iter().map(str::to_owned).collect();
        values.sort_by_key(|value| leading_number(value));
        let place_of: BTreeMap<_, _> =
            values.iter().enumerate().map(|(place, value)| (value.as_str(), place)).collect();
        let of_unit = |members: &Vec<usize>| {
            let given = members.iter().filter_map(|&i| presentations[i].segments.get(name));
            let given: BTreeSet<_> = given.map(|value| place_of[value.as_str()]).collect();
            given.first().copied().filter(|_| given.len() == 1)
        };
        Column { name: name.into(), of_unit: members.iter().map(of_unit).collect(), values }
    };
    values_of.into_iter().map(column).collect()
}

/// For the order of groups such as `3-9` and `10-19`; text follows numbers.
fn leading_number(value: &str) -> u64 {
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().unwrap_or(u64::MAX)
}

/// The segments of a set, as one model scores them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segments {
    /// The number of comparisons of a segment with the rest of the set, for which the p-values are
    /// adjusted.
    pub comparisons: usize,
    /// The number of permutations.
    pub permutations: u64,
    /// The columns, by name.
    pub columns: Vec<ColumnFigures>,
}

/// The segments of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnFigures {
    /// The column.
    pub column: String,
    /// The number of values; above [`MAX_VALUES`], there are no segments.
    pub values: usize,
    /// The segments. The last has the units without a single value, if there are any.
    pub segments: Vec<Segment>,
    /// The range of the BPCER; `None` if fewer than two segments were compared.
    pub bpcer: Option<Spread>,
    /// The range of the APCER over all attacks.
    pub apcer: Option<Spread>,
}

/// The units with one value of a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// The value; `None` for the units without one, and videos whose frames disagree.
    pub value: Option<String>,
    /// The number of bona fide units.
    pub bona_fide: usize,
    /// The number of clusters with a scored bona fide unit.
    pub bona_fide_clusters: usize,
    /// The number of attack units.
    pub attacks: usize,
    /// The number of clusters with a scored attack.
    pub attack_clusters: usize,
    /// The BPCER.
    pub bpcer: Interval,
    /// The APCER over all attacks.
    pub apcer_pooled: Interval,
    /// The largest APCER of any species.
    pub apcer_max: Interval,
    /// The species of `apcer_max`.
    pub worst_species: Option<String>,
    /// The bona fide presentation non-response rate.
    pub bpnrr: Interval,
    /// The attack presentation non-response rate.
    pub apnrr: Interval,
    /// The BPCER against that of the rest.
    pub bpcer_comparison: Comparison,
    /// The APCER over all attacks against that of the rest.
    pub apcer_comparison: Comparison,
}

/// The error rate of a segment against that of the rest: the other units that have a value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// The conclusion from the comparison.
    pub verdict: Verdict,
    /// The rate of the rest.
    pub rest: Option<f64>,
    /// The rate of the segment by that of the rest, unless that is 0.
    pub ratio: Option<f64>,
    /// The two-sided p-value of the difference, by itself.
    pub p: Option<f64>,
    /// The p-value after Holm's correction for all comparisons.
    pub p_adjusted: Option<f64>,
}

/// The conclusion from comparing a segment with the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The units without a single value are no segment.
    NotCompared,
    /// The segment or the rest has fewer than [`MIN_CLUSTERS`] clusters of the class.
    TooFewToSay,
    /// The difference is not significant. There may still be one.
    NoDifferenceShown,
    /// The rate is significantly higher than that of the rest.
    Worse,
    /// The rate is significantly lower.
    Better,
}

/// The highest and the lowest error rate of the segments that were compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// The value with the highest rate.
    pub worst: String,
    /// Its rate.
    pub worst_rate: f64,
    /// The value with the lowest rate.
    pub best: String,
    /// Its rate.
    pub best_rate: f64,
    /// The highest by the lowest rate; `None` if the lowest is 0.
    pub ratio: Option<f64>,
    /// The highest rate by that of the rest; `None` if that is 0.
    pub ratio_to_rest: Option<f64>,
    /// The share of the permutations where the highest by the lowest rate is at least as large: how
    /// often chance alone gives such a ratio.
    pub by_chance: f64,
}

/// Computes the figures of each segment, with confidence intervals from `draws` bootstrap draws,
/// and compares them. `scored` has a presentation for each unit of the columns.
///
/// Deterministic, as [`intervals`] is. `None` if there are no columns.
pub fn segments(
    columns: &[Column],
    scored: &[Scored],
    threshold: f32,
    draws: u64,
) -> Option<Segments> {
    compare(columns, scored, threshold, draws, PERMUTATIONS)
}

fn compare(
    columns: &[Column],
    scored: &[Scored],
    threshold: f32,
    draws: u64,
    fewest_permutations: u64,
) -> Option<Segments> {
    if columns.is_empty() {
        return None;
    }
    let divided: Vec<_> =
        columns.iter().filter(|column| column.values.len() <= MAX_VALUES).collect();
    let cells: Vec<_> = divided
        .iter()
        .map(|column| [true, false].map(|class| Cells::new(column, scored, threshold, class)))
        .collect();
    let comparisons = cells.iter().flatten().map(|cells| cells.compared.len()).sum();
    let permutations = fewest_permutations.max(PERMUTATIONS_PER_COMPARISON * comparisons as u64);

    let mut figures: Vec<_> = columns
        .iter()
        .map(|Column { name, values, .. }| ColumnFigures {
            column: name.clone(),
            values: values.len(),
            segments: Vec::new(),
            bpcer: None,
            apcer: None,
        })
        .collect();
    let of_divided = figures.iter_mut().filter(|column| column.values <= MAX_VALUES);
    for ((figures, column), cells) in of_divided.zip(divided).zip(&cells) {
        let [(bpcers, bpcer), (apcers, apcer)] =
            cells.each_ref().map(|cells| cells.comparisons(&column.values, permutations));
        let places = (0..column.values.len()).map(Some).chain([None]);
        figures.segments = places
            .filter(|value| column.of_unit.contains(value))
            .map(|value| {
                let of_value = |comparisons: &[Comparison]| {
                    value.map_or(Comparison::NONE, |value| comparisons[value])
                };
                let comparisons = (of_value(&bpcers), of_value(&apcers));
                segment(column, value, scored, (threshold, draws), comparisons)
            })
            .collect();
        (figures.bpcer, figures.apcer) = (bpcer, apcer);
    }
    adjust(&mut figures);
    Some(Segments { comparisons, permutations, columns: figures })
}

fn segment(
    column: &Column,
    value: Option<usize>,
    scored: &[Scored],
    (threshold, draws): (f32, u64),
    (bpcer_comparison, apcer_comparison): (Comparison, Comparison),
) -> Segment {
    // Clusters are numbered anew: the bootstrap takes time and memory for each number.
    let mut numbers = BTreeMap::new();
    let of_segment = scored.iter().zip(&column.of_unit).filter(|(_, of_unit)| **of_unit == value);
    let renumbered = of_segment.map(|(scored, _)| {
        let next = numbers.len();
        Scored { cluster: *numbers.entry(scored.cluster).or_insert(next), ..scored.clone() }
    });
    let scored: Vec<_> = renumbered.collect();
    let samples = Samples::new(&scored);
    let figures = intervals(&samples, threshold, draws);
    let clusters = |bona_fide: bool| {
        let scored = scored.iter().filter(|scored| scored.score.is_some());
        let of_class = scored.filter(|scored| (scored.truth == Truth::BonaFide) == bona_fide);
        of_class.map(|scored| scored.cluster).collect::<BTreeSet<_>>().len()
    };
    let (bona_fide, attacks) = samples.counts();
    let worst_species =
        figures.apcer_of_species.iter().find(|(_, apcer)| apcer.value == figures.apcer_max.value);
    Segment {
        value: value.map(|value| column.values[value].clone()),
        bona_fide,
        bona_fide_clusters: clusters(true),
        attacks,
        attack_clusters: clusters(false),
        worst_species: worst_species.map(|(species, _)| species.clone()),
        bpcer: figures.bpcer,
        apcer_pooled: figures.apcer_pooled,
        apcer_max: figures.apcer_max,
        bpnrr: figures.bpnrr,
        apnrr: figures.apnrr,
        bpcer_comparison,
        apcer_comparison,
    }
}

/// Holm's correction, and the verdicts that follow from it.
fn adjust(columns: &mut [ColumnFigures]) {
    let mut tested: Vec<_> = columns
        .iter_mut()
        .flat_map(|column| &mut column.segments)
        .flat_map(|segment| {
            [
                (segment.bpcer.value, &mut segment.bpcer_comparison),
                (segment.apcer_pooled.value, &mut segment.apcer_comparison),
            ]
        })
        .filter_map(|(rate, comparison)| Some((comparison.p?, rate, comparison)))
        .collect();
    tested.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let (mut left, mut largest) = (tested.len(), 0.0f64);
    for (p, rate, comparison) in tested {
        largest = largest.max(p * left as f64).min(1.0);
        left -= 1;
        comparison.p_adjusted = Some(largest);
        comparison.verdict = match largest <= SIGNIFICANCE {
            true if rate > comparison.rest => Verdict::Worse,
            true => Verdict::Better,
            false => Verdict::NoDifferenceShown,
        };
    }
}

impl Comparison {
    const NONE: Self =
        Self { verdict: Verdict::NotCompared, rest: None, ratio: None, p: None, p_adjusted: None };
    const TOO_FEW: Self = Self { verdict: Verdict::TooFewToSay, ..Self::NONE };
}

/// The number of units, and of those classified wrongly.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    units: f64,
    errors: f64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.units += other.units;
        self.errors += other.errors;
    }

    fn rate(self) -> f64 {
        self.errors / self.units
    }

    fn without(self, part: Self) -> Self {
        Self { units: self.units - part.units, errors: self.errors - part.errors }
    }
}

/// Moments of a cell, or their sums over cells: its units u and errors e; u², ue, e²; and with
/// the units v and errors f of the rest of its cluster, uv, uf, ev, ef; v², vf, f².
type Moments = [f64; 12];
/// The moments that are not 0 in a cell that is a whole cluster.
const OF_WHOLE_CLUSTERS: usize = 5;

fn moments(own: Count, others: Count) -> Moments {
    let (Count { units: u, errors: e }, Count { units: v, errors: f }) = (own, others);
    [u, e, u * u, u * e, e * e, u * v, u * f, e * v, e * f, v * v, v * f, f * f]
}

fn count(moments: &Moments) -> Count {
    Count { units: moments[0], errors: moments[1] }
}

/// The scored units of one class that have a value. A cell has the units of one cluster and one
/// value.
struct Cells {
    moments: Vec<Moments>,
    total: Count,
    /// Over clusters, the sums of the squared units, of units times errors, and of squared errors.
    squares: [f64; 3],
    /// The value of each cell.
    values: Vec<usize>,
    /// Clusters with the same number of cells follow each other: their cells, and that number.
    strata: Vec<(Range<usize>, usize)>,
    /// The values with enough clusters.
    compared: Vec<usize>,
    number_of_values: usize,
}

impl Cells {
    fn new(column: &Column, scored: &[Scored], threshold: f32, bona_fide: bool) -> Self {
        let mut clusters = BTreeMap::<usize, BTreeMap<usize, Count>>::new();
        for (scored, value) in scored.iter().zip(&column.of_unit) {
            let (Some(score), &Some(value)) = (scored.score, value) else { continue };
            if (scored.truth == Truth::BonaFide) == bona_fide {
                let error = (score >= threshold) == bona_fide;
                let cell = clusters.entry(scored.cluster).or_default().entry(value).or_default();
                cell.add(Count { units: 1.0, errors: f64::from(u8::from(error)) });
            }
        }
        let mut by_size = BTreeMap::<usize, Vec<_>>::new();
        let (mut total, mut squares) = (Count::default(), [0.0; 3]);
        for cells in clusters.values() {
            let mut cluster = Count::default();
            cells.values().for_each(|&count| cluster.add(count));
            total.add(cluster);
            let Count { units, errors } = cluster;
            squares[0] += units * units;
            squares[1] += units * errors;
            squares[2] += errors * errors;
            let with_others =
                cells.iter().map(|(&value, &own)| (value, moments(own, cluster.without(own))));
            by_size.entry(cells.len()).or_default().extend(with_others);
        }
        let cells = || by_size.values().flatten();
        let mut start = 0;
        let strata = by_size.iter().map(|(&size, cells)| {
            let stratum = start..start + cells.len();
            start = stratum.end;
            (stratum, size)
        });

        let enough = |value: &usize| {
            let with = clusters.values().filter(|cells| cells.contains_key(value)).count();
            let others = |cells: &&BTreeMap<_, _>| cells.keys().any(|other| other != value);
            with >= MIN_CLUSTERS && clusters.values().filter(others).count() >= MIN_CLUSTERS
        };
        Self {
            strata: strata.collect(),
            moments: cells().map(|&(_, moments)| moments).collect(),
            values: cells().map(|&(value, _)| value).collect(),
            squares,
            total,
            compared: (0..column.values.len()).filter(enough).collect(),
            number_of_values: column.values.len(),
        }
    }

    /// A comparison for each value, and the highest and lowest rate.
    fn comparisons(
        &self,
        names: &[String],
        permutations: u64,
    ) -> (Vec<Comparison>, Option<Spread>) {
        let mut comparisons = vec![Comparison::TOO_FEW; self.number_of_values];
        if self.compared.is_empty() {
            return (comparisons, None);
        }
        let sums = self.sums(&self.values);
        let differences = self.differences(&sums);
        let ratio = self.ratio(&sums);
        let tally = |mut tally: Tally, seed: u64| {
            let sums = self.sums(&self.permuted(seed));
            for (i, difference) in self.differences(&sums).into_iter().enumerate() {
                tally.at_least[i] += u64::from(difference >= differences[i] - ROUNDING);
                tally.at_most[i] += u64::from(difference <= differences[i] + ROUNDING);
            }
            tally.ratio_at_least += u64::from(self.ratio(&sums) >= ratio * (1.0 - ROUNDING));
            tally
        };
        let empty = || Tally::new(self.compared.len());
        let tally = (0..permutations).into_par_iter().fold(empty, tally).reduce(empty, Tally::and);
        // The set as measured counts as one more permutation.
        let share = |count: u64| (count + 1) as f64 / (permutations + 1) as f64;

        for (i, &value) in self.compared.iter().enumerate() {
            let own = count(&sums[value]);
            let rest = self.total.without(own).rate();
            comparisons[value] = Comparison {
                rest: Some(rest),
                ratio: ratio_of(own.rate(), rest),
                p: Some((2.0 * share(tally.at_least[i].min(tally.at_most[i]))).min(1.0)),
                ..Comparison::TOO_FEW
            };
        }
        let rate = |value: usize| count(&sums[value]).rate();
        let by_rate = |&&a: &&usize, &&b: &&usize| rate(a).total_cmp(&rate(b));
        let worst = self.compared.iter().rev().max_by(by_rate);
        let spread = worst.zip(self.compared.iter().min_by(by_rate)).map(|(&worst, &best)| {
            let (worst_rate, best_rate) = (rate(worst), rate(best));
            Spread {
                worst: names[worst].clone(),
                worst_rate,
                best: names[best].clone(),
                best_rate,
                ratio: ratio_of(worst_rate, best_rate),
                ratio_to_rest: comparisons[worst].ratio,
                by_chance: share(tally.ratio_at_least),
            }
        });
        (comparisons, spread.filter(|_| self.compared.len() > 1))
    }

    /// The sums of each value, if the cells have these values.
    fn sums(&self, values: &[usize]) -> Vec<Moments> {
        let whole = match self.strata.first() {
            Some((cells, 1)) => cells.end,
            _ => 0,
        };
        let mut sums = vec![[0.0; 12]; self.number_of_values];
        let mut cells = values.iter().zip(&self.moments);
        for (&value, moments) in cells.by_ref().take(whole) {
            (0..OF_WHOLE_CLUSTERS).for_each(|i| sums[value][i] += moments[i]);
        }
        for (&value, moments) in cells {
            sums[value].iter_mut().zip(moments).for_each(|(sum, moment)| *sum += moment);
        }
        sums
    }

    /// The rate of each compared value, less that of the rest, by its standard error.
    fn differences(&self, sums: &[Moments]) -> Vec<f64> {
        let difference = |&value: &usize| {
            let own = count(&sums[value]);
            let rest = self.total.without(own);
            let difference = own.rate() - rest.rate();
            // The contributions of a unit and an error, here and in the rest, to the difference.
            let (a, b) = (-own.rate() / own.units, 1.0 / own.units);
            let (c, d) = (rest.rate() / rest.units, -1.0 / rest.units);
            let square =
                |a: f64, b: f64, [uu, ue, ee]: [f64; 3]| a * a * uu + 2.0 * a * b * ue + b * b * ee;
            let [_, _, uu, ue, ee, uv, uf, ev, ef, vv, vf, ff] = sums[value];
            // Clusters without this value are in the rest as a whole; the others in part.
            let without = square(c, d, self.squares)
                - square(c, d, [uu + 2.0 * uv + vv, ue + uf + ev + vf, ee + 2.0 * ef + ff]);
            let with = square(a, b, [uu, ue, ee])
                + square(c, d, [vv, vf, ff])
                + 2.0 * (a * c * uv + a * d * uf + b * c * ev + b * d * ef);
            let variance = without + with;
            if variance > NO_VARIANCE {
                difference / variance.sqrt()
            } else if difference.abs() < ROUNDING {
                0.0
            } else {
                difference.signum() * f64::INFINITY
            }
        };
        self.compared.iter().map(difference).collect()
    }

    /// The highest by the lowest rate of the compared values; infinite if the lowest is 0, and 1 if
    /// both are.
    fn ratio(&self, sums: &[Moments]) -> f64 {
        let rates = || self.compared.iter().map(|&value| count(&sums[value]).rate());
        let (highest, lowest) = (rates().fold(0.0, f64::max), rates().fold(1.0, f64::min));
        if highest == lowest { 1.0 } else { highest / lowest }
    }

    /// The values of the cells after a permutation: clusters with the same number of cells exchange
    /// their values, and the cells of each cluster do.
    fn permuted(&self, seed: u64) -> Vec<usize> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut values = self.values.clone();
        for (stratum, size) in &self.strata {
            let values = &mut values[stratum.clone()];
            for last in (1..values.len() / size).rev() {
                let other = random.random_range(0..=last);
                for cell in 0..*size {
                    values.swap(last * size + cell, other * size + cell);
                }
            }
            for cluster in values.chunks_exact_mut(*size) {
                for last in (1..*size).rev() {
                    cluster.swap(last, random.random_range(0..=last));
                }
            }
        }
        values
    }
}

fn ratio_of(rate: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| rate / of)
}

/// How many permutations are as extreme as the set.
struct Tally {
    at_least: Vec<u64>,
    at_most: Vec<u64>,
    ratio_at_least: u64,
}

impl Tally {
    fn new(compared: usize) -> Self {
        Self { at_least: vec![0; compared], at_most: vec![0; compared], ratio_at_least: 0 }
    }

    fn and(mut self, other: Self) -> Self {
        let add = |sums: &mut Vec<u64>, others: Vec<u64>| {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        };
        add(&mut self.at_least, other.at_least);
        add(&mut self.at_most, other.at_most);
        self.ratio_at_least += other.ratio_at_least;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW_PERMUTATIONS: u64 = 600;

    fn column(name: &str, of_unit: &[usize]) -> Column {
        let values = (0..=of_unit.iter().copied().max().unwrap_or(0)).map(|i| format!("{name}{i}"));
        Column {
            name: name.into(),
            values: values.collect(),
            of_unit: of_unit.iter().copied().map(Some).collect(),
        }
    }

    fn unit(cluster: usize, attack: bool, error: bool) -> Scored {
        let truth =
            if attack { Truth::Attack { species: "print".into() } } else { Truth::BonaFide };
        Scored { truth, score: Some(if attack == error { 0.1 } else { 0.9 }), cluster }
    }

    /// People of four groups, with one of two devices in each photo, and an own error rate of 1/7
    /// on average, to which `worse` is added in group 2. If `unlike`, people of group 0 have fewer
    /// photos, and one in seven is always classified wrongly.
    fn simulated(seed: u64, worse: f64, unlike: bool) -> (Vec<Column>, Vec<Scored>) {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let (mut groups, mut devices, mut scored) = (Vec::new(), Vec::new(), Vec::new());
        for person in 0..160 {
            let group = person % 4;
            let own = random.random::<f64>();
            let rate = match group {
                0 if unlike => f64::from(u8::from(own < 1.0 / 7.0)),
                2 => 2.0 / 7.0 * own + worse,
                _ => 2.0 / 7.0 * own,
            };
            for _ in 0..random.random_range(1..=if unlike && group == 0 { 2 } else { 6 }) {
                for attack in [false, true] {
                    groups.push(group);
                    devices.push(random.random_range(0..2));
                    scored.push(unit(person, attack, random.random::<f64>() < rate));
                }
            }
        }
        (vec![column("device", &devices), column("group", &groups)], scored)
    }

    fn flagged(segments: &Segments) -> Vec<(&str, Verdict)> {
        let segments = segments.columns.iter().flat_map(|column| &column.segments);
        let verdicts = segments.flat_map(|segment| {
            let comparisons = [&segment.bpcer_comparison, &segment.apcer_comparison];
            comparisons.map(|comparison| (segment.value.as_deref().unwrap_or(""), comparison))
        });
        verdicts
            .map(|(value, comparison)| (value, comparison.verdict))
            .filter(|(_, verdict)| matches!(verdict, Verdict::Worse | Verdict::Better))
            .collect()
    }

    #[test]
    fn a_worse_segment_is_flagged() {
        for seed in 0..20 {
            let (columns, scored) = simulated(seed, 0.3, false);
            let segments = compare(&columns, &scored, 0.5, 0, FEW_PERMUTATIONS).expect("segments");
            let worse: Vec<_> = flagged(&segments)
                .into_iter()
                .filter(|(_, verdict)| *verdict == Verdict::Worse)
                .collect();
            assert_eq!(worse, [("group2", Verdict::Worse); 2], "seed {seed}");
            let spread = segments.columns[1].bpcer.as_ref().expect("a spread");
            assert_eq!(spread.worst, "group2");
            assert!(spread.ratio > Some(1.5) && spread.by_chance < 0.01, "{spread:?}");
        }
    }

    /// In how many of 200 sets with equal segments a segment is flagged, and in how many one would
    /// be without the correction.
    fn false_flags(unlike: bool) -> (usize, usize) {
        let (mut flags, mut uncorrected) = (0, 0);
        for seed in 1000..1200 {
            let (columns, scored) = simulated(seed, 0.0, unlike);
            let segments = compare(&columns, &scored, 0.5, 0, FEW_PERMUTATIONS).expect("segments");
            assert_eq!(segments.comparisons, 12);
            flags += usize::from(!flagged(&segments).is_empty());
            let all = segments.columns.iter().flat_map(|column| &column.segments);
            let mut p =
                all.flat_map(|segment| [segment.bpcer_comparison.p, segment.apcer_comparison.p]);
            uncorrected += usize::from(p.any(|p| p <= Some(SIGNIFICANCE)));
        }
        (flags, uncorrected)
    }

    #[test]
    fn equal_segments_are_flagged_in_at_most_five_percent_of_sets() {
        let (flags, uncorrected) = false_flags(false);
        assert!(flags <= 10, "{flags} of 200");
        assert!(uncorrected >= 40, "{uncorrected} of 200: the correction is not needed");
    }

    #[test]
    fn unlike_clusters_with_equal_rates_are_flagged_in_at_most_five_percent_of_sets() {
        let (flags, _) = false_flags(true);
        assert!(flags <= 10, "{flags} of 200");
    }

    #[test]
    fn rare_errors_flag_no_small_segment_without_an_error() {
        // Two errors among a thousand people, and a group of forty without one.
        let scored: Vec<_> = (0..1000).map(|i| unit(i, false, i >= 998)).collect();
        let groups: Vec<_> = (0..1000).map(|i| usize::from(i >= 40)).collect();
        let segments = compare(&[column("group", &groups)], &scored, 0.5, 0, FEW_PERMUTATIONS)
            .expect("segments");
        assert_eq!(segments.comparisons, 2);
        assert_eq!(flagged(&segments), []);
    }

    #[test]
    fn segments_of_few_clusters_are_not_compared() {
        // The first group has 29 people with ten photos each, all refused; the second, 30.
        let people = [29, 30, 100];
        let of_person = people.iter().enumerate().flat_map(|(group, &n)| vec![group; n]);
        let of_person: Vec<_> = of_person.collect();
        let scored: Vec<_> =
            (0..of_person.len() * 10).map(|i| unit(i / 10, false, of_person[i / 10] < 2)).collect();
        let groups: Vec<_> = (0..scored.len()).map(|i| of_person[i / 10]).collect();
        let segments = compare(&[column("group", &groups)], &scored, 0.5, 50, FEW_PERMUTATIONS)
            .expect("segments");
        let of = |i: usize| &segments.columns[0].segments[i];
        assert_eq!(of(0).bpcer_comparison, Comparison::TOO_FEW);
        assert_eq!((of(0).bona_fide_clusters, of(0).bpcer.value), (29, Some(1.0)));
        assert_eq!(of(1).bpcer_comparison.verdict, Verdict::Worse);
        assert_eq!(of(2).bpcer_comparison.verdict, Verdict::Better);
        assert_eq!(of(2).apcer_comparison, Comparison::TOO_FEW, "there are no attacks");
        let spread = segments.columns[0].bpcer.as_ref().expect("a spread");
        assert_eq!((spread.worst.as_str(), spread.best.as_str()), ("group1", "group2"));
        assert_eq!((spread.ratio, segments.comparisons), (None, 2));
    }

    #[test]
    fn a_person_in_two_segments_is_one_cluster() {
        // Each of forty people has one photo with each device. Thirty are always refused, and four
        // with device 1 alone: a difference within 4 of 40 people, p = 2/16.
        let errors = |person: usize, device: usize| person < 30 || (person < 34 && device == 1);
        let scored: Vec<_> = (0..80).map(|i| unit(i / 2, false, errors(i / 2, i % 2))).collect();
        let devices: Vec<_> = (0..80).map(|i| i % 2).collect();
        let segments =
            compare(&[column("device", &devices)], &scored, 0.5, 0, 20_000).expect("segments");
        let comparison = segments.columns[0].segments[1].bpcer_comparison;
        assert!((comparison.p.expect("a p-value") - 0.125).abs() < 0.01, "{comparison:?}");
        assert_eq!(comparison.rest, Some(0.75));
    }

    #[test]
    fn holm_adjusts_in_steps() {
        let rows: Vec<_> = (0..4).map(|i| unit(i, false, i == 3)).collect();
        let column = column("group", &[0, 1, 2, 3]);
        let ps = [Some(0.03), Some(0.01), None, Some(0.02)];
        let segments = ps.iter().enumerate().map(|(value, &p)| {
            let comparison = Comparison { p, rest: Some(0.5), ..Comparison::TOO_FEW };
            segment(&column, Some(value), &rows, (0.5, 0), (comparison, Comparison::TOO_FEW))
        });
        let mut columns = [ColumnFigures {
            column: "group".into(),
            values: 4,
            segments: segments.collect(),
            bpcer: None,
            apcer: None,
        }];
        adjust(&mut columns);
        let adjusted: Vec<_> = columns[0]
            .segments
            .iter()
            .map(|segment| (segment.bpcer_comparison.p_adjusted, segment.bpcer_comparison.verdict))
            .collect();
        assert_eq!(
            adjusted,
            [
                (Some(0.04), Verdict::Better),
                (Some(0.03), Verdict::Better),
                (None, Verdict::TooFewToSay),
                (Some(0.04), Verdict::Worse),
            ]
        );
    }

    #[test]
    fn a_unit_has_a_value_if_its_frames_agree() {
        let presentation = |device: &str| Presentation {
            path: "a".into(),
            name: "a".into(),
            truth: Truth::BonaFide,
            subject: None,
            video: None,
            face: None,
            segments: [("device".to_owned(), device.to_owned())]
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        };
        let presentations = ["10 b", "9 a", "10 b", "", ""].map(presentation);
        let members = [vec![0, 2], vec![0, 1], vec![1, 3], vec![3, 4]];
        let expected = Column {
            name: "device".into(),
            values: vec!["9 a".into(), "10 b".into()],
            of_unit: vec![Some(1), None, Some(0), None],
        };
        assert_eq!(columns(&presentations, &members), [expected]);
    }

    #[test]
    fn a_column_of_identifiers_has_no_segments() {
        let scored: Vec<_> = (0..MAX_VALUES + 1).map(|i| unit(i, false, false)).collect();
        let identifiers: Vec<_> = (0..scored.len()).collect();
        let segments =
            compare(&[column("id", &identifiers)], &scored, 0.5, 0, 10).expect("segments");
        assert_eq!((segments.columns[0].values, segments.comparisons), (MAX_VALUES + 1, 0));
        assert_eq!(segments.columns[0].segments, []);
        assert_eq!(compare(&[], &scored, 0.5, 0, 10), None);
    }

    #[test]
    fn the_same_set_gives_the_same_segments() {
        let (columns, scored) = simulated(5, 0.1, false);
        let again = || compare(&columns, &scored, 0.5, 50, FEW_PERMUTATIONS);
        assert_eq!(again(), again());
    }
}
