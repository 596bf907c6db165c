//! Thresholds, and the error rates that were measured at them.

use serde::{Deserialize, Deserializer, Serialize};

use crate::Error;
use crate::error::check;

/// A threshold with a name, and the error rates that were measured at it.
///
/// ```
/// let points = face_liveness_models::rgb_single_v2()?.operating_points;
/// let strict = points.iter().find(|point| point.name == "strict").unwrap();
/// assert!(strict.threshold < 0.5);
/// let replay = strict.measured.iter().find(|rates| rates.set.contains("Replay-Attack")).unwrap();
/// let apcer = replay.apcer.unwrap();
/// assert!(apcer.low <= apcer.value && apcer.value <= apcer.high);
/// # Ok::<(), face_liveness_models::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OperatingPoint {
    /// The name: `recommended`, `low-friction` or `strict`.
    pub name: String,
    /// 0 to 1: a face with at least this score is classified as an attack.
    pub threshold: f32,
    /// The error rates on each set, as on the model's card.
    pub measured: Vec<MeasuredRates>,
}

/// The error rates of a model on one set, by the definitions of ISO/IEC 30107-3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MeasuredRates {
    /// The set, as the card names it.
    pub set: String,
    /// The number of bona fide presentations.
    pub bona_fide: u32,
    /// The number of attacks.
    pub attacks: u32,
    /// The share of bona fide presentations that are classified as attacks.
    pub bpcer: Rate,
    /// The share of attacks of the worst species that are classified as bona fide; `None` for a set
    /// without attacks.
    pub apcer: Option<Rate>,
}

/// A share, 0 to 1, with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Rate {
    /// The share that was measured.
    pub value: f32,
    /// The lower bound.
    pub low: f32,
    /// The upper bound.
    pub high: f32,
}

/// Reads the operating points of a manifest. The public types ignore fields that they do not know,
/// so that an old client reads the answer of a new service; a manifest may have no such field.
pub(crate) fn of_manifest<'de, D: Deserializer<'de>>(
    manifest: D,
) -> Result<Vec<OperatingPoint>, D::Error> {
    let points = Vec::<PointEntry>::deserialize(manifest)?;
    Ok(points.into_iter().map(OperatingPoint::from).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PointEntry {
    name: String,
    threshold: f32,
    measured: Vec<RatesEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesEntry {
    set: String,
    bona_fide: u32,
    attacks: u32,
    bpcer: RateEntry,
    apcer: Option<RateEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateEntry {
    value: f32,
    low: f32,
    high: f32,
}

impl From<PointEntry> for OperatingPoint {
    fn from(PointEntry { name, threshold, measured }: PointEntry) -> Self {
        Self { name, threshold, measured: measured.into_iter().map(MeasuredRates::from).collect() }
    }
}

impl From<RatesEntry> for MeasuredRates {
    fn from(RatesEntry { set, bona_fide, attacks, bpcer, apcer }: RatesEntry) -> Self {
        Self { set, bona_fide, attacks, bpcer: bpcer.into(), apcer: apcer.map(Rate::from) }
    }
}

impl From<RateEntry> for Rate {
    fn from(RateEntry { value, low, high }: RateEntry) -> Self {
        Self { value, low, high }
    }
}

/// Checks the operating points of a manifest.
pub(crate) fn check_points(points: &[OperatingPoint]) -> Result<(), Error> {
    for (i, point) in points.iter().enumerate() {
        let field = format!("operating_points[{i}]");
        check(&format!("{field}.threshold"), is_share(point.threshold))?;
        let is_repeated = points[..i].iter().any(|other| other.name == point.name);
        check(&format!("{field}.name"), !is_repeated)?;
        for rates in &point.measured {
            let mut rates = [Some(rates.bpcer), rates.apcer].into_iter().flatten();
            check(&format!("{field}.measured"), rates.all(Rate::is_possible))?;
        }
    }
    Ok(())
}

impl Rate {
    fn is_possible(self) -> bool {
        let Self { value, low, high } = self;
        [value, low, high].into_iter().all(is_share) && low <= value && value <= high
    }
}

fn is_share(value: f32) -> bool {
    (0.0..=1.0).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<OperatingPoint>, String> {
        of_manifest(&mut serde_json::Deserializer::from_str(json)).map_err(|e| e.to_string())
    }

    fn checked(json: &str) -> Result<(), String> {
        let points = read(json).expect("operating points");
        check_points(&points).map_err(|error| error.to_string())
    }

    #[test]
    fn thresholds_rates_and_names_are_checked() {
        let point = |threshold: &str, low: &str, name: &str| {
            let rate = format!(r#"{{ "value": 0.1, "low": {low}, "high": 0.2 }}"#);
            format!(
                r#"{{ "name": "{name}", "threshold": {threshold}, "measured": [
                      {{ "set": "s", "bona_fide": 9, "attacks": 0, "bpcer": {rate} }}] }}"#
            )
        };
        let both = |second: String| checked(&format!("[{}, {second}]", point("0.5", "0.0", "a")));
        assert_eq!(both(point("0.7", "0.1", "b")), Ok(()));
        let refused = |second: String, field: &str| {
            let expected = format!("model.json: operating_points[1].{field} is out of range");
            assert_eq!(both(second), Err(expected));
        };
        refused(point("1.1", "0.0", "b"), "threshold");
        refused(point("0.7", "0.11", "b"), "measured");
        refused(point("0.7", "-0.1", "b"), "measured");
        refused(point("0.7", "0.0", "a"), "name");
    }

    #[test]
    fn only_a_client_ignores_fields_that_it_does_not_know() {
        let rate = r#"{ "value": 0.1, "low": 0.0, "high": 0.2, "new": 1 }"#;
        let point = |bona_fide: &str, rate: &str, new: &str| {
            format!(
                r#"{{ "name": "a", "threshold": 0.5, "measured": [
                      {{ "set": "s", "{bona_fide}": 9, "attacks": 0, "bpcer": {rate} {new} }}] }}"#
            )
        };
        let answer = point("bonaFide", rate, r#", "new": 1"#);
        let answer: OperatingPoint = serde_json::from_str(&answer).expect("a newer answer");
        assert_eq!(answer.measured[0].bona_fide, 9);

        let known = rate.replace(r#", "new": 1"#, "");
        assert!(read(&format!("[{}]", point("bona_fide", &known, ""))).is_ok());
        for unknown in [point("bona_fide", rate, ""), point("bona_fide", &known, r#", "new": 1"#)] {
            let error = read(&format!("[{unknown}]")).expect_err("a field too many");
            assert!(error.contains("unknown field `new`"), "{error}");
        }
    }
}
