//! Confidence intervals by the cluster bootstrap.
//!
//! Errors on the frames of a video, or on photos of one person, are correlated: intervals over
//! single images would be far too narrow. So whole clusters are drawn with replacement (Davison and
//! Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). Clusters with bona fide
//! presentations only, with attacks only, and with both are drawn separately, so that every draw
//! has both classes.
//!
//! Where no cluster has an error, no draw has one either. The upper bound is then that of Clopper
//! and Pearson ("The use of confidence or fiducial limits", 1934) for as many trials as clusters.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use serde::Serialize;

use crate::figures::{Figures, Samples};

/// A figure with its 95 % confidence interval; `None` throughout if it is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Interval {
    /// The figure on the whole set.
    pub value: Option<f64>,
    /// The 2.5th percentile of the draws.
    pub low: Option<f64>,
    /// The 97.5th percentile of the draws; for an error rate of 0, the upper bound of Clopper and
    /// Pearson.
    pub high: Option<f64>,
}

/// The figures of one model on one set, with confidence intervals; see [`Figures`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intervals {
    /// The APCER of each species at the threshold.
    pub apcer_of_species: Vec<(String, Interval)>,
    /// The largest APCER of any species.
    pub apcer_max: Interval,
    /// The APCER over all attacks.
    pub apcer_pooled: Interval,
    /// The BPCER at the threshold.
    pub bpcer: Interval,
    /// The mean of the largest APCER and the BPCER.
    pub acer: Interval,
    /// The equal error rate.
    pub eer: Interval,
    /// The area under the ROC curve.
    pub auc: Interval,
    /// The pooled APCER at BPCER 1 %.
    pub apcer_at_bpcer_1: Interval,
    /// The pooled APCER at BPCER 5 %.
    pub apcer_at_bpcer_5: Interval,
    /// The attack presentation non-response rate.
    pub apnrr: Interval,
    /// The bona fide presentation non-response rate.
    pub bpnrr: Interval,
}

/// The figures at a threshold, with confidence intervals from `draws` bootstrap draws.
///
/// Deterministic: the draws are seeded by their number.
pub fn intervals(samples: &Samples, threshold: f32, draws: u64) -> Intervals {
    let point = samples.figures(threshold);
    let strata = strata(samples);
    let drawn: Vec<Figures> = (0..draws)
        .into_par_iter()
        .map(|seed| samples.weighted_figures(threshold, &draw(&strata, samples.clusters(), seed)))
        .collect();
    let interval = |figure: &dyn Fn(&Figures) -> Option<f64>| {
        let mut values: Vec<_> = drawn.iter().filter_map(figure).collect();
        values.sort_by(f64::total_cmp);
        Interval {
            value: figure(&point),
            low: quantile(&values, 0.025),
            high: quantile(&values, 0.975),
        }
    };
    let rate = |figure: &dyn Fn(&Figures) -> Option<f64>, clusters: usize| {
        let Interval { value, low, high } = interval(figure);
        let high = match value {
            Some(0.0) => high.map(|high| high.max(without_error(clusters))),
            _ => high,
        };
        Interval { value, low, high }
    };
    let bona_fide = samples.clusters_of(|species| species.is_none());
    let attacks = samples.clusters_of(|species| species.is_some());
    let of_species = |i| samples.clusters_of(|species| species == Some(i));
    let species = samples.species().iter().enumerate();
    let fewest_of_species = (0..species.len()).map(of_species).min().unwrap_or(0);
    let fewest = bona_fide.min(attacks);
    Intervals {
        apcer_of_species: species
            .map(|(i, name)| {
                (name.clone(), rate(&|figures| figures.apcer_of_species[i], of_species(i)))
            })
            .collect(),
        apcer_max: rate(&|figures| figures.apcer_max, fewest_of_species),
        apcer_pooled: rate(&|figures| figures.apcer_pooled, attacks),
        bpcer: rate(&|figures| figures.bpcer, bona_fide),
        acer: rate(&|figures| figures.acer, bona_fide.min(fewest_of_species)),
        eer: rate(&|figures| figures.eer, fewest),
        auc: interval(&|figures| figures.auc),
        apcer_at_bpcer_1: rate(&|figures| figures.apcer_at_bpcer_1, attacks),
        apcer_at_bpcer_5: rate(&|figures| figures.apcer_at_bpcer_5, attacks),
        apnrr: rate(&|figures| figures.apnrr, attacks),
        bpnrr: rate(&|figures| figures.bpnrr, bona_fide),
    }
}

/// The upper bound of a rate, with 95 % confidence, when none of these clusters has an error.
fn without_error(clusters: usize) -> f64 {
    1.0 - 0.025f64.powf(1.0 / clusters as f64)
}

