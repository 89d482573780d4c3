//! Starts again on what a run left, and compares it with what may be there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use proto::etcd::{AlarmType, RangeRequest, RangeResponse};
use proto::mvcc::KeyValue;
use proto::store::Command;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use store_engine::{Engine, Memory};
use store_log::{RealDisk, View};
use store_machine::{Genesis, Limits, Machine, Stamp};
use store_model::Model;
use store_node::{Folder, IdentityStore, Member};
use store_rocks::ReadOnly;

use crate::child::{Run, Said};
use crate::error::{Error, OrFail, Result, equal};
use crate::life::{How, Life, caught_up, config, database, rocks};
use crate::member::{ask, tag};
use crate::script::{Change, Scenario, Step};
use crate::tidy::tidy;

/// A state that the members may be in: every change that was made, and what they make of a store.
#[derive(Clone, Default)]
pub(crate) struct State {
    actions: Vec<Action>,
    model: Model,
}

/// The states that the members may be in: what was under way when they were cut off may have happened or not.
#[derive(Clone)]
pub(crate) struct Belief(Vec<State>);

impl State {
    /// Makes a change; answers the revision after it.
    ///
    /// # Errors
    /// When the change is refused: no script asks for such a one.
    fn change(&mut self, action: Action) -> Result<i64> {
        let command = Command {
            action: Some(action.clone()),
            ..Command::default()
        };
        if let Some(Outcome::Fault(fault)) = self.model.step(1, &command) {
            return Err(Error::new(format!("the model refuses {action:?}: {fault:?}")));
        }
        self.actions.push(action);
        Ok(self.model.revision())
    }

    /// A machine that was given the same changes, for its hashes.
    fn machine(&self) -> Result<Machine> {
        let genesis = Genesis {
            cluster_id: 1,
            ..Genesis::default()
        };
        let engine: Arc<dyn Engine> = Arc::new(Memory::new());
        let mut machine = Machine::open(engine, Some(genesis), Limits::default()).or_fail("open a machine")?;
        let mut run = machine.begin();
        for (action, index) in self.actions.iter().zip(1..) {
            let command = Command {
                action: Some(action.clone()),
                ..Command::default()
            };
            let stamp = Stamp {
                index,
                term: 1,
                now_ms: index,
            };
            run.apply(stamp, &command);
        }
        run.commit(b"").or_fail("commit")?;
        Ok(machine)
    }
}

impl Default for Belief {
    fn default() -> Self {
        Self(vec![State::default()])
    }
}

impl Belief {
    /// What may be there after a run, by what it said.
    ///
    /// # Errors
    /// When what was acknowledged is not what the model answers.
    pub(crate) fn after(&self, scenario: Scenario, run: &Run) -> Result<Self> {
        let mut states = self.0.clone();
        for (number, step) in scenario.steps().iter().enumerate() {
            let Step::Write(changes) = step else { continue };
            if !run.has(&Said::Begin(number)) {
                break;
            }
            let acknowledged = run.said.iter().find_map(|said| match said {
                Said::Ack(step, revisions) if *step == number => Some(revisions),
                _ => None,
            });
            let mut next = Vec::new();
            let mut wrong = String::new();
            for state in states {
                let begun = begin(state, scenario, number, changes)?;
                match (acknowledged, begun.last()) {
                    (Some(revisions), Some((state, answered))) if answered == revisions => next.push(state.clone()),
                    (Some(revisions), Some((_, answered))) => {
                        wrong = format!("step {number} was acknowledged at {revisions:?}, and comes to {answered:?}");
                    }
                    _ => next.extend(begun.into_iter().map(|(state, _)| state)),
                }
            }
            if next.is_empty() {
                return Err(Error::new(wrong));
            }
            states = next;
        }
        Ok(Self(states))
    }
}

/// The states in which none, some or all of the changes were made, in order, with what was answered.
fn begin(state: State, scenario: Scenario, number: usize, changes: &[Change]) -> Result<Vec<(State, Vec<i64>)>> {
    let revision = state.model.revision();
    let mut states = vec![(state.clone(), Vec::new())];
    let (mut state, mut answered) = (state, Vec::new());
    for (at, change) in changes.iter().enumerate() {
        answered.push(state.change(change.action(&tag(scenario, number, at), revision))?);
        states.push((state.clone(), answered.clone()));
    }
    Ok(states)
}

/// Starts again on what a run left, twice, and compares.
///
/// # Errors
/// What is not as it must be.
pub(crate) fn check(scenario: Scenario, folder: &Path, belief: &Belief) -> Result<()> {
    // A cluster that was forced is a cluster like any other.
    let scenario = if scenario == Scenario::Force {
        Scenario::Again
    } else {
        scenario
    };
    let members = scenario.members();
    (0..members).try_for_each(|number| look(folder, number, scenario))?;
    let marker = Change::Put {
        key: "marker",
        bytes: 10,
        lease: 0,
    };
    let found = serves(scenario, folder, |life| {
        let mut found = compare(&life.members, &belief.0)?;
        let action = marker.action("marker", found.model.revision());
        let [first, ..] = &life.members[..] else {
            return Err(Error::new("nobody runs"));
        };
        life.run(ask(first, action.clone())).or_fail("write after the start")?;
        found.change(action)?;
        if let [first, second] = &life.members[..] {
            life.run(caught_up(first, second))?;
        }
        compare(&life.members, std::slice::from_ref(&found))
    })
    .or_fail("the first start")?;
    for number in 0..members {
        tidy(folder, number, scenario).or_fail("after the first start")?;
        verify(folder, number, scenario, &found).or_fail("after the first start")?;
    }
    let same = serves(scenario, folder, |life| compare(&life.members, &[found]));
    same.or_fail("the second start")?;
    (0..members).try_for_each(|number| tidy(folder, number, scenario).or_fail("after the second start"))
}

