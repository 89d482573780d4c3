//! The world of one run: it moves time, lets packets arrive and members run, breaks things and puts them right, and looks
//! whether everything still holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jepsen_check::history::{History, Phase};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use store_node::Caller;

use crate::clients::{self, Recorder};
use crate::faults::{Fault, Ground, Kind};
use crate::invariants::{Invariants, Seen};
use crate::judge;
use crate::net::Net;
use crate::node::{Crash, Home, Node};
use crate::plan::Plan;
use crate::trace::Trace;
use crate::{Failure, Report};

/// The step of time. Nothing happens between members in less.
const QUANTUM: Duration = Duration::from_millis(1);
/// How long a cluster may take from its first start to its first leader, and after the last fault until all is well.
const PATIENCE: Duration = Duration::from_secs(60);
/// After all is well: until the answers to what was asked last have come.
const SETTLE: Duration = Duration::from_secs(4);
/// Leases that nobody renews must end within this: the longest lives five seconds.
const LEASES_END: Duration = Duration::from_secs(8);
/// A line of each member is written so often.
const LINES_EVERY: Duration = Duration::from_secs(1);
/// A process that ended by itself is started again after so long.
const RESTART: Duration = Duration::from_millis(900);
/// Most faults at once.
const MOST: usize = 3;

/// A fault that is on.
struct Active {
    kind: Kind,
    fault: Box<dyn Fault>,
    until: Duration,
}

/// Nobody else may run beside the thread of a run: what another thread did would come when it likes.
fn alone() -> Result<(), Failure> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let named = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    // Runtimes call all their threads so.
    match named.filter(|name| name.starts_with("tokio")).count() {
        0 => Ok(()),
        count => Err(Failure::Harness(format!("{count} threads of runtimes ran beside"))),
    }
}

/// Everything there is.
pub(crate) struct World {
    plan: Plan,
    net: Net,
    nodes: Vec<Node>,
    random: StdRng,
    now: Duration,
    recorder: Recorder,
    trace: Trace,
    invariants: Invariants,
    active: Vec<Active>,
    next_fault: Duration,
    lines_at: Duration,
    /// The life of each node's process that clients were started for.
    served: Vec<u64>,
    /// When a process that ended by itself is started again.
    restart: Vec<Option<Duration>>,
    faults: u64,
}

