//! The models that requests can name, and the thresholds that were measured for them.

use bytes::Bytes;
use face_liveness::Engine;
use face_liveness::models::OperatingPoint;
use schemars::JsonSchema;
use serde::Serialize;

/// The models of the service.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Models<'a> {
    /// The models, in no particular order.
    models: Vec<Model<'a>>,
}

/// A model.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    /// The name by which requests choose the model.
    name: &'a str,
    /// Whether the model scores requests that name none.
    is_default: bool,
    /// The smallest number of images in a request.
    min_images: usize,
    /// The largest number of images that are used.
    max_images: usize,
    /// Thresholds, and the error rates that were measured at them. A score between those of
    /// `strict` and `low-friction` is uncertain: ask for a second capture.
    operating_points: &'a [OperatingPoint],
}

/// The JSON of an engine's models.
pub(crate) fn document(engine: &Engine) -> Bytes {
    let model = |name| {
        let inputs = engine.model_inputs(name).ok()?;
        Some(Model {
            name,
            is_default: name == engine.default_model(),
            min_images: inputs.required(),
            max_images: inputs.types().len(),
            operating_points: engine.operating_points(name).ok()?,
        })
    };
    let models = Models { models: engine.model_names().filter_map(model).collect() };
    serde_json::to_vec(&models).expect("names and numbers").into()
}
