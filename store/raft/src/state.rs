//! A look at what consensus holds, between two things that it does.

use tokio::sync::oneshot;

use crate::error::Error;
use crate::types::{LogId, Raft, Vote};

/// The vote of this member, and what it knows to be committed.
///
/// openraft's own `with_raft_state` logs an error where consensus ends meanwhile, which is how every member ends.
///
/// # Errors
/// `Stopped`, `Storage`: consensus has ended.
pub(crate) async fn vote_and_committed(raft: &Raft) -> Result<(Vote, Option<LogId>), Error> {
    let (tell, told) = oneshot::channel();
    let look = move |state: &openraft::RaftState<_>| {
        // Whoever asked may have gone.
        let _ = tell.send((*state.vote_ref(), state.local_committed().copied()));
    };
    raft.external_request(look).await?;
    told.await.map_err(|_| Error::Stopped)
}
