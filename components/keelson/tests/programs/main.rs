//! The binary, run as users run it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod store;
mod up;
