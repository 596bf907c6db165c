//! The numbers that combine scores into one, fitted with a bundle's networks.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How the networks' log-odds combine into a score: the logistic function of their weighted sum
/// plus `intercept`.
///
/// Platt scaling of several scores at once (Platt, "Probabilistic Outputs for Support Vector
/// Machines", 1999), fitted on development data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Fusion {
    /// The weight of each network's log-odds, by the network's role.
    #[serde(flatten)]
    pub weights: BTreeMap<String, f32>,
    /// The fused log-odds when every network outputs 0.
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
    /// The log-odds from which one frame decides: an attack is not outvoted by other frames.
    /// Without it, no frame decides alone.
    #[serde(default = "infinity")]
    pub certain: f32,
}

fn infinity() -> f32 {
    f32::INFINITY
}
