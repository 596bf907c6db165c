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

/// A further network, asked where the others are unsure.
///
/// It reads the photo only where their fused log-odds z are less than `within` from 0. Its own
/// log-odds, scaled to `slope · log_odds + intercept`, then move z towards themselves, by `weight`
/// at most: fully up to half of `within`, then falling linearly to 0 at `within`, so that the score
/// is continuous in z.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SecondOpinion {
    /// The network's role.
    pub network: String,
    /// The network is asked where |z| is less than this.
    pub within: f32,
    /// The largest share of this network in the log-odds, 0 to 1.
    pub weight: f32,
    /// The scale of the network's log-odds.
    pub slope: f32,
    /// The scaled log-odds when the network outputs 0.
    pub intercept: f32,
}

/// A correction where the photo ends close to the face.
///
/// There, networks for what surrounds the face see little of it, and take live people for attacks.
/// How close the photo ends, 0 to 1, depends on how many times the face's box fits into it. The
/// closer, the more the second opinion counts, even where the others are sure: at 1, with its full
/// weight. `shift` times the closeness is then added to the log-odds.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CloseUp {
    /// The closeness is 1 where the box fits this many times into the photo, or less.
    pub full_at: f32,
    /// The closeness is 0 where the box fits this many times, or more. It is linear between.
    pub ends_at: f32,
    /// Added to the log-odds where the closeness is 1.
    pub shift: f32,
}

impl CloseUp {
    /// The closeness, 0 to 1, of a photo into which the face's box fits `room` times.
    ///
    /// ```
    /// let close_up = face_liveness_models::rgb_single_v2()?.close_up.expect("a correction");
    /// assert_eq!(close_up.closeness(1.0), 1.0);
    /// assert_eq!(close_up.closeness(2.7), 0.0);
    /// # Ok::<(), face_liveness_models::Error>(())
    /// ```
    #[must_use]
    pub fn closeness(&self, room: f32) -> f32 {
        ((self.ends_at - room) / (self.ends_at - self.full_at)).clamp(0.0, 1.0)
    }
}

/// How the scores of the frames combine.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BurstParams {
    /// The weight of the mean log-odds of the frames.
    pub appearance: f32,
    /// The log-odds from which one frame decides: an attack is not outvoted by other frames.
    /// Without it, no frame decides alone.
    #[serde(default = "infinity")]
    pub certain: f32,
    /// A frame that scores above 0.5 decides too if its log-odds exceed the median of the frames by
    /// this: a capture shows one face, so its frames score alike. Without it, none does.
    #[serde(default = "infinity")]
    pub outlier: f32,
}

fn infinity() -> f32 {
    f32::INFINITY
}
