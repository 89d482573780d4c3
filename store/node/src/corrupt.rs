//! Finds out when members hold different data.
//!
//! Two hashes tell. The rolling one covers every change since the store was empty; it is at hand for the last revisions,
//! so members compare it all the time. What happened to the bytes afterwards shows only to who reads all of them again:
//! `--corrupt-check-time` and the check before serving do that, with the hash that `HashKV` answers.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::etcd::{AlarmType, HashKvResponse};
use proto::peer::{HashesRequest, HashesResponse, Node, RevisionHash};

use crate::Member;
use crate::error::Result;
use crate::offload;

/// Revisions whose hashes are told to another member.
const REMEMBERED: usize = 1024;
/// How long a member may take to answer from memory.
const ASK: Duration = Duration::from_secs(5);
/// How long a member may take to read all that it holds.
const SCAN: Duration = Duration::from_secs(600);

/// Rolling hashes by revision.
type Rolling = BTreeMap<i64, u64>;

impl Member {
    /// Runs as long as the member.
    pub(crate) async fn check_corruption(self) {
        let interval = match (self.config.corrupt_check_time, self.config.compact_hash_check) {
            (Duration::ZERO, false) => return,
            (Duration::ZERO, true) => self.config.compact_hash_check_time,
            (interval, _) => interval,
        };
        loop {
            self.clock.sleep(interval).await;
            if self.is_leader() {
                let wrong = self.compare().await;
                if !wrong.is_empty() {
                    let members: Vec<String> = wrong.iter().map(|id| format!("{id:x}")).collect();
                    tracing::error!(?members, "members disagree about the data");
                }
                for id in wrong {
                    self.raise(AlarmType::Corrupt, id);
                }
            }
        }
    }

    /// Answers another member what this one holds.
    pub async fn hashes(&self, request: HashesRequest) -> HashesResponse {
        let scan = match request.scan_revision {
            0 => None,
            revision => self.scan(revision).await.ok(),
        };
        HashesResponse {
            hashes: self.reader.hashes(REMEMBERED),
            scan,
        }
    }

    /// Reads all that was held at a revision, 0 = now.
    pub(crate) async fn scan(&self, revision: i64) -> Result<HashKvResponse> {
        let started = self.clock.monotonic();
        let reader = self.mvcc.clone();
        let work = move || reader.view().hash_kv(revision);
        let hash = offload::run(&self.tasks, "hash-kv", work).await??;
        let took = self.clock.monotonic().saturating_sub(started);
        self.metrics.mvcc.hash_rev.observe(took.as_secs_f64());
        Ok(HashKvResponse {
            header: Some(self.header()),
            hash: hash.hash,
            compact_revision: hash.compact_revision,
            hash_revision: hash.hash_revision,
        })
    }

    /// Members whose hash is not the majority's; 0 stands for "somebody" where there is none.
    async fn compare(&self) -> Vec<u64> {
        let others = self.others();
        let mut rolling = BTreeMap::from([(self.id(), by_revision(self.reader.hashes(REMEMBERED)))]);
        for node in &others {
            if let Some(response) = self.ask_hashes(node, 0).await {
                rolling.insert(node.id, by_revision(response.hashes));
            }
        }
        let Some((revision, hashes)) = newest_common(&rolling) else {
            return Vec::new();
        };
        let wrong = minority(&hashes);
        if wrong.is_empty() && !self.config.corrupt_check_time.is_zero() {
            return self.compare_scans(&others, revision).await;
        }
        wrong
    }

    /// The same by what is really there.
    async fn compare_scans(&self, others: &[Node], revision: i64) -> Vec<u64> {
        let (here, there) = tokio::join!(
            self.scan(revision),
            futures_util::future::join_all(others.iter().map(|node| self.ask_hashes(node, revision)))
        );
        let mut scans: Vec<(u64, HashKvResponse)> = here.ok().map(|scan| (self.id(), scan)).into_iter().collect();
        for (node, response) in others.iter().zip(there) {
            scans.extend(response.and_then(|response| response.scan).map(|scan| (node.id, scan)));
        }
        // What is in depends on the compaction, which members learn of one after another.
        let mut groups: BTreeMap<i64, Vec<(u64, u64)>> = BTreeMap::new();
        for (id, scan) in scans {
            let group = groups.entry(scan.compact_revision).or_default();
            group.push((id, u64::from(scan.hash)));
        }
        groups.values().flat_map(|hashes| minority(hashes)).collect()
    }

