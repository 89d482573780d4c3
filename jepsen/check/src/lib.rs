//! Histories of what clients saw, and the checkers that judge them.
//!
//! A run of clients against a store leaves a [`History`](history::History): what every client asked, when, and what it
//! was answered. Each checker here is one module that looks for one kind of lie in it and gives a [`Verdict`] that a
//! person can read. A checker that cannot decide says [`Verdict::Unknown`], which is no pass.
//!
//! This crate must not know how a history came about: no cluster, no network, no clock, no randomness, no files, only
//! lines read and written. It shares no code with the store, so that a mistake there is not repeated here.
//! Start reading at [`history`], then [`replay`], the checker with the most to say.

pub mod bank;
pub mod coverage;
pub mod election;
pub mod elle;
pub mod hashes;
pub mod history;
pub mod lease;
pub mod lock;
mod log;
mod model;
mod order;
#[cfg(test)]
mod properties;
pub mod recorded;
pub mod replay;
pub mod set;
#[cfg(test)]
mod testing;
mod verdict;
pub mod watch;
pub mod wgl;

pub use log::Log;
pub use verdict::{Verdict, Violation};
