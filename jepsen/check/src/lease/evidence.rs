//! What a history tells of each lease: when it was renewed, when it was seen, and when it was gone.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::history::{Call, History, Kind, Operation, Reply, Request, covers};

const SECOND: u64 = 1_000_000_000;

/// All that is told of one lease.
#[derive(Default)]
pub(super) struct Lease<'a> {
    pub(super) renewals: Vec<Renewal<'a>>,
    /// Revocations that were not refused.
    pub(super) revokes: Vec<&'a Operation>,
    /// When it was gone, at the latest.
    pub(super) gone: Vec<Sight<'a>>,
    /// When it was there, at the earliest.
    pub(super) alive: Vec<Sight<'a>>,
}

/// A call that granted or renewed a lease, or may have.
pub(super) struct Renewal<'a> {
    pub(super) operation: &'a Operation,
    /// Time to live, in nanoseconds.
    pub(super) ttl: u64,
}

/// A moment at which somebody looked.
pub(super) struct Sight<'a> {
    pub(super) operation: &'a Operation,
    pub(super) time: u64,
}

impl Renewal<'_> {
    /// How long the lease may live.
    pub(super) fn latest(&self) -> u64 {
        self.operation.end.unwrap_or(u64::MAX).saturating_add(self.ttl)
    }
}

/// A key that hangs on a lease, and that nothing else writes.
struct Leased<'a> {
    lease: i64,
    put: &'a Operation,
}

/// Leases that were granted in this history, by their ids.
pub(super) fn gather(history: &History) -> BTreeMap<i64, Lease<'_>> {
    let mut leases: BTreeMap<i64, Lease<'_>> = BTreeMap::new();
    let happened = || history.operations.iter().filter(|one| !one.is_failed());
    let mut granted: HashMap<i64, i64> = HashMap::new();
    for operation in happened() {
        if let Call::Grant { lease, ttl } = operation.call {
            let ttl = match operation.reply() {
                Some(Reply::Grant { ttl }) => *ttl,
                _ => ttl,
            };
            granted.insert(lease, ttl);
            leases.entry(lease).or_default().renewals.push(renewal(operation, ttl));
        }
    }
    for operation in happened() {
        if let Call::KeepAlive { lease } | Call::Revoke { lease } | Call::TimeToLive { lease } = operation.call
            && let Some(found) = leases.get_mut(&lease)
        {
            look(operation, granted.get(&lease).copied().unwrap_or(0), found);
        }
    }
    let keys = leased(history);
    for operation in happened() {
        look_at_keys(operation, &keys, &mut leases);
    }
    leases
}

fn renewal(operation: &Operation, ttl: i64) -> Renewal<'_> {
    Renewal {
        operation,
        ttl: ttl.max(0) as u64 * SECOND,
    }
}

/// What a call on a lease tells of it.
fn look<'a>(operation: &'a Operation, granted: i64, lease: &mut Lease<'a>) {
    let alive = Sight {
        operation,
        time: operation.start,
    };
    let gone = Sight {
        operation,
        time: operation.effective_by(),
    };
    match (&operation.call, operation.reply()) {
        (Call::Revoke { .. }, _) => lease.revokes.push(operation),
        (Call::KeepAlive { .. }, Some(Reply::KeepAlive { ttl })) if *ttl > 0 => {
            lease.alive.push(alive);
            lease.renewals.push(renewal(operation, *ttl));
        }
        (Call::KeepAlive { .. }, None) => lease.renewals.push(renewal(operation, granted)),
        (Call::TimeToLive { .. }, Some(Reply::TimeToLive { ttl: 0.. })) => lease.alive.push(alive),
        (_, Some(_)) => lease.gone.push(gone),
        _ => {}
    }
}

/// What is written: the first key and the end.
type Written<'a> = (&'a str, Option<&'a str>);

fn written(call: &Call) -> Vec<Written<'_>> {
    match call {
        Call::Put(put) => vec![(put.key.as_str(), None)],
        Call::Cas { key, .. } => vec![(key.as_str(), None)],
        Call::Delete(delete) => vec![(delete.key.as_str(), delete.end.as_deref())],
        Call::Txn(txn) => {
            let requests = txn.then.iter().chain(&txn.otherwise);
            let ranges = requests.filter_map(|request| match request {
                Request::Get(_) => None,
                Request::Put(put) => Some((put.key.as_str(), None)),
                Request::Delete(delete) => Some((delete.key.as_str(), delete.end.as_deref())),
            });
            ranges.collect()
        }
        _ => Vec::new(),
    }
}

/// Keys that one answered put wrote with a lease, and nothing else.
fn leased(history: &History) -> BTreeMap<&str, Leased<'_>> {
    let mut writes: HashMap<&str, usize> = HashMap::new();
    let mut ranges: Vec<Written<'_>> = Vec::new();
    for operation in history.operations.iter().filter(|one| !one.is_failed()) {
        for (key, end) in written(&operation.call) {
            match end {
                None => *writes.entry(key).or_default() += 1,
                Some(_) => ranges.push((key, end)),
            }
        }
    }
    let mut keys = BTreeMap::new();
    for put in history.operations.iter().filter(|one| one.is_ok()) {
        let Call::Put(request) = &put.call else {
            continue;
        };
        let key = request.key.as_str();
        let is_only = writes.get(key) == Some(&1) && !ranges.iter().any(|(from, to)| covers(from, *to, key));
        if request.lease != 0 && is_only {
            let lease = request.lease;
            keys.insert(key, Leased { lease, put });
        }
    }
    keys
}

/// What a read, or a watch, tells of the leases of keys.
fn look_at_keys<'a>(
    operation: &'a Operation,
    keys: &BTreeMap<&'a str, Leased<'a>>,
    leases: &mut BTreeMap<i64, Lease<'a>>,
) {
    for (time, response) in &operation.responses {
        for event in response.events.iter().filter(|event| event.kind == Kind::Delete) {
            let leased = keys.get(event.kv.key.as_str());
            if let Some(lease) = leased.and_then(|leased| leases.get_mut(&leased.lease)) {
                lease.gone.push(Sight { operation, time: *time });
            }
        }
    }
    let (Call::Get(get), Some(Reply::Get { kvs, .. })) = (&operation.call, operation.reply()) else {
        return;
    };
    if get.serializable || get.revision != 0 || get.limit != 0 {
        return;
    }
    let end = get.end.as_deref();
    let from: (Bound<&str>, Bound<&str>) = (Bound::Included(&get.key), Bound::Unbounded);
    let covered = keys
        .range::<str, _>(from)
        .take_while(|(key, _)| covers(&get.key, end, key));
    for (key, leased) in covered {
        let Some(lease) = leases.get_mut(&leased.lease) else {
            continue;
        };
        let found = kvs.binary_search_by(|kv| kv.key.as_str().cmp(*key));
        if found.is_ok() {
            let time = operation.start;
            lease.alive.push(Sight { operation, time });
        } else if leased.put.precedes(operation) {
            let time = operation.effective_by();
            lease.gone.push(Sight { operation, time });
        }
    }
}
