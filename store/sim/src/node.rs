//! One node: a disk that survives, and a process on it that starts, runs in steps, and dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::random::Seeded;
use base::task::Tasks;
use parking_lot::Mutex;
use store_engine::Memory;
use store_log::{Executor, MemoryDisk};
use store_node::{Config, LogTuning, Member, MemoryIdentity, Parts, assemble};
use tokio::runtime::{Builder, Runtime};

use crate::clock::{SimClock, Wall};
use crate::net::{End, Net, Number, Port, Wire};

/// What the wall shows when the world begins, in milliseconds since 1970.
const EPOCH: i64 = 1_750_000_000_000;

/// What a process leaves behind.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) identity: MemoryIdentity,
    pub(crate) engine: Memory,
    pub(crate) disk: MemoryDisk,
    pub(crate) config: Config,
    pub(crate) segment_bytes: u64,
    /// A bit of the log is wrong: nobody can read it.
    pub(crate) is_damaged: bool,
    /// The disk refuses to work: a process may end of that.
    pub(crate) is_failing: bool,
    /// Its member is removed, or was added and has not been up yet: it may be refused.
    pub(crate) is_replaced: bool,
}

impl Home {
    /// An empty machine.
    pub(crate) fn new(config: Config, segment_bytes: u64) -> Self {
        Self {
            identity: MemoryIdentity::default(),
            engine: Memory::new(),
            disk: MemoryDisk::new(),
            config,
            segment_bytes,
            is_damaged: false,
            is_failing: false,
            is_replaced: false,
        }
    }
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// `kill -9`: what was written stays, synced or not.
    Kill,
    /// The power goes: what was not synced is lost, kept or torn.
    Power,
}

/// How far a process has come.
#[derive(Clone)]
pub(crate) enum Stage {
    Starting,
    Up(Member),
    /// It refused to start, or was asked to end and did.
    Ended(String),
}

/// A node of the cluster.
pub(crate) struct Node {
    pub(crate) number: Number,
    pub(crate) home: Home,
    /// How many times its process was started.
    boots: u64,
    process: Option<Process>,
    /// What its wall shows at the start of its process.
    wall: Wall,
    /// How much of its own time passes in a thousandth of the world's, in microseconds; 1000 is right.
    pub(crate) rate: u64,
    /// Of its own time, what did not fill a millisecond yet; in nanoseconds.
    carry: u64,
    /// By how much the wall is wrong, in milliseconds.
    pub(crate) wrong_ms: i64,
}

struct Process {
    runtime: Runtime,
    stage: Arc<Mutex<Stage>>,
    fatal: Arc<Mutex<Option<String>>>,
    /// The first of its tasks that panicked; the program would end there.
    panicked: Arc<Mutex<Option<&'static str>>>,
    /// It gets no time.
    paused: bool,
    /// It was asked to end.
    asked: bool,
}

impl Node {
    pub(crate) fn new(number: Number, home: Home) -> Self {
        Self {
            number,
            home,
            boots: 0,
            process: None,
            wall: Arc::new(AtomicI64::new(EPOCH)),
            rate: 1000,
            carry: 0,
            wrong_ms: 0,
        }
    }

    /// This life of its process.
    pub(crate) const fn end(&self) -> End {
        End {
            node: self.number,
            boot: self.boots,
        }
    }

    /// How many lives its process had.
    pub(crate) const fn lives(&self) -> u64 {
        self.boots
    }

    pub(crate) const fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// The member, once it is put together.
    pub(crate) fn member(&self) -> Option<Member> {
        match &*self.process.as_ref()?.stage.lock() {
            Stage::Up(member) => Some(member.clone()),
            Stage::Starting | Stage::Ended(_) => None,
        }
    }

    /// Why its process ended by itself, if it did: a refusal to start, an orderly end, or a failure.
    pub(crate) fn ended(&self) -> Option<String> {
        let process = self.process.as_ref()?;
        if let Some(reason) = process.fatal.lock().clone() {
            return Some(reason);
        }
        match &*process.stage.lock() {
            Stage::Ended(reason) => Some(reason.clone()),
            Stage::Starting | Stage::Up(_) => None,
        }
    }

