//! The API's description, OpenAPI 3.1, made from the schema crate's types, and a page that shows it.

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use face_liveness_schema::{ErrorBody, Request, Response as Answer};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::refusal::Refusal;
use crate::router::MAX_BODY;

/// The API's one operation.
pub(crate) const PATH: &str = "/v1/liveness";
/// Where its description is.
pub(crate) const DOCUMENT: &str = "/openapi.json";

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::from(SwaggerUi::new("/docs").config(Config::from(DOCUMENT)))
        .route(DOCUMENT, get(document))
}

async fn document() -> Response {
    Json(openapi()).into_response()
}

/// The description.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = SchemaGenerator::new(settings);
    let request = schemas.subschema_for::<Request<'_>>();
    let answer = schemas.subschema_for::<Answer>();
    let error = schemas.subschema_for::<ErrorBody>();
    let mut schemas: Map<String, Value> = schemas.take_definitions(true);
    schemas.insert("RefusalBody".into(), refusal_schema());
    let content = |schema: &Value| json!({ "application/json": { "schema": schema } });
    let mut responses = Map::from_iter([
        (
            "200".to_owned(),
            json!({ "description": "The score and the face.", "content": content(&answer.to_value()) }),
        ),
        (
            "400".to_owned(),
            json!({
                "description": "The request, or its image, is not in order: the body names the code and the field.",
                "content": content(&error.to_value()),
            }),
        ),
    ]);
    for refusal in refusals() {
        responses.insert(
            refusal.status().as_str().to_owned(),
            json!({
                "description": refusal.to_string(),
                "content": content(&json!({ "$ref": "#/components/schemas/RefusalBody" })),
            }),
        );
    }
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
            "summary": "Is the largest face in the image live, or a print, a screen, a mask?",
            "security": [{}, { "key": [] }],
            "requestBody": { "required": true, "content": content(&request.to_value()) },
            "responses": responses,
        } } },
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, where the service asks for one.",
            } },
        },
    })
}

const DESCRIPTION: &str = "Answers how likely it is that the largest face of a photo is a presentation attack (a print, a \
    screen, a mask), and where the face is. There is no verdict: compare `spoofScore` with a threshold of yours; 0.5 is the \
    recommended one. The picture is stored nowhere and wiped from memory after the answer.";

/// What the service itself may answer, whatever the body; the statuses of the contract.
fn refusals() -> [Refusal; 13] {
    [
        Refusal::Unauthorised,
        Refusal::MethodNotAllowed,
        Refusal::BodyTooSlow,
        Refusal::BodyTooLarge { limit: MAX_BODY },
        Refusal::UriTooLong,
        Refusal::NotJson,
        Refusal::TooMany { wait: Default::default() },
        Refusal::HeadersTooLarge,
        Refusal::Failed,
        Refusal::Unreachable,
        Refusal::Busy,
        Refusal::TooLate,
        Refusal::NotFound,
    ]
}

fn refusal_schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "description": "The body of an answer that has nothing to do with the request's body: the status is its code.",
        "type": "object",
        "properties": { "error": {
            "type": "object",
            "properties": {
                "code": { "type": "integer", "minimum": 400, "maximum": 599 },
                "message": text,
                "description": text,
            },
            "required": ["code", "message", "description"],
        } },
        "required": ["error"],
    })
}
