//! `keelson up`: a whole cluster in one process, with nothing to configure.

mod kubernetes;
mod plan;

use std::path::PathBuf;

use base::telemetry::{Format, LogOptions};
use futures_util::future::{join_all, select_all, try_join_all};

use crate::error::{Error, Result};
use crate::process::{self, Signals};
use crate::{apiserver, store};
use kubernetes::Kubernetes;
use plan::Plan;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many members (default: as many as the data folder has, 1 in a new one)
    #[arg(long)]
    members: Option<usize>,
    /// Folder of all members' data; made if absent, gone on from if not
    #[arg(long, default_value = "keelson.data")]
    data_dir: PathBuf,
    /// First port; each member takes two, then comes the apiserver's (default: 2379 and 2380, 22379 and 22380, 32379 and
    /// 32380, ..., and 6443)
    #[arg(long)]
    port_base: Option<u16>,
    /// Only the store, without an apiserver
    #[arg(long)]
    store_only: bool,
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
    let plan = Plan::settle(&args.data_dir, args.members, args.port_base, args.store_only)?;
    plan.check_ports()?;
    base::telemetry::init(&log)?;
    plan.save()?;
    process::block_on(cluster(&plan))
}

async fn cluster(plan: &Plan) -> Result<()> {
    let mut signals = Signals::new()?;
    let mut running = Running::default();
    let outcome = tokio::select! {
        outcome = running.start_and_wait(plan) => outcome,
        _ = signals.next() => Ok(()),
    };
    println!("Stopping ...");
    signals.unless_again(running.stop()).await;
    if outcome.is_ok() {
        println!("Stopped. The data are in {}.", plan.dir.display());
    }
    outcome
}

/// What runs.
#[derive(Default)]
struct Running {
    members: Vec<store::Launched>,
    api: Option<apiserver::Launched>,
}

impl Running {
    async fn start_and_wait(&mut self, plan: &Plan) -> Result<()> {
        for flags in plan.flags() {
            self.members.push(store::launch(&store::settings(&flags)?).await?);
        }
        // All at once: none has a leader before most of them run.
        try_join_all(self.members.iter_mut().map(store::Launched::serve)).await?;
        if let Some(port) = plan.api() {
            let kubernetes = Kubernetes::new(&plan.dir, port);
            kubernetes.prepare()?;
            let settings = apiserver::settings(&kubernetes.flags(&plan.endpoints()))?;
            let api = self.api.insert(apiserver::launch(&settings).await?);
            api.ready().await;
        }
        print!("{}", plan.greeting());
        let members = select_all(self.members.iter().map(|member| Box::pin(member.ended())));
        let Some(api) = &self.api else {
            return members.await.0;
        };
        tokio::select! {
            (outcome, _, _) = members => outcome,
            name = api.failed() => Err(Error::new(format!("the part {name:?} of the apiserver failed; the log says why"))),
        }
    }

    /// The apiserver first, as long as its store answers.
    async fn stop(self) {
        if let Some(api) = self.api {
            api.stop().await;
        }
        join_all(self.members.into_iter().map(store::Launched::stop)).await;
    }
}
