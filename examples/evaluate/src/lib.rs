//! How often is a liveness model wrong, on one's own pictures? The figures of ISO/IEC 30107-3, with intervals.
//!
//! [`dataset`] reads what there is to score, [`scoring`] scores it, [`figures`] turns scores into rates,
//! [`bootstrap`] into intervals; [`tables`] writes the scores, [`plots`] the curves, [`report`] the page.

pub mod bootstrap;
pub mod dataset;
pub mod figures;
pub mod plots;
pub mod report;
pub mod scoring;
pub mod tables;
