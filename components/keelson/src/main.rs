//! The one binary: every component, and a whole cluster in one process.
//!
//! It knows all other crates and none knows it: here options are read, and parts are put together and run. Start
//! reading at [`cli`], which chooses the program.

mod apiserver;
mod certs;
mod cli;
mod error;
mod process;
mod store;
mod store_ctl;
mod up;
mod version;

use std::process::ExitCode;

/// A request is a dozen small allocations, made on one thread and given back on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    match cli::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.code)
        }
    }
}
