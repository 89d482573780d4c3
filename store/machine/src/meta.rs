//! The machine's own few records: the cluster's id and versions, how far the log was applied, and consensus's state.

use bytes::Bytes;
use prost::Message;
use proto::etcd::DowngradeInfo;
use store_engine::{Batch, Engine, Space};

use crate::error::OpenError;

/// Shared with `store/mvcc`, whose keys begin otherwise.
const SPACE: Space = Space(0);
const CLUSTER: &[u8] = b"machine/cluster";
const APPLIED: &[u8] = b"machine/applied";
const RAFT: &[u8] = b"machine/raft";
const VERSION: &[u8] = b"machine/version";
const DOWNGRADE: &[u8] = b"machine/downgrade";

/// How far the log was applied: index, term and the time reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) index: u64,
    pub(crate) term: u64,
    pub(crate) now_ms: u64,
}

pub(crate) fn cluster_id(engine: &dyn Engine) -> Result<Option<u64>, OpenError> {
    let Some(value) = engine.get(SPACE, CLUSTER)? else {
        return Ok(None);
    };
    let id = value
        .as_ref()
        .try_into()
        .map_err(|_| OpenError::Corrupt("no cluster id".to_owned()))?;
    Ok(Some(u64::from_be_bytes(id)))
}

pub(crate) fn set_cluster_id(batch: &mut Batch, id: u64) {
    batch.put(SPACE, CLUSTER, &id.to_be_bytes());
}

pub(crate) fn applied(engine: &dyn Engine) -> Result<Applied, OpenError> {
    let Some(value) = engine.get(SPACE, APPLIED)? else {
        return Ok(Applied::default());
    };
    let mut numbers = value
        .chunks_exact(8)
        .filter_map(|number| number.try_into().ok())
        .map(u64::from_be_bytes);
    match (numbers.next(), numbers.next(), numbers.next(), value.len()) {
        (Some(index), Some(term), Some(now_ms), 24) => Ok(Applied { index, term, now_ms }),
        _ => Err(OpenError::Corrupt("no applied index".to_owned())),
    }
}

pub(crate) fn raft(engine: &dyn Engine) -> Result<Option<Bytes>, OpenError> {
    Ok(engine.get(SPACE, RAFT)?)
}

/// Ends every batch: what was applied, and what consensus wants to find again with it.
pub(crate) fn set_applied(batch: &mut Batch, applied: Applied, raft: &[u8]) {
    let numbers = [applied.index, applied.term, applied.now_ms].map(u64::to_be_bytes);
    batch.put(SPACE, APPLIED, &numbers.concat());
    batch.put(SPACE, RAFT, raft);
}

pub(crate) fn version(engine: &dyn Engine) -> Result<Option<String>, OpenError> {
    let Some(value) = engine.get(SPACE, VERSION)? else {
        return Ok(None);
    };
    let text = String::from_utf8(value.to_vec()).map_err(|_| OpenError::Corrupt("no cluster version".to_owned()))?;
    Ok(Some(text))
}

pub(crate) fn set_version(batch: &mut Batch, version: &str) {
    batch.put(SPACE, VERSION, version.as_bytes());
}

pub(crate) fn downgrade(engine: &dyn Engine) -> Result<DowngradeInfo, OpenError> {
    let Some(value) = engine.get(SPACE, DOWNGRADE)? else {
        return Ok(DowngradeInfo::default());
    };
    DowngradeInfo::decode(value).map_err(|error| OpenError::Corrupt(error.to_string()))
}

pub(crate) fn set_downgrade(batch: &mut Batch, downgrade: &DowngradeInfo) {
    batch.put(SPACE, DOWNGRADE, &downgrade.encode_to_vec());
}
