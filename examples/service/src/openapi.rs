//! The description of the API (OpenAPI 3.1), generated from the types of the facade, and its page.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use face_liveness::{ErrorBody, Request, Response as Answer};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::limits::MAX_BODY;
use crate::models::Models;
use crate::refusal::Refusal;

/// The path of the API's main operation.
pub(crate) const PATH: &str = "/v1/liveness";
/// The path of the models.
pub(crate) const MODELS: &str = "/v1/models";
/// The path of the description.
pub(crate) const DOCUMENT: &str = "/openapi.json";

const DESCRIPTION: &str = "Returns the probability that the largest face of a photo is a \
    presentation attack (a print or a screen), and the face's position. The service gives no \
    verdict: compare `spoofScore` with a threshold; 0.5 is recommended. The image is not stored, \
    and it is wiped from memory after the answer.";

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::from(SwaggerUi::new("/docs").config(Config::from(DOCUMENT)))
        .route(DOCUMENT, get(document))
}

async fn document() -> Response {
    Json(openapi()).into_response()
}

fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = SchemaGenerator::new(settings);
    let request = schemas.subschema_for::<Request<'_>>();
    let response = schemas.subschema_for::<Answer>();
    let error = schemas.subschema_for::<ErrorBody>();
    let models = schemas.subschema_for::<Models<'_>>();
    let json = |schema: &schemars::Schema| json!({ "application/json": { "schema": schema } });
    let answer =
        |description: &str, schema| json!({ "description": description, "content": json(schema) });
    let invalid = "The request or its image is invalid: the body names the code and the field. \
                   Code 400: the header Host is missing or appears more than once.";
    let responses = |ok: Value, refused: &[Refusal]| {
        let mut refusals = BTreeMap::from([("400".to_owned(), vec![invalid.to_owned()])]);
        for refusal in refused {
            let status = refusal.status().as_str().to_owned();
            refusals.entry(status).or_default().push(format!("{refusal}."));
        }
        let mut responses = Map::from_iter([("200".to_owned(), ok)]);
        let refusals = refusals.into_iter();
        responses.extend(refusals.map(|(status, why)| (status, answer(&why.join(" "), &error))));
        responses
    };
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Face liveness",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": { PATH: { "post": {
            "operationId": "detectLiveness",
            "summary": "Is the largest face in the image live, or a print or a screen?",
            "security": [{}, { "key": [] }],
            "requestBody": { "required": true, "content": json(&request) },
            "responses": responses(answer("The score and the face.", &response), &REFUSALS),
        } }, MODELS: { "get": {
            "operationId": "listModels",
            "summary": "The models, and the error rates measured at their thresholds",
            "security": [{}, { "key": [] }],
            "responses": responses(answer("The models.", &models), &REFUSALS_OF_MODELS),
        } } },
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": { "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, if the service requires one.",
            } },
        },
    })
}

/// The refusals of a request for the models, but those of code 400.
const REFUSALS_OF_MODELS: [Refusal; 8] = [
    Refusal::Unauthorised,
    Refusal::MethodNotAllowed,
    Refusal::UriTooLong,
    Refusal::TooMany { wait: std::time::Duration::ZERO },
    Refusal::HeadersTooLarge,
    Refusal::Failed,
    Refusal::Unreachable,
    Refusal::Busy,
];

/// The refusals of a request for a score, but those of code 400.
const REFUSALS: [Refusal; 15] = [
    Refusal::Unauthorised,
    Refusal::MethodNotAllowed,
    Refusal::BodyTooSlow,
    Refusal::BodyTooLarge { limit: MAX_BODY },
    Refusal::UriTooLong,
    Refusal::NotJson,
    Refusal::CompressedBody,
    Refusal::TooMany { wait: std::time::Duration::ZERO },
    Refusal::HeadersTooLarge,
    Refusal::Failed,
    Refusal::Unreachable,
    Refusal::Busy,
    Refusal::NoAnswer,
    Refusal::TooLate,
    Refusal::NotFound,
];
