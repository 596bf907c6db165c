//! Checks on a file before a dependency decodes it, each against one way to exhaust memory or time
//! in that dependency. Each names the upstream report after whose fix it can go.

pub(crate) mod scan_budget;
mod vp8l_budget;
pub(crate) mod webp_guard;
pub(crate) mod xmp_budget;
