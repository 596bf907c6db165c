//! Error rates of presentation attack detection, by the names and definitions of ISO/IEC 30107-3.
//!
//! A presentation whose score is at least the threshold is classified as an attack. The rates of an
//! empty class are `None`.

use std::collections::BTreeSet;

use crate::dataset::Truth;

/// A presentation after scoring.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The ground truth.
    pub truth: Truth,
    /// The score from 0 to 1; `None` without a response.
    pub score: Option<f32>,
    /// Presentations of one cluster (a subject, a video) are drawn together in the bootstrap.
    pub cluster: usize,
}

/// The rates of one model on one set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// The attack presentation classification error rate of each species at the threshold: the
    /// share of its attacks that are classified as bona fide.
    pub apcer_of_species: Vec<Option<f64>>,
    /// The largest APCER of any species, which ISO/IEC 30107-3 reports.
    pub apcer_max: Option<f64>,
    /// The APCER over all attacks, whatever their species.
    pub apcer_pooled: Option<f64>,
    /// The bona fide presentation classification error rate at the threshold: the share of bona
    /// fide presentations that are classified as attacks.
    pub bpcer: Option<f64>,
    /// The mean of `apcer_max` and `bpcer`.
    pub acer: Option<f64>,
    /// The equal error rate: the mean of pooled APCER and BPCER at the threshold where they are
    /// closest.
    pub eer: Option<f64>,
    /// The probability that an attack scores higher than a bona fide presentation; ties count half.
    pub auc: Option<f64>,
    /// The pooled APCER at the lowest threshold where the BPCER is at most 1 %.
    pub apcer_at_bpcer_1: Option<f64>,
    /// The pooled APCER at the lowest threshold where the BPCER is at most 5 %.
    pub apcer_at_bpcer_5: Option<f64>,
    /// The attack presentation non-response rate: the share of attacks without a score.
    pub apnrr: Option<f64>,
    /// The bona fide presentation non-response rate.
    pub bpnrr: Option<f64>,
}

/// A point of the DET curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// Scores of at least this are attacks; infinite for the last point, where nothing is an
    /// attack.
    pub threshold: f32,
    /// The pooled APCER.
    pub apcer: f64,
    /// The BPCER.
    pub bpcer: f64,
}

/// Scored presentations, sorted so that the rates for any cluster weights take one pass.
#[derive(Debug, Clone)]
pub struct Samples {
    /// Sorted by score; presentations without a score come last.
    sorted: Vec<Sample>,
    species: Vec<String>,
    clusters: usize,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    score: Option<f32>,
    /// The index of the species; `None` for bona fide.
    species: Option<usize>,
    cluster: usize,
}

/// Sums of weights, from which the rates follow.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    bona_fide: f64,
    attacks: f64,
}

impl Samples {
    /// Sorts presentations; clusters are numbered from 0.
    pub fn new(scored: &[Scored]) -> Self {
        let species: BTreeSet<_> =
            scored.iter().filter_map(|scored| scored.truth.species()).collect();
        let species: Vec<String> = species.into_iter().map(str::to_owned).collect();
        let place = |name: &str| species.iter().position(|species| species == name);
        let sample = |scored: &Scored| Sample {
            score: scored.score,
            species: scored.truth.species().and_then(place),
            cluster: scored.cluster,
        };
        let mut sorted: Vec<_> = scored.iter().map(sample).collect();
        let key = |sample: &Sample| sample.score.unwrap_or(f32::INFINITY);
        sorted.sort_by(|a, b| {
            a.score.is_none().cmp(&b.score.is_none()).then(key(a).total_cmp(&key(b)))
        });
        let clusters = scored.iter().map(|scored| scored.cluster + 1).max().unwrap_or(0);
        Self { sorted, species, clusters }
    }

    /// The species, in the order of [`Figures::apcer_of_species`].
    pub fn species(&self) -> &[String] {
        &self.species
    }

    /// The number of clusters.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// For each cluster, whether it holds bona fide presentations and whether it holds attacks.
    pub fn cluster_contents(&self) -> Vec<(bool, bool)> {
        let mut contents = vec![(false, false); self.clusters];
        for sample in &self.sorted {
            let (bona_fide, attack) = &mut contents[sample.cluster];
            *(if sample.species.is_none() { bona_fide } else { attack }) = true;
        }
        contents
    }

