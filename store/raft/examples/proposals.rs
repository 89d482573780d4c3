//! How many puts a second one member takes, without network: `proposals [memory|nosync|sync] [writers] [seconds]`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::clock::SystemClock;
use base::task::Tasks;
use store_engine::Memory;
use store_log::{Disk, Log, LogOptions, MemoryDisk, RealDisk};
use store_machine::{Limits, Machine};
use store_raft::testing::{Channels, CountingSink, node, put};
use store_raft::{Consensus, Options, Parts, Status};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_else(|| "memory".to_owned());
    let writers: u64 = arguments.next().unwrap_or_else(|| "256".to_owned()).parse()?;
    let seconds: u64 = arguments.next().unwrap_or_else(|| "5".to_owned()).parse()?;
    let dir = tempfile::tempdir()?;
    let disk: Arc<dyn Disk> = match kind.as_str() {
        "memory" => Arc::new(MemoryDisk::new()),
        _ => Arc::new(RealDisk::open(dir.path())?),
    };
    let mut log_options = LogOptions::new(1, 1);
    log_options.sync = kind == "sync";
    let engine = Arc::new(Memory::new());
    let tasks = Tasks::new();
    let parts = Parts {
        log: Log::open(disk, log_options)?,
        machine: Machine::open(engine.clone(), None, Limits::default())?,
        engine,
        transport: Channels::default().transport(1),
        effects: Arc::new(CountingSink::default()),
        tasks: tasks.clone(),
        clock: Arc::new(SystemClock::new()),
    };
    let consensus = Consensus::start(Options::new(1, 1), parts).await?;
    consensus.initialize(vec![node(1)]).await?;
    consensus.status().wait_for(Status::leads).await?;
    let (written, slowest) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    for writer in 0..writers {
        let (consensus, written, slowest) = (consensus.clone(), written.clone(), slowest.clone());
        tasks.spawn("writer", async move {
            let mut number = writer;
            while Instant::now() < end {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let begun = Instant::now();
                if consensus
                    .propose(put(format!("key-{:08}", number % 100_000), vec![7; 256]))
                    .await
                    .is_err()
                {
                    return;
                }
                written.fetch_add(1, Ordering::Relaxed);
                slowest.fetch_max(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep_until(end.into()).await;
    let count = written.load(Ordering::Relaxed);
    let rate = count / start.elapsed().as_secs().max(1);
    println!(
        "{kind}: {writers} writers, {rate} puts/s, slowest {} us",
        slowest.load(Ordering::Relaxed)
    );
    tasks.shutdown().await;
    Ok(())
}
