//! `keelson store`: one member of the store, with etcd's flags.

mod convert;
mod file;
mod flags;
mod gates;
mod launch;
#[cfg(test)]
mod noise;
#[cfg(debug_assertions)]
mod planted;
mod reader;
mod security;
mod settings;
mod sources;

use crate::error::Result;
use crate::process::{self, Signals};
use crate::version;

pub(crate) use launch::{Launched, launch};
pub(crate) use settings::Settings;

const USAGE: &str = "Usage:

  keelson store [flags]
    Run one member of the store. The flags are etcd's; each can also be given as ETCD_<FLAG> in the environment.

  keelson store --config-file FILE
    The same with all options from a YAML file.

  keelson store --version
    Print the version.
";

/// Runs one member until it is told to end.
///
/// # Errors
/// What is wrong with the options, or why the member could not start or go on.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let unicode = |(key, text): (std::ffi::OsString, std::ffi::OsString)| {
        Some((key.into_string().ok()?, text.into_string().ok()?))
    };
    let environment = std::env::vars_os().filter_map(unicode).collect();
    let options = match sources::read(args, environment)? {
        sources::Wish::Help => {
            print!("{USAGE}{}", flags::TABLE.help());
            return Ok(());
        }
        sources::Wish::Version => {
            print!("{}", version::store());
            return Ok(());
        }
        sources::Wish::Run(options) => options,
    };
    let settings = Settings::new(options)?;
    base::telemetry::init(&settings.log)?;
    #[cfg(debug_assertions)]
    planted::from_environment()?;
    process::block_on(member(&settings))
}

/// The settings of a member from flags alone; how other programs describe the members they start.
///
/// # Errors
/// What is wrong with the flags.
pub(crate) fn settings(args: &[String]) -> Result<Settings> {
    match sources::read(args, Vec::new())? {
        sources::Wish::Run(options) => Settings::new(options),
        _ => Err(crate::error::Error::usage("expected flags of a member")),
    }
}

async fn member(settings: &Settings) -> Result<()> {
    settings.notes.iter().for_each(|note| tracing::warn!("{note}"));
    tracing::info!(
        name = settings.name,
        data_dir = %settings.data_dir.display(),
        peer_urls = ?settings.listen.peer,
        client_urls = ?settings.listen.client,
        initial_cluster = ?settings.cluster.initial,
        version = version::ETCD,
        "starting a member"
    );
    let mut signals = Signals::new()?;
    // A member that joins may wait long for the others.
    let mut launched = tokio::select! {
        launched = launch(settings) => launched?,
        name = signals.next() => {
            tracing::info!(signal = name, "ended before the member ran");
            return Ok(());
        }
    };
    let outcome = tokio::select! {
        outcome = serve(&mut launched) => outcome,
        name = signals.next() => {
            tracing::info!(signal = name, "ending");
            Ok(())
        }
    };
    signals.unless_again(launched.stop()).await;
    tracing::info!("ended");
    outcome
}

async fn serve(launched: &mut Launched) -> Result<()> {
    launched.serve().await?;
    process::notify_ready();
    tracing::info!("ready to serve clients");
    launched.ended().await
}
