//! What clients ask of the member beside them, and the history that comes of it.
//!
//! A client runs inside the process of its member and dies with it: what it had asked stays open in the history.

mod convert;
mod kv;
mod lease;
mod lock;
mod watch;

pub(crate) use convert::event;

use std::sync::Arc;
use std::time::Duration;

use jepsen_check::history::{Call, Line, Phase, Reply, Response};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use store_node::{Caller, Error, Member};

use crate::net::{End, Net};

/// What all clients write to.
#[derive(Clone)]
pub(crate) struct Recorder {
    net: Net,
    lines: Arc<Mutex<Lines>>,
}

#[derive(Default)]
struct Lines {
    all: Vec<Line>,
    processes: u64,
    /// Numbers that values are made of, so that no two are the same.
    values: u64,
    /// Clients begin nothing new.
    quiet: bool,
    /// The last revision there will be, once it is known.
    last: Option<i64>,
    /// How many watches told everything up to it.
    told: usize,
    claims: Vec<Claim>,
}

/// A lock that was somebody's at this revision, as he was told.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) key: String,
    pub(crate) revision: i64,
}

/// How a call ended.
pub(crate) enum Ended {
    Ok {
        revision: Option<i64>,
        term: Option<u64>,
        reply: Reply,
    },
    /// It did not happen.
    Fail(String),
    /// Nobody knows.
    Info(String),
}

impl Recorder {
    pub(crate) fn new(net: Net) -> Self {
        Self {
            net,
            lines: Arc::default(),
        }
    }

    /// Clients stop asking.
    pub(crate) fn quiet(&self) {
        self.lines.lock().quiet = true;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.lines.lock().quiet
    }

    /// This is the last revision: watches may end once they told it.
    pub(crate) fn finish(&self, revision: i64) {
        self.lines.lock().last = Some(revision);
    }

    fn last(&self) -> Option<i64> {
        self.lines.lock().last
    }

    /// How many watches told everything.
    pub(crate) fn told(&self) -> usize {
        self.lines.lock().told
    }

    /// Everything that was written down.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.lock().all.clone()
    }

    /// The locks that were won.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        self.lines.lock().claims.clone()
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.lines.lock().all.len()
    }

    /// Notes what is done to the cluster.
    pub(crate) fn fault(&self, name: &str, phase: Phase, detail: String) {
        let time = self.time();
        self.lines.lock().all.push(Line::Fault {
            time,
            name: name.to_owned(),
            phase,
            // What the simulation does to a cluster takes no time.
            since: None,
            detail,
        });
    }

    fn time(&self) -> u64 {
        self.net.now().as_nanos() as u64
    }

    fn process(&self) -> u64 {
        let mut lines = self.lines.lock();
        lines.processes += 1;
        lines.processes
    }

    fn value(&self) -> String {
        let mut lines = self.lines.lock();
        lines.values += 1;
        format!("v{}", lines.values)
    }
}

/// One client of one member.
pub(crate) struct Client {
    end: End,
    member: Member,
    caller: Caller,
    recorder: Recorder,
    process: u64,
    random: StdRng,
    /// The highest revision it has seen.
    seen: i64,
}

impl Client {
    pub(crate) fn new(end: End, member: Member, recorder: Recorder, seed: u64) -> Self {
        let process = recorder.process();
        Self {
            end,
            member,
            caller: Caller::default(),
            recorder,
            process,
            random: StdRng::seed_from_u64(seed),
            seen: 0,
        }
    }

    /// A process that was left with an open question asks nothing more: the next one is another.
    fn renew(&mut self) {
        self.process = self.recorder.process();
    }

    /// Writes down what is asked, unless it is asked inside a process that is gone for everybody else.
    fn invoke(&self, call: Call) {
        if !self.recorder.net.lives(self.end) {
            return;
        }
        let time = self.recorder.time();
        self.recorder.lines.lock().all.push(Line::Invoke {
            process: self.process,
            time,
            member: Some(format!("node{}", self.end.node)),
            call,
        });
    }

    /// Writes down how the call ended, unless the process that it ran in did not live to see it.
    fn complete(&mut self, ended: Ended) {
        if !self.recorder.net.lives(self.end) {
            return;
        }
        let (process, time) = (self.process, self.recorder.time());
        let unknown = matches!(ended, Ended::Info(_));
        let line = match ended {
            Ended::Ok { revision, term, reply } => {
                self.seen = self.seen.max(revision.unwrap_or(0));
                Line::Ok {
                    process,
                    time,
                    revision,
                    term,
                    reply,
                }
            }
            Ended::Fail(error) => Line::Fail { process, time, error },
            Ended::Info(error) => Line::Info { process, time, error },
        };
        self.recorder.lines.lock().all.push(line);
        if unknown {
            self.renew();
        }
    }

    fn claim(&self, claim: Claim) {
        if self.recorder.net.lives(self.end) {
            self.recorder.lines.lock().claims.push(claim);
        }
    }

    fn respond(&self, response: Response) {
        if self.recorder.net.lives(self.end) {
            let time = self.recorder.time();
            self.recorder.lines.lock().all.push(Line::Response {
                process: self.process,
                time,
                response,
            });
        }
    }

    /// What became of a write that was answered with an error.
    fn failed(error: &Error) -> Ended {
        use proto::fault::Fault;
        let text = error.text();
        match error.fault() {
            Some(
                Fault::KeyNotFound
                | Fault::LeaseNotFound
                | Fault::LeaseExist
                | Fault::Compacted
                | Fault::FutureRevision
                | Fault::TooManyRequests
                | Fault::NoSpace
                | Fault::NotSupportedForLearner
                | Fault::NoLeader,
            ) => Ended::Fail(text),
            _ => Ended::Info(text),
        }
    }

    /// Waits between two questions; false when there are to be no more.
    async fn pause(&mut self, most: Duration) -> bool {
        let wait = self.random.random_range(1..=most.as_millis() as u64);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        !self.recorder.is_quiet()
    }
}

/// The load on one member: its clients, started with it.
pub(crate) fn start(node: &crate::node::Node, member: &Member, recorder: &Recorder, random: &mut StdRng, load: Load) {
    let mut client = || Client::new(node.end(), member.clone(), recorder.clone(), random.random());
    for _ in 0..load.writers {
        node.spawn(kv::run(client(), load.pause));
    }
    for _ in 0..load.watchers {
        node.spawn(watch::run(client()));
    }
    for _ in 0..load.leases {
        node.spawn(lease::run(client()));
    }
    for _ in 0..load.locks {
        node.spawn(lock::run(client()));
    }
}

/// How many clients a member has, and how eager they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) writers: usize,
    pub(crate) watchers: usize,
    pub(crate) leases: usize,
    pub(crate) locks: usize,
    /// The longest pause between two questions.
    pub(crate) pause: Duration,
}
