#![doc = include_str!("../README.md")]

mod borders;
mod builder;
mod built_in;
mod capture;
mod distortion;
mod engine;
mod error;
mod image_source;
mod json;
mod limits;
mod locate;
mod pipeline;
mod position;
mod progress;
mod provenance;
mod quality;
mod rotation;
mod working_image;

use std::sync::LazyLock;

pub use builder::EngineBuilder;
pub use engine::Engine;
pub use error::{BuildError, Error};
pub use face_liveness_detection as detection;
pub use face_liveness_image as imaging;
pub use face_liveness_inference as inference;
pub use face_liveness_models as models;
pub use face_liveness_network as network;
pub use face_liveness_schema as schema;
pub use face_liveness_schema::{
    ErrorBody, ErrorCode, ErrorDetail, Image, ImageData, ImageProvenance, ImageType, Position,
    Provenance, Quality, Request, RequestError, Response, Warning,
};
pub use image_source::ImageSource;
pub use json::JsonAnswer;
pub use limits::Limits;
pub use pipeline::Detection;
pub use progress::{Progress, Stage};

/// Scores a request with the default engine. The first call builds it: 0.1 s on a server
/// (`benches/GROWTH.md`).
///
/// # Errors
/// See [`Error`].
///
/// ```
/// use face_liveness::{ErrorCode, Image, Request, detect};
///
/// let error = detect(&Request::new([Image::rgb(0, "bm90IGFuIGltYWdl")])).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::ImageNotSupported);
/// assert_eq!(error.path(), Some("images[0].data"));
/// ```
pub fn detect(request: &Request<'_>) -> Result<Response, Error> {
    static ENGINE: LazyLock<Result<Engine, BuildError>> =
        LazyLock::new(|| Engine::builder().build());
    match &*ENGINE {
        Ok(engine) => engine.detect(request),
        Err(error) => Err(Error::Engine(network::Error::load(error))),
    }
}

/// Engines are shared between threads, and errors are sent between them.
const _: () = {
    const fn send_sync<T: Send + Sync + 'static>() {}
    send_sync::<Engine>();
    send_sync::<EngineBuilder>();
    send_sync::<Error>();
    send_sync::<BuildError>();
};