    /// The number of clusters that hold such a presentation: of one species or, for `None`, bona
    /// fide.
    pub fn clusters_of(&self, is_counted: impl Fn(Option<usize>) -> bool) -> usize {
        let counted = self.sorted.iter().filter(|sample| is_counted(sample.species));
        counted.map(|sample| sample.cluster).collect::<BTreeSet<_>>().len()
    }

    /// The numbers of bona fide presentations and attacks, with or without a score.
    pub fn counts(&self) -> (usize, usize) {
        let attacks = self.sorted.iter().filter(|sample| sample.species.is_some()).count();
        (self.sorted.len() - attacks, attacks)
    }

    /// The rates, with every presentation counted once.
    pub fn figures(&self, threshold: f32) -> Figures {
        self.weighted_figures(threshold, &vec![1.0; self.clusters])
    }

    /// The rates, with every presentation weighted by its cluster.
    pub fn weighted_figures(&self, threshold: f32, weights: &[f64]) -> Figures {
        let answered = self.answered();
        let total = tally(answered, weights);
        let unanswered = tally(&self.sorted[answered.len()..], weights);

        let (mut missed, mut of_species) =
            (vec![0.0; self.species.len()], vec![0.0; self.species.len()]);
        let mut rejected = 0.0;
        for sample in answered {
            let (weight, below) = (weights[sample.cluster], sample.score < Some(threshold));
            match sample.species {
                Some(species) => {
                    of_species[species] += weight;
                    missed[species] += if below { weight } else { 0.0 };
                }
                None => rejected += if below { 0.0 } else { weight },
            }
        }
        let apcer_of_species: Vec<_> =
            missed.iter().zip(&of_species).map(|(&part, &all)| rate(part, all)).collect();
        let apcer_max = apcer_of_species.iter().copied().flatten().reduce(f64::max);
        let bpcer = rate(rejected, total.bona_fide);

        let points = self.weighted_operating_points(weights);
        let apcer_at =
            |limit: f64| points.iter().find(|point| point.bpcer <= limit).map(|point| point.apcer);
        let gap = |point: &OperatingPoint| (point.apcer - point.bpcer).abs();
        let nearest = points.iter().min_by(|a, b| gap(a).total_cmp(&gap(b)));
        Figures {
            apcer_max,
            apcer_pooled: rate(missed.iter().sum(), total.attacks),
            bpcer,
            acer: apcer_max.zip(bpcer).map(|(apcer, bpcer)| (apcer + bpcer) / 2.0),
            eer: nearest.map(|point| (point.apcer + point.bpcer) / 2.0),
            auc: self.auc(weights, total),
            apcer_at_bpcer_1: apcer_at(0.01),
            apcer_at_bpcer_5: apcer_at(0.05),
            apnrr: rate(unanswered.attacks, unanswered.attacks + total.attacks),
            bpnrr: rate(unanswered.bona_fide, unanswered.bona_fide + total.bona_fide),
            apcer_of_species,
        }
    }

    /// The DET curve: a point for every score, and one above them all. Empty if a class is empty.
    pub fn operating_points(&self) -> Vec<OperatingPoint> {
        self.weighted_operating_points(&vec![1.0; self.clusters])
    }

    fn weighted_operating_points(&self, weights: &[f64]) -> Vec<OperatingPoint> {
        let answered = self.answered();
        let total = tally(answered, weights);
        if total.bona_fide == 0.0 || total.attacks == 0.0 {
            return Vec::new();
        }
        let mut below = Tally::default();
        let mut points = Vec::new();
        let mut point = |threshold: f32, below: Tally| {
            let (apcer, bpcer) = (
                below.attacks / total.attacks,
                (total.bona_fide - below.bona_fide) / total.bona_fide,
            );
            points.push(OperatingPoint { threshold, apcer, bpcer });
        };
        for ties in answered.chunk_by(|a, b| a.score == b.score) {
            point(ties[0].score.unwrap_or(f32::INFINITY), below);
            let ties = tally(ties, weights);
            below.bona_fide += ties.bona_fide;
            below.attacks += ties.attacks;
        }
        point(f32::INFINITY, below);
        points
    }

