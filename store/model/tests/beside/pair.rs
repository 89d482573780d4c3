//! The machine over the memory engine beside the model, and what is compared after each step.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use proptest::{prop_assert, prop_assert_eq};
use proto::etcd::{AlarmType, RangeRequest, RangeResponse, TxnRequest, TxnResponse};
use proto::fault::Fault;
use proto::store::Command;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use store_engine::{Engine, Memory};
use store_machine::{Ask, Effect, Genesis, Limits, Machine, OWN, Stamp, authorize};
use store_model::{CLUSTER, Caller, Model, Wish};
use store_mvcc::{Revision, RevisionBatch, validate};

use crate::generate::{Question, Step, Who};
use crate::watches::Watches;

/// How the model is stepped: rightly, or with one rule changed to see that it is noticed.
pub(crate) type Rule = fn(&mut Model, u64, &Command) -> Option<Outcome>;

/// The rule that is right.
pub(crate) fn right(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    model.step(term, command)
}

/// Takes both through all steps.
pub(crate) fn play(rule: Rule, steps: &[Step]) -> TestCaseResult {
    let mut pair = Pair::new(rule);
    for step in steps {
        pair.step(step)?;
    }
    pair.watches.poll(&pair.machine, &pair.model, &pair.repeated)?;
    prop_assert!(pair.machine.verify().is_ok());
    Ok(())
}

struct Pair {
    rule: Rule,
    engine: Arc<dyn Engine>,
    machine: Machine,
    model: Model,
    index: u64,
    watches: Watches,
    /// Keys that changed more than once in a revision, with it.
    repeated: BTreeSet<(i64, Bytes)>,
}

