#![doc = include_str!("../README.md")]

mod error;
#[cfg(feature = "all-operators")]
mod guards;
mod logistic;
mod network;
mod output;
mod panics;
mod planes;
#[cfg(feature = "all-operators")]
mod tract;
mod trunk;

pub use error::{Error, ErrorKind};
pub use logistic::{log_odds, logistic};
pub use network::Network;
pub use output::Output;
pub use planes::{Placement, PlanesMut, write_rgb};
