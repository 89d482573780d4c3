//! Compares what members hold: the rolling hash after each revision must be the same on all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::etcd::AlarmType;
use proto::peer::{Node, RevisionHash};

use crate::Member;

/// Revisions whose hashes are told to another member.
pub(crate) const REMEMBERED: usize = 1024;
/// How long a member may take to answer.
const ASK: Duration = Duration::from_secs(5);

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
                let others = self.others();
                for id in self.compare(&others).await {
                    self.raise(AlarmType::Corrupt, id);
                }
            }
        }
    }

    /// The other members.
    fn others(&self) -> Vec<Node> {
        let status = self.status.borrow();
        status
            .nodes
            .values()
            .filter(|node| node.id != self.id())
            .cloned()
            .collect()
    }

    /// Members whose hash at some revision is not the majority's; 0 stands for "somebody" where there is none.
    async fn compare(&self, others: &[Node]) -> Vec<u64> {
        let mut known: BTreeMap<u64, BTreeMap<i64, u64>> = BTreeMap::new();
        known.insert(self.id(), by_revision(self.reader.hashes(REMEMBERED)));
        for node in others {
            match self.peers.hashes(node, ASK).await {
                Ok(response) => {
                    known.insert(node.id, by_revision(response.hashes));
                }
                Err(error) => tracing::debug!(%error, member = format!("{:x}", node.id), "hashes could not be asked"),
            }
        }
        let wrong = disagreeing(&known);
        if !wrong.is_empty() {
            tracing::error!(members = ?wrong, "members disagree about the data");
        }
        wrong
    }

    /// Before serving: whether another member remembers another hash for the revision that this one stands at.
    pub(crate) async fn initial_check(&self) -> Result<(), String> {
        let mine = by_revision(self.reader.hashes(REMEMBERED));
        let state = self.reader.state();
        for member in state.members.iter().filter(|member| member.id != self.id()) {
            let node = crate::member::node_of(member);
            let Ok(response) = self.peers.hashes(&node, ASK).await else {
                continue;
            };
            for RevisionHash { revision, hash } in response.hashes {
                if mine.get(&revision).is_some_and(|own| *own != hash) {
                    return Err(format!(
                        "data differs from member {:x} at revision {revision}: remove this member and add it again with an empty data folder",
                        node.id
                    ));
                }
            }
        }
        Ok(())
    }
}

fn by_revision(hashes: Vec<RevisionHash>) -> BTreeMap<i64, u64> {
    hashes.into_iter().map(|hash| (hash.revision, hash.hash)).collect()
}

/// Looks at the newest revision that at least two members remember.
fn disagreeing(known: &BTreeMap<u64, BTreeMap<i64, u64>>) -> Vec<u64> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for revision in known.values().flat_map(BTreeMap::keys) {
        *counts.entry(*revision).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let Some((revision, _)) = counts.iter().rev().find(|(_, count)| **count == most && most > 1) else {
        return Vec::new();
    };
    let at: Vec<(u64, u64)> = known
        .iter()
        .filter_map(|(id, hashes)| Some((*id, *hashes.get(revision)?)))
        .collect();
    let votes = |hash: u64| at.iter().filter(|(_, other)| *other == hash).count();
    if at.iter().all(|(_, hash)| votes(*hash) == at.len()) {
        return Vec::new();
    }
    match at.iter().find(|(_, hash)| votes(*hash) > at.len() / 2) {
        Some((_, right)) => at.iter().filter(|(_, hash)| hash != right).map(|(id, _)| *id).collect(),
        None => vec![0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(rows: &[(u64, &[(i64, u64)])]) -> BTreeMap<u64, BTreeMap<i64, u64>> {
        rows.iter()
            .map(|(id, hashes)| (*id, hashes.iter().copied().collect()))
            .collect()
    }

    #[test]
    fn the_minority_is_named() {
        assert!(disagreeing(&known(&[(1, &[(5, 9)]), (2, &[(5, 9)]), (3, &[(5, 9), (6, 1)])])).is_empty());
        assert_eq!(
            disagreeing(&known(&[(1, &[(5, 9)]), (2, &[(5, 8)]), (3, &[(5, 9)])])),
            [2]
        );
        assert_eq!(disagreeing(&known(&[(1, &[(5, 9)]), (2, &[(5, 8)])])), [0]);
        assert!(disagreeing(&known(&[(1, &[(5, 9)]), (2, &[(6, 8)])])).is_empty());
    }
}
