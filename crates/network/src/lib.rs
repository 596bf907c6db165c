#![doc = include_str!("../README.md")]

mod error;
mod guards;
mod logistic;
mod network;
mod operators;
mod planes;
mod prelu;
mod zero_pad;

pub use error::{Error, ErrorKind};
pub use logistic::{log_odds, logistic};
pub use network::{Network, Output};
pub use planes::{Placement, PlanesMut, write_rgb};
