#![doc = include_str!("../README.md")]

mod cursor;
mod document;
mod error;
mod request;
mod response;
mod select;

pub use document::RequestDocument;
pub use error::{ErrorBody, ErrorCode, ErrorDetail, RequestError};
pub use request::{Image, ImageData, ImageType, Request};
pub use response::{Position, Response, Warning};
pub use select::{ModelInputs, SelectedImage};
