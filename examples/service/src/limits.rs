//! The sizes that the contract allows a request.

/// The limit on a body, 5 MB, for a server without an engine.
pub(crate) const MAX_BODY: usize = 5_000_000;
/// The limit on path and query, 8 KB.
pub(crate) const MAX_URI: usize = 8_192;
/// The limit on all headers, 25 KB.
pub(crate) const MAX_HEADERS: usize = 25_600;
