//! Prints the JSON Schemas of the request, the response and the error body:
//! `cargo run --release --example json_schema`.
#![allow(clippy::print_stdout)]

use face_liveness::{ErrorBody, Request, Response};
use schemars::schema_for;

fn main() -> serde_json::Result<()> {
    for schema in [schema_for!(Request<'_>), schema_for!(Response), schema_for!(ErrorBody)] {
        println!("{}", serde_json::to_string_pretty(&schema)?);
    }
    Ok(())
}
