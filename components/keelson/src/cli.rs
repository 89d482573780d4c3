//! Which program runs: chosen by the first word of the command line, or by the name the binary is called by.

use std::path::Path;

use clap::{Parser, Subcommand};

use crate::error::{Error, Result};
use crate::{apiserver, certs, store, store_ctl, up};

/// Names of upstream's programs that this binary answers to, and the program that runs then.
const TWINS: &[(&str, &str)] = &[
    ("etcd", "store"),
    ("etcdutl", "store-ctl"),
    ("kube-apiserver", "apiserver"),
];

#[derive(Debug, Parser)]
#[command(
    name = "keelson",
    version,
    about = "A store with etcd's API, and what runs and keeps it."
)]
struct Line {
    #[command(subcommand)]
    program: Program,
}

#[derive(Debug, Subcommand)]
enum Program {
    /// Start a whole cluster here, in this process
    Up(up::Args),
    /// Run one member of the store, with etcd's flags
    #[command(disable_help_flag = true)]
    Store {
        /// etcd's flags; --help lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Work on snapshot files and data folders, with etcdutl's commands
    StoreCtl(store_ctl::Args),
    /// Serve the Kubernetes API, with kube-apiserver's flags
    #[command(disable_help_flag = true)]
    Apiserver {
        /// kube-apiserver's flags; --help lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Make certificates for members and clients
    Certs(certs::Args),
}

/// Runs what `args` (with the program's name first) asks for.
///
/// # Errors
/// What the program ended with; its text and code are for the user.
pub(crate) fn run(args: Vec<String>) -> Result<()> {
    let line = match Line::try_parse_from(with_program(args)) {
        Ok(line) => line,
        Err(told) if !told.use_stderr() => {
            // Help and version come as "errors".
            print!("{told}");
            return Ok(());
        }
        Err(error) => {
            let text = error.to_string();
            return Err(Error::usage(text.strip_prefix("error: ").unwrap_or(&text).trim_end()));
        }
    };
    match line.program {
        Program::Up(args) => up::run(&args),
        Program::Store { flags } => store::run(&flags),
        Program::StoreCtl(args) => store_ctl::run(&args),
        Program::Apiserver { flags } => apiserver::command(&flags),
        Program::Certs(args) => certs::run(&args),
    }
}

/// Puts the program's name where upstream's name was.
fn with_program(mut args: Vec<String>) -> Vec<String> {
    let called = args
        .first()
        .and_then(|name| Path::new(name).file_name()?.to_str())
        .unwrap_or_default();
    if let Some((_, program)) = TWINS.iter().find(|(twin, _)| *twin == called) {
        args.insert(1, (*program).to_owned());
    }
    args
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Line::command().debug_assert();
    }

    #[test]
    fn a_link_with_upstreams_name_runs_its_twin() {
        assert_eq!(
            with_program(words("/usr/bin/etcd --name a")),
            words("/usr/bin/etcd store --name a")
        );
        assert_eq!(
            with_program(words("etcdutl version")),
            words("etcdutl store-ctl version")
        );
        assert_eq!(
            with_program(words("kube-apiserver -h")),
            words("kube-apiserver apiserver -h")
        );
        assert_eq!(with_program(words("keelson up")), words("keelson up"));
    }

    #[test]
    fn all_that_follows_store_is_etcds() {
        let line = Line::try_parse_from(words("keelson store -name a --pre-vote=false -h x")).unwrap();
        let Program::Store { flags } = line.program else {
            panic!("{line:?}")
        };
        assert_eq!(flags, words("-name a --pre-vote=false -h x"));
    }

    #[test]
    fn an_unknown_program_is_a_mistake_of_usage() {
        let error = run(words("keelson stor")).unwrap_err();
        assert_eq!(error.code, 2);
        assert!(error.text.contains("'store'"), "{error}");
    }
}
