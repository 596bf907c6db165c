//! The numbers that combine scores into one, fitted with a bundle's networks.

use serde::Deserialize;

/// How the networks' log-odds combine into a score: the logistic function of
/// `tight · T + context · C + intercept`.
///
/// Platt scaling of two scores at once (Platt, "Probabilistic Outputs for Support Vector Machines",
/// 1999), fitted on development data.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Fusion {
    /// The weight of the tight network's log-odds.
    pub tight: f32,
    /// The weight of the context network's log-odds.
    pub context: f32,
    /// The fused log-odds when both networks output 0.
    pub intercept: f32,
}

/// How the face's motion and the scores of the frames combine.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BurstParams {
    /// The weight of the mean log-odds of the frames.
    pub appearance: f32,
    /// The log-odds of an attack per unit of independent motion; below 0.
    pub motion: f32,
    /// The independent motion that does not change the score.
    pub neutral: f32,
    /// Motion changes the log-odds by at most this much: a person who sits still is not an attack.
    pub limit: f32,
}
