//! Log-odds and probabilities.

/// The probability, 0 to 1, with these log-odds.
///
/// ```
/// use face_liveness_network::{log_odds, logistic};
///
/// assert_eq!(logistic(0.0), 0.5);
/// assert!((logistic(log_odds(0.9)) - 0.9).abs() < 1e-6);
/// ```
pub fn logistic(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The log-odds of a probability: −∞ for 0, ∞ for 1. The inverse of [`logistic`].
///
/// ```
/// assert_eq!(face_liveness_network::log_odds(0.5), 0.0);
/// ```
pub fn log_odds(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}
