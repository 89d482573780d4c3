//! A look at what consensus holds, between two things that it does.

use tokio::sync::oneshot;

use crate::error::Error;
use crate::types::{LogId, Raft, Types, Vote};

type State = openraft::RaftState<Types>;

/// What `look` finds.
///
/// openraft's own `with_raft_state` logs an error where consensus ends, or whoever asks goes, meanwhile; every member ends.
async fn find<T: Send + 'static>(raft: &Raft, look: impl FnOnce(&State) -> T + Send + 'static) -> Result<T, Error> {
    let (tell, told) = oneshot::channel();
    let tell = move |state: &State| {
        // Whoever asked may have gone.
        let _ = tell.send(look(state));
    };
    raft.external_request(tell).await?;
    told.await.map_err(|_| Error::Stopped)
}

/// The vote of this member, and what it knows to be committed.
///
/// # Errors
/// `Stopped`, `Storage`: consensus has ended.
pub(crate) async fn vote_and_committed(raft: &Raft) -> Result<(Vote, Option<LogId>), Error> {
    find(raft, |state| (*state.vote_ref(), state.local_committed().copied())).await
}

/// Whether this member belongs to a cluster already: one that does has an entry, or was asked for its vote.
///
/// # Errors
/// `Stopped`, `Storage`: consensus has ended.
pub(crate) async fn initialized(raft: &Raft) -> Result<bool, Error> {
    let belongs = |state: &State| state.log_ids.last().is_some() || state.vote_ref().leader_id.term > 0;
    find(raft, belongs).await
}
