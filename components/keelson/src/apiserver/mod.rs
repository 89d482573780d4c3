//! `keelson apiserver`: the Kubernetes API over an etcd store, with kube-apiserver's flags.

mod flags;
mod gates;
mod launch;
mod settings;
mod version;

use base::flags::pflag::Parsed;

use crate::error::{Error, Result};
use crate::process::{self, Signals};
use gates::Gates;
use settings::{DefaultAddress, Logging, Settings};

pub(crate) use launch::{Launched, launch};
pub(crate) use settings::default_address;

const ABOUT: &str = "Serves the Kubernetes API from an etcd store: checks what is written, answers reads and watches
from memory, and is what all other parts of a cluster speak with.

Usage:
  keelson apiserver [flags]
";

/// What the command line asks for.
#[derive(Debug)]
enum Wish {
    /// Print this and end.
    Print(String),
    /// Serve.
    Run(Box<Order>),
}

/// What is needed to serve.
#[derive(Debug)]
struct Order {
    parsed: Parsed,
    gates: Gates,
    logging: Logging,
    version: String,
    /// What the operator should be told once logging works.
    notes: Vec<String>,
}

/// Does what the flags ask for; serves until it is told to end.
///
/// # Errors
/// What is wrong with the flags, or why it could not start or go on.
pub(crate) fn command(args: &[String]) -> Result<()> {
    let order = match wish(args)? {
        Wish::Print(text) => {
            print!("{text}");
            return Ok(());
        }
        Wish::Run(order) => order,
    };
    for note in &order.parsed.notes {
        eprintln!("{note}");
    }
    base::telemetry::init(&order.logging.options())?;
    let (settings, notes) = understand(*order, &default_address)?;
    for note in notes {
        tracing::warn!("{note}");
    }
    run(settings)
}

/// Serves until it is told to end.
///
/// # Errors
/// Why it could not start or go on.
fn run(settings: Settings) -> Result<()> {
    process::block_on(async move {
        let mut signals = Signals::new()?;
        let launched = launch(&settings).await?;
        let failed = tokio::select! {
            _ = signals.next() => None,
            name = launched.failed() => Some(name),
        };
        signals.unless_again(launched.stop()).await;
        match failed {
            None => Ok(()),
            Some(name) => Err(Error::new(format!(
                "the part {name:?} of the apiserver failed; the log says why"
            ))),
        }
    })
}

/// Understands flags of `keelson apiserver` for one that runs inside another program.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn settings(args: &[String]) -> Result<Settings> {
    match wish(args)? {
        Wish::Run(order) => Ok(understand(*order, &default_address)?.0),
        Wish::Print(_) => Err(Error::new("an apiserver inside another program has nothing to print")),
    }
}

/// Reads the flags as far as anything can be said before logging works, in upstream's order.
fn wish(args: &[String]) -> Result<Wish> {
    let parsed = flags::TABLE
        .parse(args)
        .map_err(|error| Error::new(error.to_string()))?;
    let version = version::wish(parsed.text("version")).map_err(Error::new)?;
    if parsed.bool("help") {
        return Ok(Wish::Print(format!("{ABOUT}{}", flags::TABLE.help(columns()))));
    }
    if parsed.rest.iter().any(|word| !word.is_empty()) {
        let words: Vec<String> = parsed.rest.iter().map(|word| format!("{word:?}")).collect();
        return Err(Error::new(format!(
            "\"kube-apiserver\" does not take any arguments, got [{}]",
            words.join(" ")
        )));
    }
    let all = |errors: Vec<String>| Error::new(settings::aggregate(&errors));
    settings::check_versions(&parsed).map_err(all)?;
    let (gates, notes) = Gates::read(&parsed).map_err(all)?;
    let version = match version {
        version::Wish::Print(text) => return Ok(Wish::Print(text)),
        version::Wish::Report(version) => version,
    };
    let logging = Logging::checked(&parsed, &gates).map_err(all)?;
    Ok(Wish::Run(Box::new(Order {
        parsed,
        gates,
        logging,
        version,
        notes,
    })))
}

/// Understands all flags; also what the operator should be told.
fn understand(order: Order, address: DefaultAddress<'_>) -> Result<(Settings, Vec<String>)> {
    let settings = Settings::new(&order.parsed, order.gates, order.version, address);
    let (settings, notes) = settings.map_err(|errors| Error::new(settings::aggregate(&errors)))?;
    Ok((settings, order.notes.into_iter().chain(notes).collect()))
}

/// The width of the terminal that the help goes to; zero if it goes elsewhere.
fn columns() -> usize {
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| size.ws_col.into())
}

#[cfg(test)]
mod tests;