    /// The task of its process that panicked, if one did.
    pub(crate) fn panicked(&self) -> Option<&'static str> {
        *self.process.as_ref()?.panicked.lock()
    }

    /// Starts a process on what the last one left.
    ///
    /// # Errors
    /// When the runtime cannot be made.
    pub(crate) fn start(&mut self, net: &Net, now: Duration, seed: u64) -> std::io::Result<()> {
        self.boots += 1;
        self.carry = 0;
        let shown = EPOCH + now.as_millis() as i64 + self.wrong_ms;
        self.wall.store(shown, Ordering::SeqCst);
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let (tasks, panicked) = (Tasks::inline(), Arc::new(Mutex::new(None)));
        let (watched, place) = (tasks.clone(), Arc::clone(&panicked));
        runtime.spawn(async move { *place.lock() = Some(watched.failed().await) });
        let stage = Arc::new(Mutex::new(Stage::Starting));
        let fatal = Arc::new(Mutex::new(None));
        let (home, end, net, wall) = (self.home.clone(), self.end(), net.clone(), Arc::clone(&self.wall));
        net.boot(end);
        let (slot, failed, handle) = (Arc::clone(&stage), Arc::clone(&fatal), runtime.handle().clone());
        runtime.spawn(async move {
            let (connect, silenced) = (home.config.election_timeout / 2, net.clone());
            let wire = Arc::new(Wire::new(net.clone(), end, connect));
            let parts = Parts {
                config: home.config,
                identity: Arc::new(home.identity),
                engine: Arc::new(home.engine),
                disk: Arc::new(home.disk),
                log: LogTuning {
                    executor: Executor::Inline,
                    segment_bytes: home.segment_bytes,
                    ..LogTuning::default()
                },
                clock: Arc::new(SimClock::new(wall)),
                random: Arc::new(Seeded::new(seed)),
                transport: wire.clone(),
                peers: wire,
                registry: prometheus::Registry::new(),
                tasks,
                on_fatal: Arc::new(move |reason| {
                    // From here on nobody hears of it any more, as if the process had ended on the spot.
                    silenced.leave(end.node);
                    failed.lock().get_or_insert_with(|| reason.to_owned());
                }),
            };
            let next = match assemble(parts).await {
                Ok(member) => {
                    let port = Port {
                        boot: end.boot,
                        runtime: handle,
                        member: member.clone(),
                    };
                    net.listen(end.node, port);
                    Stage::Up(member)
                }
                Err(error) => Stage::Ended(error.to_string()),
            };
            *slot.lock() = next;
        });
        self.process = Some(Process {
            runtime,
            stage,
            fatal,
            panicked,
            paused: false,
            asked: false,
        });
        Ok(())
    }

    /// Gives the process its share of `quantum` of the world's time.
    pub(crate) fn step(&mut self, quantum: Duration) {
        self.carry += quantum.as_micros() as u64 * self.rate;
        let share = Duration::from_millis(self.carry / 1_000_000);
        let Some(process) = self.process.as_ref().filter(|process| !process.paused) else {
            return;
        };
        if share.is_zero() {
            return;
        }
        self.carry %= 1_000_000;
        let _inside = tracing::error_span!("node", number = self.number).entered();
        process.runtime.block_on(async move { tokio::time::sleep(share).await });
    }

    /// Runs something on the member's own runtime.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(process) = &self.process {
            process.runtime.spawn(work);
        }
    }

    /// Looks at the member with its clock at hand.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Member) -> T) -> Option<T> {
        let member = self.member()?;
        let _inside = self.process.as_ref()?.runtime.enter();
        Some(look(&member))
    }

    /// Gives it no time any more, as SIGSTOP does.
    pub(crate) fn pause(&mut self) {
        if let Some(process) = &mut self.process {
            process.paused = true;
        }
    }

    /// Lets it go on. Its clocks ran meanwhile: it sees the time jump.
    pub(crate) fn resume(&mut self) {
        let Some(process) = self.process.as_mut().filter(|process| process.paused) else {
            return;
        };
        process.paused = false;
        let missed = Duration::from_millis(self.carry / 1_000_000);
        self.carry %= 1_000_000;
        process
            .runtime
            .block_on(async move { tokio::time::advance(missed).await });
    }

    /// Whether its process may end: it was asked to, or what it stands on is broken.
    pub(crate) fn may_end(&self) -> bool {
        let asked = self.process.as_ref().is_some_and(|process| process.asked);
        asked || self.home.is_damaged || self.home.is_failing || self.home.is_replaced
    }

    /// Asks the member to leave in order.
    pub(crate) fn stop(&mut self) {
        let (Some(member), Some(process)) = (self.member(), &mut self.process) else {
            return;
        };
        process.asked = true;
        let stage = Arc::clone(&process.stage);
        process.runtime.spawn(async move {
            member.shutdown().await;
            *stage.lock() = Stage::Ended("stopped".to_owned());
        });
    }

    /// Ends the process at once; `choose(n)` decides what becomes of what was not synced.
    pub(crate) fn crash(&mut self, net: &Net, how: Crash, choose: &mut dyn FnMut(u64) -> u64) {
        net.leave(self.number);
        drop(self.process.take());
        self.home.engine.crash();
        match how {
            Crash::Kill => self.home.disk.kill(),
            Crash::Power => self.home.disk.crash(choose),
        }
    }

    /// Sets the wall, by so many milliseconds from where it is.
    pub(crate) fn jump(&mut self, by_ms: i64) {
        self.wrong_ms += by_ms;
        self.wall.fetch_add(by_ms, Ordering::SeqCst);
    }
}
