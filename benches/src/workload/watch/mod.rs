//! Watches: how soon an event is there, and how many events are delivered to many watchers.
//!
//! Start reading at `streams`, which holds the watchers; the workloads differ in who puts and how fast.

mod events;
mod fanout;
mod streams;

pub(crate) use fanout::{WatchFanout, WatchLatency};
pub(crate) use streams::{Streams, Wish};
