//! How long members need from the start of their processes until they serve, with much data.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use clap::Args;
use rustix::fs::{Advice, fadvise};

use super::Workload;
use super::fill::fill;
use crate::bench::Bench;
use crate::load::Keys;
use crate::process::Cluster;
use crate::report::{Outcome, median};

/// Fill servers with data, end them, and time their start until linearizable reads are served; needs --start
#[derive(Clone, Debug, Args)]
pub(crate) struct Recovery {
    /// GiB of keys and values
    #[arg(long, default_value_t = 1.0)]
    gigabytes: f64,
    /// How often they are started
    #[arg(long, default_value_t = 3)]
    starts: usize,
    /// Drop the data from the page cache before each start, as after a restart of the machine
    #[arg(long)]
    cold: bool,
    /// Ask the servers to end instead of killing them
    #[arg(long)]
    gentle: bool,
}

const GIB: f64 = 1_073_741_824.0;

#[async_trait]
impl Workload for Recovery {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        ensure!(self.starts > 0, "give --starts of at least 1");
        let each = (bench.keys.size() + bench.values.size) as f64;
        let count = (self.gigabytes * GIB / each).ceil().max(1.0) as u64;
        let options = &bench.options;
        let keys = Keys::new(&options.prefix, options.key_size, count, crate::load::Order::Sequential);
        ensure!(
            bench.cluster.is_some(),
            "recovery ends and starts servers, so it cannot use running ones: give --start etcd or --start keelson"
        );
        fill(bench, &keys, &bench.values).await?;
        let cluster = bench.cluster.as_mut().context("there is no cluster")?;
        let mut seconds = Vec::new();
        for _ in 0..self.starts {
            seconds.push(self.restart(cluster).await?);
        }
        let mut outcome = Outcome {
            pacing: format!("{count} keys; seconds of each start: {seconds:.2?}"),
            used: cluster.meter().begin().end(),
            ..Outcome::default()
        };
        // What the processes have used since they were started is what they needed to start.
        outcome.set_memory_figures();
        outcome.set("recovery_seconds", median(&seconds).unwrap_or(0.0));
        outcome.seconds = seconds.iter().sum();
        Ok(outcome)
    }
}

impl Recovery {
    async fn restart(&self, cluster: &mut Cluster) -> anyhow::Result<f64> {
        if self.gentle {
            cluster.stop().await?;
        } else {
            cluster.kill();
        }
        rustix::fs::sync();
        if self.cold {
            for folder in cluster.data() {
                forget(&folder).with_context(|| format!("dropping {} from the page cache", folder.display()))?;
            }
        }
        Ok(cluster.start().await?.as_secs_f64())
    }
}

/// Drops all files below a folder from the page cache; they must be synced.
fn forget(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            forget(&entry.path())?;
        } else {
            fadvise(File::open(entry.path())?, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}
