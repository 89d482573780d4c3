//! `keelson up`: a whole cluster in one process, with nothing to configure.

mod plan;

use std::path::PathBuf;

use base::telemetry::{Format, LogOptions};
use futures_util::future::{join_all, select_all, try_join_all};

use crate::error::Result;
use crate::process::{self, Signals};
use crate::store::{self, Launched};
use plan::Plan;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many members (default: as many as the data folder has, 1 in a new one)
    #[arg(long)]
    members: Option<usize>,
    /// Folder of all members' data; made if absent, gone on from if not
    #[arg(long, default_value = "keelson.data")]
    data_dir: PathBuf,
    /// First port; each member takes two (default: 2379 and 2380, 22379 and 22380, 32379 and 32380, ...)
    #[arg(long)]
    port_base: Option<u16>,
    /// What goes to the standard error stream: debug, info, warn, error, panic or fatal
    #[arg(long, default_value = "error")]
    log_level: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let log = LogOptions {
        level: args.log_level.parse()?,
        format: Format::Console,
        ..LogOptions::default()
    };
    let plan = Plan::settle(&args.data_dir, args.members, args.port_base)?;
    plan.check_ports()?;
    base::telemetry::init(&log)?;
    plan.save()?;
    process::block_on(cluster(&plan))
}

async fn cluster(plan: &Plan) -> Result<()> {
    let mut signals = Signals::new()?;
    let mut members = Vec::new();
    let outcome = tokio::select! {
        outcome = start_and_wait(plan, &mut members) => outcome,
        _ = signals.next() => Ok(()),
    };
    println!("Stopping ...");
    signals
        .unless_again(join_all(members.into_iter().map(Launched::stop)))
        .await;
    if outcome.is_ok() {
        println!("Stopped. The data are in {}.", plan.dir.display());
    }
    outcome
}

async fn start_and_wait(plan: &Plan, members: &mut Vec<Launched>) -> Result<()> {
    for flags in plan.flags() {
        members.push(store::launch(&store::settings(&flags)?).await?);
    }
    // All at once: none has a leader before most of them run.
    try_join_all(members.iter_mut().map(Launched::serve)).await?;
    print!("{}", plan.greeting());
    let (outcome, _, _) = select_all(members.iter().map(|member| Box::pin(member.ended()))).await;
    outcome
}