impl Pair {
    fn new(rule: Rule) -> Self {
        let genesis = Genesis {
            cluster_id: 7,
            ..Genesis::default()
        };
        let engine: Arc<dyn Engine> = Arc::new(Memory::new());
        let machine = Machine::open(Arc::clone(&engine), Some(genesis), Limits::default()).unwrap();
        Self {
            rule,
            engine,
            machine,
            model: Model::default(),
            index: 0,
            watches: Watches::new(),
            repeated: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: &Step) -> TestCaseResult {
        match step {
            Step::Run(term, commands) => self.run(*term, commands),
            Step::Range(who, request) => self.range(*who, request),
            Step::Read(who, request) => self.read(*who, request),
            Step::May(who, question) => self.may(*who, question),
            Step::Watch(request) => self.watches.start(request, &self.machine, &self.model, &self.repeated),
            Step::Poll => self.watches.poll(&self.machine, &self.model, &self.repeated),
            Step::Collect(steps) => self.collect(*steps),
            Step::Reopen => self.reopen(),
        }
    }

    fn run(&mut self, term: u64, commands: &[(Who, Option<Action>)]) -> TestCaseResult {
        let mut run = self.machine.begin();
        for (who, action) in commands {
            self.index += 1;
            let (user, auth_revision) = speaker(*who, self.model.auth.revision);
            let command = Command {
                now_ms: self.index,
                user: user.to_owned(),
                auth_revision,
                origin: 1,
                id: 0,
                action: action.clone(),
            };
            let stamp = Stamp {
                index: self.index,
                term,
                now_ms: self.index,
            };
            let answer = run.apply(stamp, &command).outcome;
            let expected = (self.rule)(&mut self.model, term, &command);
            prop_assert_eq!(answer, expected, "at {:?}", command);
            self.watches.listen(&self.model);
        }
        let effects = run.commit(b"raft").unwrap();
        let reader = self.machine.reader().mvcc();
        let previous = |key: &[u8], revision: Revision| reader.value_at(key, revision).unwrap();
        for effect in &effects {
            match effect {
                Effect::Revision(batch) => {
                    note_repeated(&mut self.repeated, batch);
                    self.watches.hub.publish(batch, &previous, &mut |()| {});
                }
                Effect::Compacted(revision) => self.watches.hub.compacted(*revision),
                _ => {}
            }
        }
        self.same_state()
    }

    fn range(&self, who: Who, request: &RangeRequest) -> TestCaseResult {
        if self.allowed(who, Ask::Range(request), Wish::Range(request))? {
            let expected = self.model.range(request).map_err(|fault| fault.to_string());
            prop_assert_eq!(self.machine_range(request), expected, "at {:?}", request);
        }
        Ok(())
    }

    fn machine_range(&self, request: &RangeRequest) -> Result<RangeResponse, String> {
        validate::range(request).map_err(|fault| fault.to_string())?;
        let view = self.machine.reader().mvcc().view();
        view.range(request).map_err(|error| error.to_string())
    }

    fn read(&self, who: Who, request: &TxnRequest) -> TestCaseResult {
        if self.allowed(who, Ask::Txn(request), Wish::Txn(request))? {
            let expected = self.model.read(request).map_err(|fault| fault.to_string());
            prop_assert_eq!(self.machine_read(request), expected, "at {:?}", request);
        }
        Ok(())
    }

    fn machine_read(&self, request: &TxnRequest) -> Result<TxnResponse, String> {
        validate::txn(request, usize::MAX).map_err(|fault| fault.to_string())?;
        let view = self.machine.reader().mvcc().view();
        view.txn(request).map_err(|error| error.to_string())
    }

    fn may(&self, who: Who, question: &Question) -> TestCaseResult {
        let (ask, wish) = match *question {
            Question::Lease(id, keys) => (Ask::LeaseTimeToLive { id, keys }, Wish::TimeToLive { id, keys }),
            Question::User(name) => (Ask::UserGet(name), Wish::User(name)),
            Question::Role(name) => (Ask::RoleGet(name), Wish::Role(name)),
            Question::Manage => (Ask::Admin, Wish::Manage),
            Question::Known => (Ask::User, Wish::Known),
        };
        self.allowed(who, ask, wish).map(|_| ())
    }

    /// Whether both allow it; they have to agree, also on the refusal.
    fn allowed(&self, who: Who, ask: Ask<'_>, wish: Wish<'_>) -> Result<bool, TestCaseError> {
        let (user, revision) = speaker(who, self.model.auth.revision);
        let state = self.machine.reader().state();
        let caller = store_auth::Caller { user, revision };
        let answer: Result<(), Fault> = authorize(&state.auth, &state.leases, caller, ask);
        let expected = self.model.may(Caller { user, revision }, wish);
        prop_assert_eq!(answer, expected, "{:?} at {:?}", who, wish);
        Ok(expected.is_ok())
    }

    fn collect(&self, steps: usize) -> TestCaseResult {
        let gc = self.machine.gc();
        for _ in 0..steps {
            if let Some(step) = gc.step(3).unwrap() {
                self.engine.write(&step.batch).unwrap();
                gc.finish(step);
            }
        }
        self.same_state()
    }

    fn reopen(&mut self) -> TestCaseResult {
        self.machine = Machine::open(Arc::clone(&self.engine), None, Limits::default()).unwrap();
        self.same_state()
    }

    fn same_state(&self) -> TestCaseResult {
        let (state, model) = (self.machine.reader().state(), &self.model);
        prop_assert_eq!((state.revision, state.compacted), (model.revision(), model.compacted()));

        let leases: Vec<(i64, i64, i64, Vec<Bytes>)> = state
            .leases
            .iter()
            .map(|lease| {
                (
                    lease.id(),
                    lease.ttl(),
                    lease.remaining(),
                    lease.keys().cloned().collect(),
                )
            })
            .collect();
        let expected: Vec<_> = model
            .leases
            .iter()
            .map(|(id, lease)| (*id, lease.ttl, lease.remaining, model.keys_of(*id)))
            .collect();
        prop_assert_eq!(leases, expected);

        let auth = (state.auth.enabled(), state.auth.revision());
        prop_assert_eq!(auth, (model.auth.enabled, model.auth.revision));
        let users: Vec<_> = state.auth.users().collect();
        prop_assert_eq!(users, model.auth.users.values().collect::<Vec<_>>());
        let roles: Vec<_> = state.auth.roles().collect();
        prop_assert_eq!(roles, model.auth.roles.values().collect::<Vec<_>>());

        let alarms = state.alarms.list(AlarmType::None);
        let alarms: Vec<(i32, u64)> = alarms.iter().map(|alarm| (alarm.alarm, alarm.member_id)).collect();
        prop_assert_eq!(alarms, model.alarms.iter().copied().collect::<Vec<_>>());

        let everything = RangeRequest {
            key: Bytes::from_static(b"\0"),
            range_end: Bytes::from_static(b"\0"),
            ..RangeRequest::default()
        };
        let expected = model.range(&everything).map_err(|fault| fault.to_string());
        prop_assert_eq!(self.machine_range(&everything), expected);
        Ok(())
    }
}

fn speaker(who: Who, current: u64) -> (&'static str, u64) {
    const { assert!(OWN == CLUSTER) };
    match who {
        Who::Cluster => ("", OWN),
        Who::Nobody => ("", 0),
        Who::User(name, age) => (name, current.saturating_sub(age)),
    }
}

fn note_repeated(repeated: &mut BTreeSet<(i64, Bytes)>, batch: &RevisionBatch) {
    let mut seen = BTreeSet::new();
    for change in &batch.changes {
        if !seen.insert(&change.key) {
            repeated.insert((batch.revision, change.key.clone()));
        }
    }
}
