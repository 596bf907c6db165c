//! What the benchmarks share.

mod bodies;
mod stack;

pub use bodies::{SIZES, body, photo};
pub use stack::{MULTIPLICATIONS, STAGES, Stack, gemm_gflops, median, milliseconds};
