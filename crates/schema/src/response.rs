//! The response to a valid request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Provenance, Quality};

/// The probability that the face is a presentation attack, and the face's position.
///
/// ```
/// use face_liveness_schema::{Position, Response};
///
/// let position = Position { top: 80, left: 230, width: 124, height: 197 };
/// let response = Response::new(0.0123, position, "rgb-single-v2");
/// assert_eq!(
///     serde_json::to_string(&response)?,
///     concat!(
///         r#"{"spoofScore":0.0123,"#,
///         r#""position":{"top":80,"left":230,"width":124,"height":197},"#,
///         r#""model":"rgb-single-v2"}"#,
///     )
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(description = "The probability of a presentation attack, and where the face is.")
)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Response {
    /// The probability, 0 to 1, that the face is a presentation attack. It is not a verdict:
    /// compare it with a threshold; a score at or above it means attack. 0.5 is recommended.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 0.0, max = 1.0)))]
    pub spoof_score: f32,
    /// The box of the face used, in the image with index 0 as it was processed: after `autoRotate`
    /// if that was on.
    pub position: Position,
    /// The name of the model that answered.
    pub model: String,
    /// Conditions that may make the score less reliable. They never change the score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// The program, weights and images behind the answer, if the request asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Provenance"))]
    pub provenance: Option<Provenance>,
    /// Measures of the face, if the request asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Quality"))]
    pub quality: Option<Quality>,
}

impl Response {
    /// A response without warnings.
    pub fn new(spoof_score: f32, position: Position, model: impl Into<String>) -> Self {
        Self {
            spoof_score,
            position,
            model: model.into(),
            warnings: Vec::new(),
            provenance: None,
            quality: None,
        }
    }

    /// Sets the warnings.
    #[must_use]
    pub fn with_warnings(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings = warnings.into_iter().collect();
        self
    }
}

/// A box in whole pixels, inside the image. `width` and `height` are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// The y coordinate of the top-left corner, from the top of the image.
    pub top: u32,
    /// The x coordinate of the top-left corner, from the left of the image.
    pub left: u32,
    /// From the left edge of the box to its right edge.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 1)))]
    pub width: u32,
    /// From the top edge of the box to its bottom edge.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 1)))]
    pub height: u32,
}

/// A condition that may make a score less reliable.
///
/// The list may grow. A client older than the service reads a new warning as
/// [`Unknown`](Self::Unknown), which keeps the name. `Display` writes the name on the wire.
///
/// ```
/// use face_liveness_schema::Warning;
///
/// let warnings: Vec<Warning> = serde_json::from_str(r#"["smallFace", "fogged"]"#)?;
/// assert_eq!(warnings[0], Warning::SmallFace);
/// assert_eq!(warnings[1].to_string(), "fogged");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(description = "What may make a score less reliable.", transform = one_of)
)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Warning {
    /// More than one face was found; the largest was used.
    MultipleFaces,
    /// The face is under the recommended size of 200 × 200 pixels.
    SmallFace,
    /// The face touches, or nearly touches, the edge of the image.
    FaceNearEdge,
    /// The image has a plain border, or edge pixels that repeat outwards.
    Borders,
    /// The face is dark.
    LowLight,
    /// Parts of the face are so bright that they have lost their detail.
    Overexposed,
    /// The image has neither black nor white: it is hazy, veiled by glare, or edited.
    LowContrast,
    /// The face is out of focus or motion-blurred.
    Blurred,
    /// The face has no colour.
    Greyscale,
    /// The face is sideways or upside down in the image; it was rotated upright to be scored.
    Rotated,
    /// The face is about half as wide, or half as high, as a real face: the photo has a distorted
    /// aspect ratio, or shows a flat picture at a slant.
    Distorted,
    /// A frame of a burst shows no face; it was left out.
    FrameWithoutFace,
    /// A frame of a burst shows the same picture as an earlier frame.
    RepeatedFrame,
    /// Any other name. Only deserialisation makes this variant, so a name never has two
    /// representations.
    #[non_exhaustive]
    #[serde(untagged)]
    #[cfg_attr(feature = "json-schema", schemars(skip))]
    Unknown(String),
}

impl Warning {
    /// Every warning that this version knows.
    pub const ALL: &'static [Self] = &[
        Self::MultipleFaces,
        Self::SmallFace,
        Self::FaceNearEdge,
        Self::Borders,
        Self::LowLight,
        Self::Overexposed,
        Self::LowContrast,
        Self::Blurred,
        Self::Greyscale,
        Self::Rotated,
        Self::Distorted,
        Self::FrameWithoutFace,
        Self::RepeatedFrame,
    ];
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// schemars writes `anyOf` for an enum with an untagged variant. The names exclude each other, so
/// `oneOf` is exact, and code generators turn it into an enum.
#[cfg(feature = "json-schema")]
fn one_of(schema: &mut schemars::Schema) {
    if let Some(names) = schema.remove("anyOf") {
        schema.insert("oneOf".to_owned(), names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_survive_a_round_trip_known_or_not() {
        let names = "multipleFaces smallFace faceNearEdge borders lowLight overexposed lowContrast \
                     blurred greyscale rotated distorted frameWithoutFace repeatedFrame";
        assert!(Warning::ALL.iter().map(Warning::to_string).eq(names.split(' ')));

        let newer = Warning::Unknown("fogged".into());
        for warning in Warning::ALL.iter().chain([&newer]) {
            let json = serde_json::to_string(warning).expect("a string");
            assert_eq!(json, format!("\"{warning}\""));
            assert_eq!(&serde_json::from_str::<Warning>(&json).expect("a warning"), warning);
        }
    }

    #[test]
    fn a_warning_is_a_string() {
        for json in ["5", "null", r#"["smallFace"]"#] {
            assert!(serde_json::from_str::<Warning>(json).is_err(), "{json}");
        }
    }
}
