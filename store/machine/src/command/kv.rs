//! Puts, deletions, transactions and compactions.

use proto::etcd::{CompactionRequest, DeleteRangeRequest, PutRequest, TxnRequest};
use proto::store::reply::Outcome;
use store_mvcc::validate;

use crate::effect::Effect;
use crate::error::Stop;
use crate::run::Run;

pub(super) fn put(run: &mut Run<'_>, request: &PutRequest) -> Result<Outcome, Stop> {
    validate::put(request)?;
    let leases = &run.core.leases;
    let done = run.session.put(request, &|lease| leases.contains(lease))?;
    run.changed(done.changes);
    Ok(Outcome::Put(done.response))
}

pub(super) fn delete_range(run: &mut Run<'_>, request: &DeleteRangeRequest) -> Result<Outcome, Stop> {
    validate::delete_range(request)?;
    let done = run.session.delete_range(request)?;
    run.changed(done.changes);
    Ok(Outcome::DeleteRange(done.response))
}

/// How many operations there may be is the proposer's flag; here a transaction is only checked for what would have no
/// meaning.
pub(super) fn txn(run: &mut Run<'_>, request: &TxnRequest) -> Result<Outcome, Stop> {
    validate::txn(request, usize::MAX)?;
    let leases = &run.core.leases;
    let done = run.session.txn(request, &|lease| leases.contains(lease))?;
    run.changed(done.changes);
    Ok(Outcome::Txn(done.response))
}

pub(super) fn compact(run: &mut Run<'_>, request: &CompactionRequest) -> Result<Outcome, Stop> {
    let response = run.session.compact(request.revision)?;
    run.effect(Effect::Compacted(request.revision));
    Ok(Outcome::Compact(response))
}