impl World {
    pub(crate) fn new(seed: u64, trace: Option<std::fs::File>) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let plan = Plan::draw(&mut random);
        let net = Net::new(random.random());
        let homes = (0..plan.members).map(|number| Home::new(plan.config(number), plan.segment_bytes));
        let nodes: Vec<Node> = homes
            .enumerate()
            .map(|(number, home)| Node::new(number, home))
            .collect();
        let mut trace = Trace::new(trace);
        trace.line(Duration::ZERO, &format!("{plan:?}"));
        Self {
            recorder: Recorder::new(net.clone()),
            served: vec![0; nodes.len()],
            restart: vec![None; nodes.len()],
            plan,
            net,
            nodes,
            random,
            now: Duration::ZERO,
            trace,
            invariants: Invariants::default(),
            active: Vec::new(),
            next_fault: Duration::ZERO,
            lines_at: Duration::ZERO,
            faults: 0,
        }
    }

    /// The whole run.
    pub(crate) fn run(mut self) -> Report {
        let failure = self.live().and_then(|()| alone()).err();
        if let Some(failure) = &failure {
            self.trace.line(self.now, &format!("{failure}"));
        }
        Report {
            simulated: self.now,
            operations: self.recorder.len() as u64,
            faults: self.faults,
            packets: self.net.carried(),
            checked: self.invariants.checked,
            purges: self.invariants.purges.purged,
            installs: self.invariants.purges.installed,
            hash: self.trace.hash(),
            trace_lost: self.trace.lost(),
            history: self.recorder.lines(),
            failure,
        }
    }

    fn live(&mut self) -> Result<(), Failure> {
        for number in 0..self.nodes.len() {
            self.ground(|ground| ground.start(number));
        }
        self.until("a leader after the first start", |world, seen| {
            world.nodes.len() == seen.len() && seen.iter().any(|one| one.status.leads())
        })?;
        self.pass(Duration::from_secs(1), false)?;
        self.pass(self.plan.trouble, true)?;
        self.heal()?;
        self.until("convergence after the last fault", Self::is_well)?;
        self.probe()?;
        self.recorder.quiet();
        self.pass(SETTLE, false)?;
        self.within(LEASES_END, "end of all leases", |_, seen| {
            seen.iter().all(|one| one.tables.leases.is_empty())
        })?;
        self.until("the same state everywhere", |world, seen| {
            let same = |one: &Seen| one.applied == seen[0].applied && one.state == seen[0].state;
            seen.len() == world.nodes.len() && seen.iter().all(same)
        })?;
        self.tell_all()?;
        self.invariants
            .read_revisions(&self.nodes)
            .map_err(Failure::Invariant)?;
        self.judge()
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration, trouble: bool) -> Result<(), Failure> {
        let end = self.now + time;
        while self.now < end {
            self.step(trouble)?;
        }
        Ok(())
    }

    /// Lets time pass until something is so.
    fn until(&mut self, what: &'static str, holds: impl Fn(&Self, &[Seen]) -> bool) -> Result<(), Failure> {
        self.within(PATIENCE, what, holds)
    }

    /// Lets time pass until something is so, which must be before this much has passed.
    fn within(
        &mut self,
        limit: Duration,
        what: &'static str,
        holds: impl Fn(&Self, &[Seen]) -> bool,
    ) -> Result<(), Failure> {
        let end = self.now + limit;
        loop {
            let seen = self.step(false)?;
            if holds(self, &seen) {
                return Ok(());
            }
            if self.now >= end {
                let states: Vec<String> = seen
                    .iter()
                    .map(|one| format!("node {}: {:?}", one.node, one.status))
                    .collect();
                let ended = self
                    .nodes
                    .iter()
                    .filter_map(|node| Some(format!("node {}: {}", node.number, node.ended()?)));
                let ended: Vec<String> = ended.collect();
                let text = format!("no {what} in {limit:?}: {}; {}", states.join("; "), ended.join("; "));
                return Err(Failure::Liveness(text));
            }
        }
    }

    /// One quantum: packets arrive, everybody runs, things break or are put right, and all rules are checked.
    fn step(&mut self, trouble: bool) -> Result<Vec<Seen>, Failure> {
        self.now += QUANTUM;
        self.net.advance(self.now.as_micros() as u64);
        for node in &mut self.nodes {
            node.step(QUANTUM);
        }
        self.attend()?;
        self.repair();
        if trouble && self.now >= self.next_fault {
            self.break_something();
        }
        let seen = self
            .invariants
            .check(&self.nodes, self.now)
            .map_err(Failure::Invariant)?;
        let all = self.now >= self.lines_at;
        if all {
            self.lines_at = self.now + LINES_EVERY;
        }
        self.trace.members(self.now, &seen, all);
        Ok(seen)
    }

    /// Gives members that came up their clients, and starts processes again that ended by themselves, if they may.
    fn attend(&mut self) -> Result<(), Failure> {
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            if let Some(task) = node.panicked() {
                return Err(Failure::Invariant(format!("panic: the task {task} of node {at}")));
            }
            if node.home.is_damaged && node.member().is_some() {
                return Err(Failure::Invariant(format!("damage: node {at} starts on a damaged log")));
            }
            if let Some(reason) = node.ended() {
                match self.restart[at] {
                    None => {
                        if !node.may_end() {
                            return Err(Failure::Invariant(format!("end: node {at} ended by itself: {reason}")));
                        }
                        self.restart[at] = Some(self.now + RESTART);
                        self.trace.line(self.now, &format!("node {at} ended: {reason}"));
                    }
                    Some(when) if self.now >= when && !self.held(at) => {
                        self.ground(|ground| {
                            ground.crash(at, Crash::Kill);
                            ground.start(at);
                        });
                        self.restart[at] = None;
                    }
                    Some(_) => {}
                }
            } else {
                self.restart[at] = None;
                let is_asked_of = |one: &Active| one.kind == Kind::Replace;
                if node.member().is_some() && !self.active.iter().any(is_asked_of) {
                    self.nodes[at].home.is_replaced = false;
                }
                let node = &self.nodes[at];
                let life = node.lives();
                if let Some(member) = node.member().filter(|_| self.served[at] != life) {
                    self.served[at] = life;
                    clients::start(node, &member, &self.recorder, &mut self.random, self.plan.load);
                }
            }
        }
        Ok(())
    }

    /// A fault will see to the node itself.
    fn held(&self, node: usize) -> bool {
        self.active.iter().any(|active| active.fault.holds() == Some(node))
    }

    /// Every watch that is open must tell all there is to tell.
    fn tell_all(&mut self) -> Result<(), Failure> {
        let look = |node: &Node| node.look(|member| member.reader().state().revision);
        let revision = self.nodes.iter().filter_map(look).max().unwrap_or(0);
        self.recorder.finish(revision);
        let all = self.nodes.len() * self.plan.load.watchers;
        self.until("word of everything by every watch", move |world, _| {
            world.recorder.told() == all
        })
    }

    /// Works on the cluster as faults do.
    fn ground<T>(&mut self, work: impl FnOnce(&mut Ground<'_>) -> T) -> T {
        work(&mut Ground {
            plan: &self.plan,
            net: &self.net,
            nodes: &mut self.nodes,
            random: &mut self.random,
            now: self.now,
        })
    }

    fn break_something(&mut self) {
        let wait = self.random.random_range(50..=self.plan.lull.as_millis() as u64);
        self.next_fault = self.now + Duration::from_millis(wait);
        let free: Vec<Kind> = self.plan.kinds.clone();
        let free: Vec<Kind> = free
            .into_iter()
            .filter(|kind| self.active.iter().all(|one| one.kind != *kind))
            .collect();
        let Some(kind) = free
            .choose(&mut self.random)
            .copied()
            .filter(|_| self.active.len() < MOST)
        else {
            return;
        };
        let mut fault = kind.make();
        let Some(text) = self.ground(|ground| fault.begin(ground)) else {
            return;
        };
        self.faults += 1;
        self.trace.line(self.now, &format!("{} begins: {text}", kind.name()));
        self.recorder.fault(kind.name(), Phase::Begin, text);
        let span = self.random.random_range(kind.span());
        self.active.push(Active {
            kind,
            fault,
            until: self.now + Duration::from_millis(span),
        });
    }

    /// Ends the faults whose time is over.
    fn repair(&mut self) {
        let mut active = std::mem::take(&mut self.active);
        active.retain_mut(|one| {
            let done = self.ground(|ground| one.fault.step(ground));
            if !done || self.now < one.until {
                return true;
            }
            self.ground(|ground| one.fault.end(ground));
            self.trace.line(self.now, &format!("{} ends", one.kind.name()));
            self.recorder.fault(one.kind.name(), Phase::End, String::new());
            false
        });
        self.active = active;
    }

    /// Ends all faults; those that take several steps are waited for.
    fn heal(&mut self) -> Result<(), Failure> {
        for active in &mut self.active {
            active.until = self.now;
        }
        self.until("end of the last fault", |world, _| world.active.is_empty())?;
        self.net.calm();
        self.trace.line(self.now, "all faults are off");
        Ok(())
    }

    /// Everybody is up, follows the same leader, and has applied what he committed but for the last moment: clients still
    /// write.
    fn is_well(&self, seen: &[Seen]) -> bool {
        let Some(leader) = seen.iter().find(|one| one.status.leads()) else {
            return false;
        };
        let status = &leader.status;
        let follows = |one: &Seen| {
            one.status.term == status.term
                && one.status.leader == Some(leader.member)
                && one.applied + 200 >= status.committed
                && status.voters.contains(&one.member)
        };
        seen.len() == self.nodes.len() && !status.changing && seen.iter().all(follows)
    }

    /// A write through each member must go through.
    fn probe(&mut self) -> Result<(), Failure> {
        let done = Arc::new(AtomicUsize::new(0));
        for node in &self.nodes {
            let Some(member) = node.member() else { continue };
            let done = Arc::clone(&done);
            node.spawn(async move {
                // Nothing of it is kept, so that the history need not know of it.
                let request = proto::etcd::DeleteRangeRequest {
                    key: "probe".into(),
                    ..proto::etcd::DeleteRangeRequest::default()
                };
                while let Err(error) = member.delete_range(&Caller::default(), request.clone()).await {
                    tracing::warn!(%error, "the probe was refused");
                    tokio::time::sleep(RESTART).await;
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        let all = self.nodes.len();
        self.until("a write through every member", move |_, _| {
            done.load(Ordering::SeqCst) == all
        })
    }

    fn judge(&self) -> Result<(), Failure> {
        let history =
            History::from_lines(self.recorder.lines()).map_err(|error| Failure::Harness(error.to_string()))?;
        judge::check(&history, &self.invariants.history(), &self.recorder.claims())
    }
}
