//! The error of a network, a detector or a model.

use std::error::Error as StdError;
use std::fmt;

/// A network that cannot be loaded, or that fails. Says nothing about any image.
///
/// The message says what failed; [`source`](StdError::source) says why.
///
/// ```
/// use std::error::Error as _;
///
/// use face_liveness_network::{Error, ErrorKind};
///
/// let error = Error::run("the output is not finite");
/// assert_eq!(error.kind(), ErrorKind::Run);
/// assert_eq!(error.to_string(), "the network failed");
/// assert_eq!(error.source().unwrap().to_string(), "the output is not finite");
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    source: Box<dyn StdError + Send + Sync>,
}

/// The operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The network cannot be loaded.
    Load,
    /// The network was loaded and failed on an input.
    Run,
}

impl Error {
    /// A network, a detector or a model cannot be loaded.
    pub fn load(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Load, source: cause.into() }
    }

    /// A network, a detector or a model failed.
    pub fn run(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Run, source: cause.into() }
    }

    /// The operation that failed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::Load => "the network cannot be loaded",
            ErrorKind::Run => "the network failed",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
