//! Puts to watched keys, and the events that come of them.

use anyhow::ensure;
use async_trait::async_trait;
use clap::Args;

use super::streams::{Streams, Wish};
use crate::bench::Bench;
use crate::load::{Order, Plan, drive};
use crate::report::{Latency, Outcome, figure};
use crate::workload::Workload;
use crate::workload::fill::fill;
use crate::workload::put::{Putter, STAMP_BYTES};

/// Deliver events to many watchers: as many as they can take, or at a rate
#[derive(Clone, Debug, Args)]
pub(crate) struct WatchFanout {
    /// How many watchers there are
    #[arg(long, default_value_t = 1000)]
    watchers: usize,
    /// Over how many streams they are spread
    #[arg(long, default_value_t = 10)]
    streams: usize,
    #[command(flatten)]
    what: What,
}

/// Time from a put to its event, with puts at a rate that leaves the servers idle (100 a second without --rate)
#[derive(Clone, Debug, Args)]
pub(crate) struct WatchLatency {
    /// How many watchers there are
    #[arg(long, default_value_t = 1)]
    watchers: usize,
    /// Over how many streams they are spread
    #[arg(long, default_value_t = 1)]
    streams: usize,
    #[command(flatten)]
    what: What,
}

#[derive(Clone, Debug, Args)]
struct What {
    /// Spread the watchers over so many keys, and put to those (default: all watch the prefix, and --keys are put)
    #[arg(long)]
    watched_keys: Option<u64>,
    /// Ask for the value before each change
    #[arg(long)]
    prev_kv: bool,
}

/// Puts a second when only the time of each event matters.
const QUIET_RATE: f64 = 100.0;

#[async_trait]
impl Workload for WatchFanout {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        deliver(bench, self.watchers, self.streams, &self.what, bench.plan.rate).await
    }
}

#[async_trait]
impl Workload for WatchLatency {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        let rate = bench.plan.rate.or(Some(QUIET_RATE));
        deliver(bench, self.watchers, self.streams, &self.what, rate).await
    }
}

impl What {
    /// What each watcher watches, stream by stream.
    fn wishes(&self, bench: &Bench, watchers: usize, streams: usize) -> Vec<Vec<Wish>> {
        let keys = &bench.keys;
        let mut wishes = vec![Vec::new(); streams];
        for watcher in 0..watchers {
            let (key, end) = match self.watched_keys {
                Some(watched) => (keys.key(watcher as u64 % watched), Vec::new()),
                None => (keys.prefix().to_vec(), keys.end()),
            };
            wishes[watcher % streams].push(Wish {
                key,
                end,
                prev_kv: self.prev_kv,
                progress_notify: false,
            });
        }
        wishes
    }
}

async fn deliver(
    bench: &Bench,
    watchers: usize,
    streams: usize,
    what: &What,
    rate: Option<f64>,
) -> anyhow::Result<Outcome> {
    let groups = what.watched_keys.unwrap_or(1);
    ensure!(
        streams > 0 && watchers >= streams,
        "give at least one watcher for each stream"
    );
    ensure!(
        groups > 0 && (watchers as u64).is_multiple_of(groups),
        "--watchers must be a multiple of --watched-keys, so that each put has equally many events"
    );
    ensure!(
        bench.values.size >= STAMP_BYTES,
        "values carry the time of their put: give --value-size of at least {STAMP_BYTES}"
    );
    let mut keys = bench.keys.clone().ordered(Order::Sequential);
    if let Some(watched) = what.watched_keys {
        keys.count = watched;
    }
    fill(bench, &keys, &bench.values).await?;
    let wishes = what.wishes(bench, watchers, streams);
    let open = Streams::open(bench, &wishes, None).await?;
    // Every event counts, so every put does.
    let plan = Plan {
        warmup: std::time::Duration::ZERO,
        rate,
        ..bench.plan.clone()
    };
    let meter = bench.meter.begin();
    let began = std::time::Instant::now();
    let putters = bench
        .callers()
        .map(|caller| Putter::new(caller, &keys, &bench.values).stamped(open.from));
    let loaded = drive(&bench.stage(), &plan, 1, putters.collect()).await?;
    let puts = loaded.classes[0].len() - loaded.unsent;
    let delivered = open.finish(puts * (watchers as u64 / groups)).await?;
    let used = meter.end();
    let mut outcome = Outcome::of(loaded, &plan, &["put"]);
    let seconds = delivered.last.saturating_duration_since(began).as_secs_f64();
    outcome.used = used;
    outcome.set_memory_figures();
    outcome.set(figure::EVENTS_PER_SECOND, delivered.events as f64 / seconds);
    if !outcome.used.servers.is_empty() {
        let millions = delivered.events as f64 / 1e6;
        outcome.set(figure::CPU_PER_MILLION_EVENTS, outcome.used.cpu_seconds() / millions);
    }
    outcome.set(
        figure::GENERATOR_CPU_PER_1000,
        outcome.used.generator_cpu_seconds * 1000.0 / puts as f64,
    );
    outcome.seconds = seconds.max(outcome.seconds);
    outcome.set_latency("event", Latency::of(&delivered.times));
    Ok(outcome)
}
