//! Finds drift between two weeks of the server's audit events.
//!
//! [`events`] counts a file, with a [`histogram`] for each measured value; [`comparison`] compares
//! two files by the tests of [`statistics`]; [`plots`] draws, and [`report`] writes the page.

pub mod comparison;
pub mod events;
pub mod histogram;
pub mod plots;
pub mod report;
pub mod statistics;
