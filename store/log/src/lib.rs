//! The replicated log on disk: segments, checksums, group commit.
//!
//! This crate keeps records in order and tells when they are safe. It must not know consensus: an entry, a vote and
//! the committed mark are bytes to it. Start reading at [`Log`]; `record` has the format on disk, `writer` the one
//! place that writes, `recover` what happens at open, `disk` the boundary that tests replace by [`MemoryDisk`].

mod disk;
mod error;
mod held;
mod log;
mod memory;
mod queue;
mod real;
mod record;
mod recover;
mod segment;
mod view;
mod writer;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;

pub use disk::{Disk, File};
pub use error::OpenError;
pub use log::{Done, Executor, Log, LogOptions, OnFatal, Record, State, exists};
pub use memory::MemoryDisk;
pub use real::RealDisk;
pub use record::LIMIT;
pub use recover::Torn;
pub use view::View;
