//! Why a bundle cannot be used.

/// A bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The manifest is not the JSON that the bundle's type asks for.
    #[error("model.json is invalid")]
    Json(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value of the manifest is out of its range.
    #[error("model.json: {field} is out of range")]
    OutOfRange {
        /// The value's path in the manifest: `networks.context.input.side`.
        field: String,
    },
    /// The manifest lacks a value that another one needs.
    #[error("model.json: {field} is missing")]
    MissingField {
        /// The value's path in the manifest: `fusion.context`.
        field: String,
    },
    /// The manifest names a file that the bundle lacks.
    #[error("{file}: missing")]
    Missing {
        /// The file's name.
        file: String,
    },
    /// A file was corrupted or replaced.
    #[error("{file}: SHA-256 mismatch")]
    Sha256 {
        /// The file's name.
        file: String,
    },
}

/// Refuses a value of the manifest that is out of its range.
pub(crate) fn check(field: &str, in_range: bool) -> Result<(), Error> {
    if in_range { Ok(()) } else { Err(Error::OutOfRange { field: field.to_owned() }) }
}

/// Refuses a manifest without a value that another one needs.
pub(crate) fn require(field: &str, is_there: bool) -> Result<(), Error> {
    if is_there { Ok(()) } else { Err(Error::MissingField { field: field.to_owned() }) }
}
