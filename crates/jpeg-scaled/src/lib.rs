#![doc = include_str!("../README.md")]

mod decoder;
mod error;
mod headers;
mod huffman;
mod scaled_idct;
mod scan;

pub use decoder::{Decoder, Scale};
pub use error::Error;
