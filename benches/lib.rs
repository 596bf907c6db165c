//! Shared by the benchmarks: request bodies, the engine and its stages, provenance of figures.

mod bodies;
mod provenance;
mod stack;

pub use bodies::{SIZES, body, photo};
pub use provenance::provenance;
pub use stack::{MULTIPLICATIONS, SEARCH_SIDE, STAGES, Stack, gemm_gflops, median, milliseconds};
