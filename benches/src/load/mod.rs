//! Load: clients that send one request after another, when each is due, and what is kept of the answers.
//!
//! Start reading at [`drive()`].

mod data;
mod drive;
mod pace;
mod record;

pub(crate) use data::{Keys, Order, Values, prefix_end};
pub(crate) use drive::{Client, Done, Loaded, Plan, Turn, drive};
use pace::Pace;
use record::Recorder;
pub(crate) use record::new_histogram;
