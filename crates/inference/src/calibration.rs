//! Maps a network's score to a probability.

use face_liveness_network::{log_odds, logistic};

/// Platt scaling (Platt, "Probabilistic Outputs for Support Vector Machines", 1999): a linear
/// function of the score's log-odds, fitted on development data so that 0.5 is the recommended
/// threshold.
///
/// ```
/// use face_liveness_inference::Calibration;
///
/// // A network whose best threshold is 0.8: the log-odds of 0.8 are ln 4.
/// let calibration = Calibration { slope: 1.0, intercept: -(4f32.ln()) };
/// assert!((calibration.apply(0.8) - 0.5).abs() < 1e-6);
/// assert_eq!((calibration.apply(0.0), calibration.apply(1.0)), (0.0, 1.0));
/// assert_eq!(Calibration::IDENTITY.apply(0.123), 0.123);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The factor of the log-odds; above 0, so that the order of scores is kept.
    pub slope: f32,
    /// The calibrated log-odds of a score of 0.5.
    pub intercept: f32,
}

impl Calibration {
    /// Leaves the score as it is.
    pub const IDENTITY: Self = Self { slope: 1.0, intercept: 0.0 };

    /// The calibrated probability for a score of 0 to 1.
    pub fn apply(&self, score: f32) -> f32 {
        if *self == Self::IDENTITY {
            return score;
        }
        logistic(self.slope * log_odds(score) + self.intercept)
    }
}
