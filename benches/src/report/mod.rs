//! What comes out: figures of one run, and the report that compares many.

mod latency;
mod outcome;
mod statistics;
mod text;

pub(crate) use latency::Latency;
pub(crate) use outcome::{Outcome, Sample, figure};
pub(crate) use statistics::{median, spread};
pub(crate) use text::{rounded, show};