/// The clusters with bona fide only, with attacks only, and with both.
fn strata(samples: &Samples) -> [Vec<usize>; 3] {
    let mut strata = [const { Vec::new() }; 3];
    for (cluster, contents) in samples.cluster_contents().into_iter().enumerate() {
        match contents {
            (true, false) => strata[0].push(cluster),
            (false, true) => strata[1].push(cluster),
            (true, true) => strata[2].push(cluster),
            (false, false) => {}
        }
    }
    strata
}

/// The number of times that each cluster is drawn.
fn draw(strata: &[Vec<usize>], clusters: usize, seed: u64) -> Vec<f64> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut weights = vec![0.0; clusters];
    for stratum in strata {
        for _ in stratum {
            weights[stratum[random.random_range(0..stratum.len())]] += 1.0;
        }
    }
    weights
}

/// The value at a quantile of the sorted values.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let place = (part * sorted.len() as f64).floor() as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Truth;
    use crate::figures::Scored;

    /// Videos of 10 frames with correlated errors: each video has its own error rate from 0 to 0.4,
    /// so the true BPCER is 0.2. Intervals over frames would cover it far too rarely.
    fn simulated(videos: usize, seed: u64, cluster_of: impl Fn(usize, usize) -> usize) -> Samples {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut scored = Vec::new();
        for video in 0..videos {
            let rate = 0.4 * random.random::<f64>();
            for frame in 0..10 {
                let score = if random.random::<f64>() < rate { 0.9 } else { 0.1 };
                scored.push(Scored {
                    truth: Truth::BonaFide,
                    score: Some(score),
                    cluster: cluster_of(video, frame),
                });
            }
        }
        Samples::new(&scored)
    }

    fn coverage(cluster_of: impl Fn(usize, usize) -> usize + Copy) -> f64 {
        let trials = 400;
        let covered = (0..trials).filter(|&trial| {
            let Interval { low, high, .. } =
                intervals(&simulated(40, 1000 + trial, cluster_of), 0.5, 300).bpcer;
            low <= Some(0.2) && Some(0.2) <= high
        });
        covered.count() as f64 / trials as f64
    }

    #[test]
    fn intervals_over_videos_cover_the_truth_as_often_as_they_say() {
        let by_video = coverage(|video, _| video);
        assert!((0.91..=0.98).contains(&by_video), "{by_video}");
        let by_frame = coverage(|video, frame| video * 10 + frame);
        assert!(by_frame < by_video, "{by_frame} over frames, {by_video} over videos");
    }

    #[test]
    fn the_same_samples_give_the_same_intervals() {
        let samples = simulated(20, 7, |video, _| video);
        assert_eq!(intervals(&samples, 0.5, 100), intervals(&samples, 0.5, 100));
    }

    #[test]
    fn no_draw_lacks_a_class() {
        let scored = [
            Scored { truth: Truth::BonaFide, score: Some(0.1), cluster: 0 },
            Scored { truth: Truth::Attack { species: "p".into() }, score: Some(0.9), cluster: 1 },
        ];
        let intervals = intervals(&Samples::new(&scored), 0.5, 200);
        assert_eq!((intervals.eer.value, intervals.eer.low), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn no_error_among_a_few_clusters_is_little_evidence() {
        let bona_fide =
            (0..30).map(|i| Scored { truth: Truth::BonaFide, score: Some(0.1), cluster: i / 3 });
        let attacks = (30..90).map(|i| Scored {
            truth: Truth::Attack { species: if i < 60 { "print" } else { "screen" }.into() },
            score: Some(0.9),
            cluster: i / 3,
        });
        let scored: Vec<_> = bona_fide.chain(attacks).collect();
        let intervals = intervals(&Samples::new(&scored), 0.5, 200);
        // Clopper and Pearson, 0 of 10 and 0 of 20: 30.85 % and 16.84 %.
        let near = |interval: Interval, high: f64| {
            assert_eq!((interval.value, interval.low), (Some(0.0), Some(0.0)));
            assert!((interval.high.unwrap_or_default() - high).abs() < 1e-4, "{interval:?}");
        };
        near(intervals.bpcer, 0.3085);
        near(intervals.apcer_pooled, 0.1684);
        near(intervals.apcer_max, 0.3085);
        near(intervals.apcer_of_species[1].1, 0.3085);
        near(intervals.eer, 0.3085);
    }

    #[test]
    fn nothing_has_no_intervals() {
        assert_eq!(intervals(&Samples::new(&[]), 0.5, 10).bpcer, Interval::default());
        assert_eq!(intervals(&simulated(2, 1, |video, _| video), 0.5, 0).bpcer.low, None);
    }

    #[test]
    fn quantiles() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!((quantile(&values, 0.025), quantile(&values, 0.975)), (Some(25.0), Some(975.0)));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