    async fn ask_hashes(&self, node: &Node, scan_revision: i64) -> Option<HashesResponse> {
        let limit = if scan_revision == 0 { ASK } else { SCAN };
        match self.peers.hashes(node, HashesRequest { scan_revision }, limit).await {
            Ok(response) => Some(response),
            Err(error) => {
                tracing::debug!(%error, member = format!("{:x}", node.id), "hashes could not be asked");
                None
            }
        }
    }

    /// The other members.
    fn others(&self) -> Vec<Node> {
        let status = self.status.borrow();
        let others = status.nodes.values().filter(|node| node.id != self.id());
        others.cloned().collect()
    }

    /// Before serving: whether another member holds other data at the revision that this one stands at, or remembers
    /// another hash of it. A member that does not answer, or has no such revision, proves nothing.
    pub(crate) async fn initial_check(&self) -> std::result::Result<(), String> {
        let mine = by_revision(self.reader.hashes(REMEMBERED));
        let scan = self.scan(0).await.map_err(|error| error.text())?;
        let revision = scan.hash_revision;
        let state = self.reader.state();
        for member in state.members.iter().filter(|member| member.id != self.id()) {
            let node = crate::member::node_of(member);
            let Some(response) = self.ask_hashes(&node, revision).await else {
                continue;
            };
            let differs = |theirs: &RevisionHash| mine.get(&theirs.revision).is_some_and(|own| *own != theirs.hash);
            let rolling = response.hashes.iter().find(|theirs| differs(theirs));
            let read = response
                .scan
                .is_some_and(|theirs| theirs.compact_revision == scan.compact_revision && theirs.hash != scan.hash);
            if let Some(at) = rolling.map(|hash| hash.revision).or(read.then_some(revision)) {
                return Err(format!(
                    "{:x} found data inconsistency with peers: its data differs from member {:x}'s at revision {at}; \
                     remove this member and add it again with an empty data folder",
                    self.id(),
                    node.id
                ));
            }
        }
        tracing::info!(revision, "initial corruption checking passed; no corruption");
        Ok(())
    }
}

fn by_revision(hashes: Vec<RevisionHash>) -> Rolling {
    hashes.into_iter().map(|hash| (hash.revision, hash.hash)).collect()
}

/// The newest revision that the most members remember, at least two, and each one's hash there.
fn newest_common(known: &BTreeMap<u64, Rolling>) -> Option<(i64, Vec<(u64, u64)>)> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for revision in known.values().flat_map(BTreeMap::keys) {
        *counts.entry(*revision).or_default() += 1;
    }
    let most = counts.values().copied().max().filter(|most| *most > 1)?;
    let (revision, _) = counts.iter().rev().find(|(_, count)| **count == most)?;
    let at = known
        .iter()
        .filter_map(|(id, hashes)| Some((*id, *hashes.get(revision)?)));
    Some((*revision, at.collect()))
}

/// Who holds another hash than the majority of those that were asked.
fn minority(hashes: &[(u64, u64)]) -> Vec<u64> {
    let votes = |hash: u64| hashes.iter().filter(|(_, other)| *other == hash).count();
    match hashes.iter().find(|(_, hash)| votes(*hash) > hashes.len() / 2) {
        Some((_, right)) => hashes
            .iter()
            .filter(|(_, hash)| hash != right)
            .map(|(id, _)| *id)
            .collect(),
        None if hashes.is_empty() => Vec::new(),
        None => vec![0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(rows: &[(u64, &[(i64, u64)])]) -> Vec<u64> {
        let known = rows
            .iter()
            .map(|(id, hashes)| (*id, hashes.iter().copied().collect()))
            .collect();
        newest_common(&known).map_or_else(Vec::new, |(_, hashes)| minority(&hashes))
    }

    #[test]
    fn the_minority_is_named() {
        assert!(wrong(&[(1, &[(5, 9)]), (2, &[(5, 9)]), (3, &[(5, 9), (6, 1)])]).is_empty());
        assert_eq!(wrong(&[(1, &[(5, 9)]), (2, &[(5, 8)]), (3, &[(5, 9)])]), [2]);
        assert_eq!(wrong(&[(1, &[(5, 9)]), (2, &[(5, 8)])]), [0]);
        assert!(wrong(&[(1, &[(5, 9)]), (2, &[(6, 8)])]).is_empty());
        assert!(minority(&[]).is_empty() && minority(&[(1, 5)]).is_empty());
    }
}
