#![doc = include_str!("../README.md")]

mod error_body;
mod error_code;
mod fields;
mod json_type;
mod model_inputs;
mod parse;
mod provenance;
mod quality;
mod request;
mod request_error;
mod response;

pub use error_body::{ErrorBody, ErrorDetail};
pub use error_code::ErrorCode;
pub use model_inputs::{ModelInputs, SelectedImage};
pub use parse::RequestDocument;
pub use provenance::{ImageProvenance, Provenance};
pub use quality::Quality;
pub use request::{Image, ImageData, ImageType, Request};
pub use request_error::RequestError;
pub use response::{Position, Response, Warning};
