//! Load: clients that send one request after another, when each is due, and what is kept of the answers.
//!
//! Start reading at [`drive()`].

mod data;
mod drive;
mod pace;
mod record;

pub(crate) use data::{Keys, Order, Values, prefix_end};
pub(crate) use drive::{Client, Done, Loaded, Plan, Stage, Turn, drive};
use pace::Pace;
pub(crate) use record::{Recorder, new_histogram};
