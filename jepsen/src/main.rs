//! Real clusters under faults: what clients saw, judged.
//!
//! A run starts members of the released program in a network of its own, lets clients load them while nemeses do what
//! happens to real clusters, records what every client asked and was told, and hands the history to the checkers of
//! `jepsen-check`. It knows the API of etcd and nothing of how a store is made, so it runs against etcd as well.
//!
//! Start reading at [`cli`], then `run` (one run from its first member to its last hash), `workload` (what clients do),
//! `client` (what is known of a call that was not answered); `cluster`, `net`, `disk` and `nemesis` are what is done to
//! members.

#![expect(
    clippy::cast_precision_loss,
    reason = "rates and shares are for people and for bounds; none needs more than fifteen digits"
)]

mod cli;
mod client;
mod cluster;
mod command;
mod disk;
mod judge;
mod nemesis;
mod net;
mod recorder;
mod report;
mod run;
mod seed;
mod workload;

use std::process::ExitCode;

/// As for a run that proves nothing: this program failed, and says nothing of the store.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    match cli::run() {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}
