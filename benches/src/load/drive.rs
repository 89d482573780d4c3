//! Clients side by side, each sending its next request when the last was answered, or when one is due.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use base::task::{Handle, Tasks};
use hdrhistogram::Histogram;
use parking_lot::Mutex;

use super::{Pace, Recorder};
use crate::process::{Meter, Used};
use crate::progress::Progress;
use crate::report::Sample;
use crate::rpc::Fault;

/// A server that answers nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(60);
/// After an error a client waits so long, so that errors are not counted as a throughput.
const PAUSE: Duration = Duration::from_millis(10);
/// How often the running load is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How much load, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Ends after so many requests.
    pub(crate) total: Option<u64>,
    /// Ends after this time.
    pub(crate) duration: Option<Duration>,
    /// What is sent in this time at the beginning does not count.
    pub(crate) warmup: Duration,
    /// Requests a second over all clients; `None` is a closed loop.
    pub(crate) rate: Option<f64>,
}

impl Plan {
    /// How it is told in reports.
    pub(crate) fn describe(&self) -> String {
        match self.rate {
            Some(rate) => format!("open loop, {rate} a second; latency counts from when a request was due"),
            None => {
                "closed loop; latency counts from sending, so requests that a stall kept from being sent do not count"
                    .to_owned()
            }
        }
    }
}

/// What a load runs on.
#[derive(Clone)]
pub(crate) struct Stage {
    /// Where its clients live.
    pub(crate) tasks: Tasks,
    /// Whose processes are measured.
    pub(crate) meter: Meter,
    /// Where it shows how far it is.
    pub(crate) progress: Progress,
}

/// The turn to send a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// How many requests all clients had sent before.
    pub(crate) number: u64,
    /// When it was due; in a closed loop that is now.
    pub(crate) due: Instant,
}

/// One client: what it sends, one request after another.
pub(crate) trait Client: Send + 'static {
    /// Sends the next request and waits for its answer.
    fn step(&mut self, turn: Turn) -> impl Future<Output = Result<Done, Fault>> + Send;
}

/// An answered request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    /// Which histogram its time goes to.
    pub(crate) class: usize,
    /// Bytes of keys and values that it wrote.
    pub(crate) bytes_put: u64,
    /// Keys that it returned or wrote.
    pub(crate) items: u64,
}

/// What came of it.
pub(crate) struct Loaded {
    /// From the end of the warm-up to the last answer.
    pub(crate) seconds: f64,
    /// Times by class.
    pub(crate) classes: Vec<Histogram<u64>>,
    /// Errors by text.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Requests that were due and never sent, because the server did not keep up.
    pub(crate) unsent: u64,
    pub(crate) bytes_put: u64,
    pub(crate) items: u64,
    pub(crate) used: Used,
    pub(crate) series: Vec<Sample>,
}

