//! Scores many photos, from wherever they are to a table, in a run that may be interrupted.

pub mod photos;
pub mod results;
pub mod run;
pub mod summary;
