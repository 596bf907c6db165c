//! Error rates of liveness models on your own pictures, by ISO/IEC 30107-3, with confidence
//! intervals.
//!
//! [`dataset`] reads a set, [`scoring`] scores it, [`figures`] computes the rates and [`bootstrap`]
//! their confidence intervals. [`segments`] compares the parts of the set. [`tables`] writes the
//! scores, [`plots`] the curves, [`segment_tables`] the segments, [`test_report`] a test
//! report, [`report`] the page.

pub mod bootstrap;
pub mod dataset;
pub mod figures;
pub mod plots;
pub mod report;
pub mod scoring;
pub mod segment_tables;
pub mod segments;
pub mod tables;
pub mod test_report;
