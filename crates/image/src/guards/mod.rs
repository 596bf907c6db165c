//! Checks of a file before a dependency decodes it. Each prevents one way to exhaust memory or time
//! in that dependency, or to get wrong pixels from it. Each names the upstream report, and can be
//! deleted once that is fixed.

pub(crate) mod jpeg_frame;
pub(crate) mod restarts;
pub(crate) mod scan_budget;
pub(crate) mod scan_end;
#[cfg(feature = "webp")]
mod vp8l_budget;
#[cfg(feature = "webp")]
pub(crate) mod webp_guard;