    fn auc(&self, weights: &[f64], total: Tally) -> Option<f64> {
        let mut bona_fide_below = 0.0;
        let mut won = 0.0;
        for ties in self.answered().chunk_by(|a, b| a.score == b.score) {
            let ties = tally(ties, weights);
            won += ties.attacks * (bona_fide_below + ties.bona_fide / 2.0);
            bona_fide_below += ties.bona_fide;
        }
        rate(won, total.attacks * total.bona_fide)
    }

    fn answered(&self) -> &[Sample] {
        &self.sorted[..self.sorted.partition_point(|sample| sample.score.is_some())]
    }
}

fn tally(samples: &[Sample], weights: &[f64]) -> Tally {
    let mut tally = Tally::default();
    for sample in samples {
        *(if sample.species.is_none() { &mut tally.bona_fide } else { &mut tally.attacks }) +=
            weights[sample.cluster];
    }
    tally
}

fn rate(part: f64, all: f64) -> Option<f64> {
    (all > 0.0).then(|| part / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `L` is live, any other letter a species of attack. Every row is its own cluster.
    fn samples(rows: &[(char, Option<f32>)]) -> Samples {
        let scored = rows.iter().enumerate().map(|(cluster, &(letter, score))| {
            let truth = if letter == 'L' {
                Truth::BonaFide
            } else {
                Truth::Attack { species: letter.to_string() }
            };
            Scored { truth, score, cluster }
        });
        Samples::new(&scored.collect::<Vec<_>>())
    }

    fn scores(letter: char, scores: &[f32]) -> Vec<(char, Option<f32>)> {
        scores.iter().map(|&score| (letter, Some(score))).collect()
    }

    #[track_caller]
    fn assert_rate(rate: Option<f64>, expected: f64) {
        assert!(
            rate.is_some_and(|rate| (rate - expected).abs() < 1e-12),
            "{rate:?} is not {expected}"
        );
    }

    /// Five live: 0.1, 0.2, 0.3, 0.4, 0.6. Four prints: 0.3, 0.5, 0.7, 0.9. Two replays: 0.2, 0.8.
    #[test]
    fn a_table_worked_out_by_hand() {
        let rows = [
            scores('L', &[0.1, 0.2, 0.3, 0.4, 0.6]),
            scores('p', &[0.3, 0.5, 0.7, 0.9]),
            scores('r', &[0.2, 0.8]),
            vec![('L', None), ('p', None), ('p', None)],
        ];
        let samples = samples(&rows.concat());
        let figures = samples.figures(0.5);
        assert_eq!(
            (samples.species(), samples.counts()),
            (&["p".to_owned(), "r".to_owned()][..], (6, 8))
        );
        // Below 0.5: one print of four, one replay of two. A score of 0.5 is an attack.
        assert_rate(figures.apcer_of_species[0], 1.0 / 4.0);
        assert_rate(figures.apcer_of_species[1], 1.0 / 2.0);
        assert_rate(figures.apcer_max, 1.0 / 2.0);
        assert_rate(figures.apcer_pooled, 2.0 / 6.0);
        // At least 0.5: 0.6.
        assert_rate(figures.bpcer, 1.0 / 5.0);
        assert_rate(figures.acer, (1.0 / 2.0 + 1.0 / 5.0) / 2.0);
        // Pairs (attack above live): 0.2 beats 0.1 and ties 0.2; 0.3 beats two and ties 0.3; 0.5
        // beats four; 0.7, 0.8, 0.9 beat five each: 1.5 + 2.5 + 4 + 15 = 23 of 30.
        assert_rate(figures.auc, 23.0 / 30.0);
        // Threshold, APCER, BPCER: 0.3: 1/6, 3/5; 0.4: 2/6, 2/5 (the nearest); 0.5: 2/6, 1/5; 0.6:
        // 3/6, 1/5.
        assert_rate(figures.eer, (2.0 / 6.0 + 2.0 / 5.0) / 2.0);
        // No live presentation reaches 0.7; the prints at 0.3 and 0.5 and the replay at 0.2 lie
        // below.
        assert_rate(figures.apcer_at_bpcer_1, 3.0 / 6.0);
        assert_rate(figures.apcer_at_bpcer_5, 3.0 / 6.0);
        assert_rate(figures.apnrr, 2.0 / 8.0);
        assert_rate(figures.bpnrr, 1.0 / 6.0);
    }

    #[test]
    fn the_rate_at_a_bpcer_is_that_of_the_lowest_threshold() {
        // A hundred live at 0.00, 0.01 … 0.99; attacks at 0.945, 0.955, 0.985, 0.995.
        let live: Vec<f32> = (0..100).map(|i| i as f32 / 100.0).collect();
        let samples =
            samples(&[scores('L', &live), scores('p', &[0.945, 0.955, 0.985, 0.995])].concat());
        // BPCER 1 % needs all but 0.99 below: the lowest such score is 0.985. 5 % allows 0.95 to
        // 0.99: 0.945 leaves five live at or above it.
        let figures = samples.figures(0.5);
        assert_rate(figures.apcer_at_bpcer_1, 2.0 / 4.0);
        assert_rate(figures.apcer_at_bpcer_5, 0.0);
    }

    #[test]
    fn all_tied_is_a_coin() {
        let samples = samples(&[scores('L', &[0.5; 3]), scores('p', &[0.5; 4])].concat());
        let figures = samples.figures(0.5);
        assert_rate(figures.auc, 0.5);
        assert_rate(figures.eer, 0.5);
        assert_rate(figures.bpcer, 1.0);
        assert_rate(figures.apcer_pooled, 0.0);
        assert_rate(figures.apcer_at_bpcer_5, 1.0);
    }

    #[test]
    fn perfect_and_reversed() {
        let perfect =
            samples(&[scores('L', &[0.0, 0.1]), scores('p', &[0.8, 0.9])].concat()).figures(0.5);
        assert_eq!((perfect.auc, perfect.eer, perfect.acer), (Some(1.0), Some(0.0), Some(0.0)));
        assert_eq!(perfect.apcer_at_bpcer_1, Some(0.0));
        let reversed =
            samples(&[scores('L', &[0.8, 0.9]), scores('p', &[0.0, 0.1])].concat()).figures(0.5);
        assert_eq!((reversed.auc, reversed.eer, reversed.acer), (Some(0.0), Some(1.0), Some(1.0)));
    }

    #[test]
    fn an_empty_class_has_no_rates() {
        let only_live = samples(&scores('L', &[0.1, 0.7])).figures(0.5);
        assert_eq!(only_live.bpcer, Some(0.5));
        let absent = [
            only_live.apcer_max,
            only_live.apcer_pooled,
            only_live.acer,
            only_live.eer,
            only_live.auc,
            only_live.apcer_at_bpcer_1,
            only_live.apnrr,
        ];
        assert_eq!(absent, [None; 7]);
        let only_attacks = samples(&scores('p', &[0.1, 0.7])).figures(0.5);
        assert_eq!(
            (only_attacks.apcer_pooled, only_attacks.bpcer, only_attacks.eer),
            (Some(0.5), None, None)
        );
        assert_eq!(samples(&[]).figures(0.5), Figures::default());
        let unanswered = samples(&[('L', None), ('p', None)]).figures(0.5);
        assert_eq!(
            (unanswered.apnrr, unanswered.bpnrr, unanswered.bpcer, unanswered.auc),
            (Some(1.0), Some(1.0), None, None)
        );
    }

    #[test]
    fn a_weight_counts_as_that_many_presentations() {
        let rows = [scores('L', &[0.1, 0.6, 0.3]), scores('p', &[0.2, 0.9])].concat();
        let doubled: Vec<_> = [&rows[..], &rows[1..2], &rows[4..5], &rows[4..5]].concat();
        let weighted = samples(&rows).weighted_figures(0.5, &[1.0, 2.0, 1.0, 1.0, 3.0]);
        assert_eq!(weighted, samples(&doubled).figures(0.5));
    }

    #[test]
    fn the_det_curve_runs_from_all_attacks_to_none() {
        let points = samples(&[scores('L', &[0.1, 0.5]), scores('p', &[0.5, 0.9])].concat())
            .operating_points();
        let rows: Vec<_> =
            points.iter().map(|point| (point.threshold, point.apcer, point.bpcer)).collect();
        assert_eq!(
            rows,
            [(0.1, 0.0, 1.0), (0.5, 0.0, 0.5), (0.9, 0.5, 0.0), (f32::INFINITY, 1.0, 0.0)]
        );
    }
}
