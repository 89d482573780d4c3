//! What an append stream must not contradict: entries that are committed.

use openraft::raft::AppendEntriesRequest;

use crate::convert::{Malformed, agrees};
use crate::state::vote_and_committed;
use crate::types::{LogId, Raft, Types, Vote};

/// What was committed when a stream began, and what its leader has said since. Who leads has all of it in its log; a peer
/// that contradicts it is no member of this cluster, and openraft asserts it to be impossible.
///
/// A commit that this member hears of elsewhere while the stream lasts is not known here: it would have to be asked for
/// at each append.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    vote: Option<Vote>,
    committed: Option<LogId>,
}

impl Known {
    /// As of now; nothing where consensus has ended, which will say so itself.
    pub(crate) async fn of(raft: &Raft) -> Known {
        let Ok((vote, committed)) = vote_and_committed(raft).await else {
            return Known::default();
        };
        Known {
            vote: Some(vote),
            committed,
        }
    }

    /// Passes a request on that contradicts nothing.
    pub(crate) fn check(
        &mut self,
        request: AppendEntriesRequest<Types>,
    ) -> Result<AppendEntriesRequest<Types>, Malformed> {
        // One that led before may have entries that never were committed; it is told so.
        if Some(request.vote) < self.vote {
            return Ok(request);
        }
        let (prev, commit) = (&request.prev_log_id, &request.leader_commit);
        let mut ids = prev
            .iter()
            .chain(commit)
            .chain(request.entries.iter().map(|entry| &entry.log_id));
        if self.committed.is_some_and(|known| ids.any(|id| !agrees(&known, id))) {
            return Err(Malformed("an append that contradicts what is committed"));
        }
        self.committed = self.committed.max(*commit);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::LeaderId;

    fn at(term: u64, index: u64) -> LogId {
        LogId::new(LeaderId { term, node_id: 2 }, index)
    }

    fn append(term: u64, prev: LogId, commit: LogId) -> AppendEntriesRequest<Types> {
        AppendEntriesRequest {
            vote: Vote {
                leader_id: LeaderId { term, node_id: 2 },
                committed: true,
            },
            prev_log_id: Some(prev),
            entries: Vec::new(),
            leader_commit: Some(commit),
        }
    }

    #[test]
    fn a_leader_goes_on_from_what_is_committed() {
        let vote = append(3, at(1, 0), at(1, 0)).vote;
        let known = Known {
            vote: Some(vote),
            committed: Some(at(2, 5)),
        };
        for (what, good, request) in [
            ("the same", true, append(3, at(2, 5), at(2, 5))),
            ("more", true, append(3, at(3, 9), at(3, 8))),
            ("less is known to it", true, append(3, at(1, 3), at(1, 2))),
            ("another at the place", false, append(3, at(3, 5), at(1, 2))),
            ("a later one before it", false, append(3, at(3, 4), at(1, 2))),
            ("an earlier one behind it", false, append(3, at(1, 6), at(1, 2))),
            ("another is committed", false, append(3, at(2, 5), at(1, 5))),
            ("one that led before", true, append(2, at(1, 6), at(1, 2))),
        ] {
            assert_eq!(known.clone().check(request).is_ok(), good, "{what}");
        }
    }

    #[test]
    fn a_leader_does_not_contradict_itself() {
        let mut known = Known::default();
        assert!(known.check(append(3, at(2, 5), at(2, 5))).is_ok());
        assert!(known.check(append(3, at(2, 5), at(1, 2))).is_ok());
        assert!(known.check(append(3, at(1, 5), at(1, 2))).is_err());
    }
}
