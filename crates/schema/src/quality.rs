//! Measures of the face: the numbers behind the warnings.

use serde::{Deserialize, Serialize};

/// Measures of the face that was scored. They never change the score.
///
/// A request asks for them with `quality`, which is not in the vendor's contract. Measures that
/// ISO/IEC 29794-5 defines have its name and unit, and the formula of its reference implementation
/// OFIQ (since 1.0.2). OFIQ measures luminance between the landmarks of an aligned face, the engine
/// on a grid of samples in the face's box, so limits from OFIQ do not carry over. The other
/// measures of the standard, such as yaw, pitch, expression and occlusion, each need a network.
///
/// ```
/// use face_liveness_schema::Quality;
///
/// let json = r#"{
///     "interEyeDistance": 46.1, "headPoseRoll": -4.5, "singleFacePresent": 0.0,
///     "luminanceMean": 0.35, "luminanceVariance": 0.05, "dynamicRange": 7.3,
///     "underExposure": 0.11, "overExposure": 0.0,
///     "edgeDistance": 0.62, "luma": 141.0, "blackPoint": 4.0, "whitePoint": 246.0,
///     "sharpness": 0.21, "colour": 52.0
/// }"#;
/// let quality: Quality = serde_json::from_str(json)?;
/// assert_eq!(quality.inter_eye_distance, Some(46.1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(
        description = "Measures of the face, in the units of ISO/IEC 29794-5 where it has them."
    )
)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Quality {
    /// ISO/IEC 29794-5: the distance between the centres of the eyes, in pixels of the image with
    /// index 0. It is not corrected for yaw. Absent from a detector without landmarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(with = "f32"))]
    pub inter_eye_distance: Option<f32>,
    /// ISO/IEC 29794-5: the rotation of the head in the image, in degrees, -180 to 180. The sign is
    /// ours: at 90, the top of the head is at the image's right. Absent without landmarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(with = "f32"))]
    pub head_pose_roll: Option<f32>,
    /// ISO/IEC 29794-5: the area of the second largest face, divided by that of the largest; 0 for
    /// one face.
    pub single_face_present: f32,
    /// ISO/IEC 29794-5: the mean luminance, in linear light, 0 to 1.
    pub luminance_mean: f32,
    /// ISO/IEC 29794-5: the variance of the luminance, 0 to 0.25.
    pub luminance_variance: f32,
    /// ISO/IEC 29794-5: the entropy of the histogram of luminance, 0 to 8 bits.
    pub dynamic_range: f32,
    /// ISO/IEC 29794-5: the proportion of samples with a luminance of at most 25 of 255, 0 to 1.
    pub under_exposure: f32,
    /// ISO/IEC 29794-5: the proportion of samples with a luminance of at least 247 of 255, 0 to 1.
    /// From 0.05 on: `overexposed`.
    pub over_exposure: f32,
    /// The smallest distance of the box from an edge of the image, in widths or heights of the box.
    /// Below 0.15: `faceNearEdge`.
    pub edge_distance: f32,
    /// The mean luma (ITU-R BT.601, without linearisation), 0 to 255. Below 50: `lowLight`.
    pub luma: f32,
    /// The 1st percentile of the luma of the whole image, 0 to 255.
    pub black_point: f32,
    /// The 99th percentile of the luma of the whole image, 0 to 255. Below 230, with a black point
    /// above 25, and less than 130 apart: `lowContrast`.
    pub white_point: f32,
    /// The variance of the Laplacian of the face at 64 × 64, divided by that of its luma plus 1.
    /// Below 0.03: `blurred`.
    pub sharpness: f32,
    /// The mean difference between the strongest and the weakest channel, 0 to 255. Below 3:
    /// `greyscale`.
    pub colour: f32,
}
