//! `keelson store-ctl`: work on snapshot files and data folders without a running member, by etcdutl's commands.

mod check;
mod data;
mod hashkv;
mod print;
mod snapshot;

use std::path::PathBuf;

use clap::Subcommand;

use crate::error::Result;
use crate::version;
use print::Format;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How results are printed
    #[arg(short = 'w', long, global = true, value_enum, default_value_t)]
    write_out: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at a snapshot file, or make a data folder from it
    Snapshot {
        #[command(subcommand)]
        command: snapshot::Command,
    },
    /// Read everything that a data folder holds, and say what it is or what is wrong with it
    Check {
        /// The member's --data-dir; the member must be stopped
        data_dir: PathBuf,
        /// The member's --wal-dir, if it has one
        #[arg(long)]
        wal_dir: Option<PathBuf>,
    },
    /// Hash of all keys and their history, as a member would answer it
    Hashkv {
        /// A snapshot file, or the data folder of a stopped member
        path: PathBuf,
        /// Revision up to which is hashed; 0 is the newest
        #[arg(long, default_value_t = 0)]
        rev: i64,
    },
    /// Print the version
    Version,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let text = match &args.command {
        Command::Snapshot { command } => snapshot::run(command, args.write_out)?,
        Command::Check { data_dir, wal_dir } => check::run(data_dir, wal_dir.as_deref())?,
        Command::Hashkv { path, rev } => hashkv::run(path, *rev, args.write_out)?,
        Command::Version => version::store_ctl(),
    };
    print!("{text}");
    Ok(())
}