struct Shared {
    recorder: Recorder,
    record_from: Instant,
    deadline: Option<Instant>,
    total: Option<u64>,
    pace: Option<Pace>,
    turn: AtomicU64,
    taken: AtomicU64,
    stopped: AtomicBool,
    answered: AtomicU64,
    bytes_put: AtomicU64,
    items: AtomicU64,
    unsent: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Shared {
    fn new(plan: &Plan, classes: usize) -> anyhow::Result<Self> {
        let start = Instant::now();
        let record_from = start + plan.warmup;
        let duration = match (plan.total, plan.duration) {
            (None, None) => bail!("give a load an end: --total or --duration"),
            (_, duration) => duration,
        };
        let pace = plan.rate.map(|rate| Pace::start(start, rate));
        Ok(Self {
            recorder: Recorder::new(classes)?,
            record_from,
            deadline: duration.map(|duration| record_from + duration),
            total: plan.total,
            pace: pace.transpose().context("cannot start a thread")?,
            turn: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            bytes_put: AtomicU64::new(0),
            items: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            errors: Mutex::default(),
        })
    }

    /// Waits until a client may send; from when on its time counts. `None` when there is nothing more to send.
    async fn due(&self, client: usize) -> Option<Instant> {
        loop {
            let due = match &self.pace {
                Some(pace) => self.in_time(pace.next()).await?,
                None => Instant::now(),
            };
            if self.stopped.load(Ordering::Relaxed) {
                self.stop();
                return None;
            }
            if self.deadline.is_some_and(|deadline| due >= deadline) {
                self.stop();
                // All turns before this one are taken, and none after it is in time.
                self.pace.iter().for_each(Pace::end);
                return None;
            }
            let counts = due >= self.record_from;
            if counts
                && self
                    .total
                    .is_some_and(|total| self.taken.fetch_add(1, Ordering::Relaxed) >= total)
            {
                self.stop();
                return None;
            }
            let Some(deadline) = self.deadline.filter(|_| self.pace.is_some()) else {
                return Some(due);
            };
            let now = Instant::now();
            if now < deadline {
                return Some(due);
            }
            // It was due in time, and there was no client left to send it: it has waited at least so long.
            if counts {
                self.unsent.fetch_add(1, Ordering::Relaxed);
                self.recorder.record(client, 0, now - due);
            }
        }
    }

    /// The next turn, unless it is so far off that it cannot be in time.
    async fn in_time(&self, next: impl Future<Output = Option<Instant>>) -> Option<Instant> {
        match self.deadline {
            // Turns are released a little after they are due.
            Some(deadline) => tokio::time::timeout_at((deadline + LOOK).into(), next).await.ok()?,
            None => next.await,
        }
    }

    fn keep(&self, client: usize, due: Instant, done: Done) {
        if due >= self.record_from {
            self.recorder.record(client, done.class, due.elapsed());
            self.answered.fetch_add(1, Ordering::Relaxed);
            self.bytes_put.fetch_add(done.bytes_put, Ordering::Relaxed);
            self.items.fetch_add(done.items, Ordering::Relaxed);
        }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(pace) = self.pace.as_ref().filter(|_| self.deadline.is_none()) {
            pace.end();
        }
    }

    fn progress(&self, now: Instant) -> f64 {
        let by_time = self.deadline.map_or(0.0, |deadline| {
            let whole = (deadline - self.record_from).as_secs_f64();
            now.saturating_duration_since(self.record_from).as_secs_f64() / whole.max(1e-9)
        });
        let by_total = self.total.map_or(0.0, |total| {
            self.answered.load(Ordering::Relaxed) as f64 / total.max(1) as f64
        });
        by_time.max(by_total)
    }
}

/// Runs a client; when it had nothing more to send.
async fn run<C: Client>(client_number: usize, mut client: C, shared: Arc<Shared>) -> Result<Instant, Fault> {
    while let Some(due) = shared.due(client_number).await {
        let turn = Turn {
            number: shared.turn.fetch_add(1, Ordering::Relaxed),
            due,
        };
        match client.step(turn).await {
            Ok(done) => shared.keep(client_number, due, done),
            Err(fault @ (Fault::Status { .. } | Fault::Lost(_))) => {
                *shared.errors.lock().entry(fault.to_string()).or_default() += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(fault) => {
                shared.stop();
                return Err(fault);
            }
        }
    }
    Ok(Instant::now())
}

/// Runs the clients until the plan ends.
///
/// # Errors
/// A connection broke, or nothing was answered for a minute.
pub(crate) async fn drive<C: Client>(
    stage: &Stage,
    plan: &Plan,
    classes: usize,
    clients: Vec<C>,
) -> anyhow::Result<Loaded> {
    let shared = Arc::new(Shared::new(plan, classes)?);
    let clients = clients.into_iter().enumerate();
    let handles: Vec<_> = clients
        .map(|(number, client)| {
            let shared = Arc::clone(&shared);
            stage.tasks.spawn_value("client", run(number, client, shared))
        })
        .collect();
    tokio::time::sleep_until(shared.record_from.into()).await;
    let meter = stage.meter.begin();
    let series = look(stage, &shared, &handles).await?;
    let mut ended = shared.record_from;
    for handle in handles {
        ended = ended.max(handle.await.context("a client ended early")??);
    }
    let seconds = (ended - shared.record_from).as_secs_f64();
    let used = meter.end();
    let errors = std::mem::take(&mut *shared.errors.lock());
    Ok(Loaded {
        seconds,
        classes: shared.recorder.take(),
        errors,
        unsent: shared.unsent.load(Ordering::Relaxed),
        bytes_put: shared.bytes_put.load(Ordering::Relaxed),
        items: shared.items.load(Ordering::Relaxed),
        used,
        series,
    })
}

/// Looks at the running load until it ends.
async fn look<T>(stage: &Stage, shared: &Shared, handles: &[Handle<T>]) -> anyhow::Result<Vec<Sample>> {
    let mut series = Vec::new();
    let (mut last, mut changed) = (0, Instant::now());
    let bar = stage.progress.bar();
    for round in 0_u64.. {
        if handles.iter().all(Handle::is_finished) {
            break;
        }
        let now = Instant::now();
        let answered = shared.answered.load(Ordering::Relaxed);
        if answered != last || now < shared.record_from {
            (last, changed) = (answered, now);
        }
        if now - changed > PATIENCE {
            shared.stop();
            bail!("the servers answered nothing for {PATIENCE:?}");
        }
        if round % 5 == 0 {
            series.push(Sample {
                seconds: now.saturating_duration_since(shared.record_from).as_secs_f64(),
                done: answered,
                rss_bytes: stage.meter.rss_bytes(),
            });
        }
        bar.set(shared.progress(now));
        tokio::time::sleep(LOOK).await;
    }
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Bench;

    struct Slow {
        first: bool,
    }

    impl Client for Slow {
        async fn step(&mut self, _: Turn) -> Result<Done, Fault> {
            if std::mem::take(&mut self.first) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok(Done {
                items: 2,
                ..Done::default()
            })
        }
    }

    fn plan(total: Option<u64>, duration: Option<u64>, rate: Option<f64>) -> Plan {
        Plan {
            total,
            duration: duration.map(Duration::from_millis),
            warmup: Duration::ZERO,
            rate,
        }
    }

    async fn run_slow(plan: &Plan) -> Loaded {
        drive(&Bench::unconnected().stage(), plan, 1, vec![Slow { first: true }])
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_stall_counts_for_every_request_that_was_due_meanwhile() {
        let open = run_slow(&plan(Some(100), None, Some(400.0))).await;
        assert_eq!(open.classes[0].len(), 100);
        assert!(
            open.classes[0].value_at_quantile(0.5) > 50_000_000,
            "most waited for the first: {:?}",
            open.classes[0].value_at_quantile(0.5)
        );
        let closed = run_slow(&plan(Some(100), None, None)).await;
        assert_eq!(closed.classes[0].len(), 100);
        assert_eq!(closed.items, 200);
        assert!(closed.classes[0].value_at_quantile(0.5) < 50_000_000);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_turn_that_is_not_in_time() {
        let clients = || (0..20).map(|_| Slow { first: false }).collect();
        let began = Instant::now();
        for rate in [0.01, 10.0] {
            let plan = plan(None, Some(50), Some(rate));
            let loaded = drive(&Bench::unconnected().stage(), &plan, 1, clients()).await.unwrap();
            assert_eq!((loaded.classes[0].len(), loaded.unsent), (1, 0));
        }
        // Twenty clients that each wait for a turn of their own would need two seconds.
        assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn what_was_due_and_not_sent_is_told() {
        let loaded = run_slow(&plan(None, Some(100), Some(100.0))).await;
        assert!(loaded.unsent >= 5, "{}", loaded.unsent);
        assert_eq!(loaded.classes[0].len(), 10);
        assert!(
            Plan {
                ..plan(None, None, None)
            }
            .describe()
            .starts_with("closed loop")
        );
        assert!(Shared::new(&plan(None, None, None), 1).is_err());
    }

    struct Failing;

    impl Client for Failing {
        async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
            if turn.number > 3 {
                return Err(Fault::Broken("gone".to_owned()));
            }
            Err(Fault::Status {
                code: 8,
                message: "too many".to_owned(),
            })
        }
    }

    #[tokio::test]
    async fn a_broken_connection_ends_the_run() {
        let error = drive(
            &Bench::unconnected().stage(),
            &plan(Some(100), None, None),
            1,
            vec![Failing],
        )
        .await
        .err()
        .unwrap();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
