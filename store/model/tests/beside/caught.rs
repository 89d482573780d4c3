//! A model with one rule changed is noticed, and what shows it is cut down to a few commands.

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRng, TestRunner};
use proto::etcd::request_op::Request;
use proto::store::Command;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use store_model::{CLUSTER, Model};

use crate::generate::{Step, open, secured};
use crate::pair::{Rule, play, right};

/// Looks for steps that show the changed rule, always the same way; answers how many commands are left of them.
fn caught(rule: Rule, steps: impl Strategy<Value = Vec<Step>>) -> usize {
    let config = ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        max_shrink_iters: 5000,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    match TestRunner::new_with_rng(config, rng).run(&steps, |steps| play(rule, &steps)) {
        Err(TestError::Fail(_, steps)) => commands(&steps),
        other => panic!("not caught: {other:?}"),
    }
}

fn commands(steps: &[Step]) -> usize {
    let counts = steps.iter().map(|step| match step {
        Step::Run(_, commands) => commands.len(),
        _ => 0,
    });
    counts.sum()
}

/// Does something else, but answers as if it had done the right thing.
fn in_silence(model: &mut Model, term: u64, command: &Command, other: &Command) -> Option<Outcome> {
    let answer = right(&mut model.clone(), term, command);
    model.step(term, other);
    answer
}

fn half_a_transaction(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    let mut half = command.clone();
    if let Some(Action::Txn(txn)) = &mut half.action
        && txn.success.len() > 1
    {
        txn.success.pop();
    }
    in_silence(model, term, command, &half)
}

fn a_lease_that_holds_nothing(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    let mut free = command.clone();
    if let Some(Action::Put(put)) = &mut free.action {
        put.lease = 0;
    }
    in_silence(model, term, command, &free)
}

fn an_expiry_of_any_term(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    match &command.action {
        Some(Action::LeaseExpire(expired)) => model.step(expired.term, command),
        _ => model.step(term, command),
    }
}

fn a_compaction_one_short(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    let mut short = command.clone();
    if let Some(Action::Compact(compact)) = &mut short.action {
        compact.revision = compact.revision.saturating_sub(1);
    }
    model.step(term, &short)
}

fn a_literal_open_end(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    let mut literal = command.clone();
    if let Some(Action::DeleteRange(delete)) = &mut literal.action
        && delete.range_end == b"\0"[..]
    {
        delete.range_end = delete.key.clone();
    }
    model.step(term, &literal)
}

fn a_put_in_spite_of_alarms(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    if !matches!(command.action, Some(Action::Put(_))) {
        return model.step(term, command);
    }
    let alarms = std::mem::take(&mut model.alarms);
    let answer = model.step(term, command);
    model.alarms = alarms;
    answer
}

fn a_quiet_end_of_authentication(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    let revision = model.auth.revision;
    let answer = model.step(term, command);
    if matches!(command.action, Some(Action::AuthDisable(_))) {
        model.auth.revision = revision;
    }
    answer
}

fn nested_transactions_unasked(model: &mut Model, term: u64, command: &Command) -> Option<Outcome> {
    let mut unasked = command.clone();
    if let Some(Action::Txn(txn)) = &command.action
        && txn
            .success
            .iter()
            .any(|op| matches!(op.request, Some(Request::RequestTxn(_))))
    {
        unasked.user.clear();
        unasked.auth_revision = CLUSTER;
    }
    model.step(term, &unasked)
}

#[test]
fn wrong_transactions_are_caught() {
    assert!(caught(half_a_transaction, open()) <= 2);
}

#[test]
fn wrong_leases_are_caught() {
    assert!(caught(a_lease_that_holds_nothing, open()) <= 3);
    assert!(caught(an_expiry_of_any_term, open()) <= 3);
}

#[test]
fn wrong_compactions_and_ranges_are_caught() {
    assert!(caught(a_compaction_one_short, open()) <= 3);
    assert!(caught(a_literal_open_end, open()) <= 3);
}

#[test]
fn forgotten_alarms_are_caught() {
    assert!(caught(a_put_in_spite_of_alarms, open()) <= 3);
}

/// The ten commands that found the users are never cut.
#[test]
fn wrong_rights_are_caught() {
    assert!(caught(a_quiet_end_of_authentication, secured()) <= 13);
    assert!(caught(nested_transactions_unasked, secured()) <= 14);
}
