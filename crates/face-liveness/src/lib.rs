#![doc = include_str!("../README.md")]

mod builder;
mod engine;
mod error;
mod json;
mod limits;
mod look;
mod position;
mod quality;
mod stage;

use std::sync::LazyLock;

pub use builder::EngineBuilder;
pub use engine::{Detection, Engine, ImageSource};
pub use error::Error;
pub use face_liveness_detection as detection;
pub use face_liveness_image as image;
pub use face_liveness_inference as inference;
pub use face_liveness_schema as schema;
pub use face_liveness_schema::{
    ErrorBody, ErrorCode, Image, ImageData, ImageType, Position, Request, RequestError, Response,
    Warning,
};
pub use json::JsonAnswer;
pub use limits::Limits;
pub use stage::Stage;

/// Scores a request with the default engine, which is built on first use (about 0.4 s) and then shared.
///
/// # Errors
/// See [`Error`].
///
/// ```
/// use face_liveness::{detect, ErrorCode, Image, Request};
///
/// let error = detect(&Request::new([Image::rgb(0, "bm90IGFuIGltYWdl")])).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::ImageNotSupported);
/// assert_eq!(error.path(), Some("images[0].data"));
/// ```
pub fn detect(request: &Request<'_>) -> Result<Response, Error> {
    static ENGINE: LazyLock<Result<Engine, Error>> = LazyLock::new(|| Engine::builder().build());
    match &*ENGINE {
        Ok(engine) => engine.detect(request),
        Err(error) => Err(Error::Engine(inference::Error::new("cannot be loaded", error))),
    }
}
