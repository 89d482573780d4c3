//! Load benchmarks for any etcd v3 endpoint and any Kubernetes apiserver, and Keelson beside etcd in one report.
//!
//! It knows the APIs of etcd and of Kubernetes, and nothing of how Keelson is made: servers are processes to it. Start
//! reading at [`cli`], then `workload`, then `compare`; for apiservers at `api`.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures are for people; none needs more than fifteen digits"
)]

mod api;
mod bench;
mod cli;
mod compare;
mod facts;
mod load;
mod options;
mod process;
mod progress;
mod report;
mod rpc;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