/// Starts the members, looks, and ends them in order.
fn serves(scenario: Scenario, folder: &Path, look: impl FnOnce(&Life) -> Result<State>) -> Result<State> {
    let fatal: Arc<Mutex<Option<String>>> = Arc::default();
    let told = Arc::clone(&fatal);
    let how = How {
        scenario,
        plan: None,
        on_fatal: Arc::new(move |reason: &str| {
            told.lock().get_or_insert_with(|| reason.to_owned());
        }),
    };
    let life = Life::start(folder, &how)?;
    let found = look(&life);
    life.stop();
    match fatal.lock().take() {
        Some(reason) => Err(Error::new(format!("a member cannot go on: {reason}"))),
        None => found,
    }
}

/// Compares each member with the states; answers the one that all are in.
fn compare(members: &[Member], states: &[State]) -> Result<State> {
    // Whoever came second came as a learner.
    let cluster: BTreeMap<u64, bool> = (0..).zip(members).map(|(n, member)| (member.id(), n > 0)).collect();
    members.iter().try_for_each(|member| around(member, &cluster))?;
    let mut differences = Vec::new();
    for state in states {
        match members.iter().try_for_each(|member| same(member, state)) {
            Ok(()) => return Ok(state.clone()),
            Err(error) => differences.push(error.0),
        }
    }
    let states = differences.len();
    let text = differences.join("\n  or ");
    Err(Error::new(format!("it is in none of {states} states:\n  {text}")))
}

/// Beside keys and leases there are those who run, and nothing that no run asks for: no alarm, and no users.
fn around(member: &Member, cluster: &BTreeMap<u64, bool>) -> Result<()> {
    let state = member.reader().state();
    let members = state.members.iter().map(|member| (member.id, member.is_learner));
    equal("the cluster, by id and whether it learns", &members.collect(), cluster)?;
    equal("the alarms", state.alarms.list(AlarmType::None), Vec::new())?;
    equal("authentication", state.auth.enabled(), false)
}

fn same(member: &Member, wanted: &State) -> Result<()> {
    let (reader, model) = (member.reader(), &wanted.model);
    let (state, view) = (reader.state(), reader.mvcc().view());
    equal("the revision", state.revision, model.revision())?;
    equal("the compaction", state.compacted, model.compacted())?;
    for revision in model.compacted().max(1)..=model.revision() {
        let request = RangeRequest {
            key: Bytes::from_static(b"\0"),
            range_end: Bytes::from_static(b"\0"),
            revision,
            ..RangeRequest::default()
        };
        let found = view.range(&request).or_fail("read")?;
        let wanted = model.range(&request);
        let wanted = wanted.map_err(|fault| Error::new(format!("the model refuses a range: {fault:?}")))?;
        equal(&format!("revision {revision}"), values(&found)?, values(&wanted)?)?;
    }
    let leases: Vec<_> = state
        .leases
        .iter()
        .map(|lease| (lease.id(), lease.ttl(), lease.keys().cloned().collect::<Vec<_>>()))
        .collect();
    let expected: Vec<_> = model
        .leases
        .iter()
        .map(|(id, lease)| (*id, lease.ttl, model.keys_of(*id)))
        .collect();
    equal("the leases", leases, expected)?;
    let beside = wanted.machine()?.reader();
    equal("the rolling hash", state.hash, beside.state().hash)?;
    let hash = |view: store_mvcc::View| view.hash_kv(0).or_fail("hash");
    equal("HashKV", hash(view)?, hash(beside.mvcc().view())?)
}

fn values(response: &RangeResponse) -> Result<Vec<KeyValue>> {
    let values = response.kvs.iter().map(proto::Encoded::decode);
    values.collect::<std::result::Result<_, _>>().or_fail("decode a key")
}

/// The log of a member that does not run; none before it knows who it is.
pub(crate) fn log(place: &Folder) -> Result<Option<View>> {
    let Some(identity) = place.load().or_fail("read the identity")? else {
        return Ok(None);
    };
    let disk = RealDisk::open_read_only(place.log()).or_fail("look at the log")?;
    let log = View::open(&disk, identity.cluster_id, identity.member_id);
    log.map(Some).or_fail("look at the log")
}

/// The first index that was not purged from a log.
pub(crate) fn begins(log: &View) -> u64 {
    log.first().or(log.last().map(|last| last + 1)).unwrap_or(0)
}

/// Looks at what lies there before anything mends it: what was purged from the log is in the database.
fn look(folder: &Path, number: usize, scenario: Scenario) -> Result<()> {
    let place = Folder::find(&config(folder, number, scenario)).or_fail("find the folder")?;
    let Some(log) = log(&place)? else { return Ok(()) };
    let engine: Arc<dyn Engine> = Arc::new(ReadOnly::open(place.db(), rocks()).or_fail("look at the database")?);
    let machine = Machine::open(engine, None, Limits::default()).or_fail("look at the database")?;
    let (applied, _) = machine.applied();
    let first = begins(&log);
    if first > applied + 1 {
        let text = format!("the log begins at {first}, and the database has only what is before {applied}");
        return Err(Error::new(text));
    }
    Ok(())
}

/// Reads all that the database holds and compares it with its index.
fn verify(folder: &Path, number: usize, scenario: Scenario, wanted: &State) -> Result<()> {
    let machine = Machine::open(database(folder, number, scenario)?, None, Limits::default());
    let machine = machine.or_fail("open the machine")?;
    machine.verify().or_fail("verify")?;
    equal(
        "the revision on disk",
        machine.reader().state().revision,
        wanted.model.revision(),
    )
}
