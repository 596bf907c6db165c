//! Scores many photos and writes a table, in a run that can be interrupted and resumed.

pub mod photos;
pub mod results;
pub mod run;
pub mod summary;
