//! The answer to a request that was in order.

use serde::{Deserialize, Serialize};

/// How likely the face is a presentation attack, and where it is.
///
/// ```
/// use face_liveness_schema::{Position, Response};
///
/// let position = Position { top: 80, left: 230, width: 124, height: 197 };
/// let response = Response { spoof_score: 0.0123, position, model: "rgb-single-v1".into(), warnings: vec![] };
/// assert_eq!(
///     serde_json::to_string(&response).unwrap(),
///     r#"{"spoofScore":0.0123,"position":{"top":80,"left":230,"width":124,"height":197},"model":"rgb-single-v1"}"#
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(description = "How likely the face is a spoof, and where it is.")
)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The probability, 0 to 1, that the face is a spoof attack. No verdict: compare it with a threshold
    /// of your own; `spoof_score >= threshold` means spoof. 0.5 is the recommended one.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 0.0, max = 1.0)))]
    pub spoof_score: f32,
    /// The box of the face used, in the image with index 0 as it was processed: after `autoRotate`,
    /// when that was on.
    pub position: Position,
    /// The name of the model that answered.
    pub model: String,
    /// What may make the score less reliable. Never changes the score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A box in whole pixels. Inside the image; `width` and `height` are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// The y coordinate of the top-left corner, counted from the top of the image.
    pub top: u32,
    /// The x coordinate of the top-left corner, counted from the left of the image.
    pub left: u32,
    /// From the left edge of the box to its right edge.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 1)))]
    pub width: u32,
    /// From the top edge of the box to its bottom edge.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 1)))]
    pub height: u32,
}

/// What may make a score less reliable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Warning {
    /// More than one face was found; the largest was used.
    MultipleFaces,
    /// The face is under the recommended size of 200 × 200 pixels.
    SmallFace,
    /// The face touches, or nearly touches, the edge of the image.
    FaceNearEdge,
    /// The face is dark.
    LowLight,
    /// The face is out of focus or smeared.
    Blurred,
    /// The face has no colour.
    Greyscale,
    /// The face lies sideways or upside down in the image; it was turned upright to be scored.
    Rotated,
}
