//! The receiving end of a snapshot.

use std::io;
use std::sync::Arc;

use futures_util::StreamExt;
use proto::peer;
use store_engine::{File, Incoming, is_safe_name};

use crate::convert::{Malformed, is_of, leader_in, meta_in, vote_out};
use crate::error::Error;
use crate::image::SnapshotData;
use crate::shared::Shared;
use crate::state::vote_and_committed;
use crate::transport::{BoxStream, TransportError};
use crate::types::{LogId, Raft, Snapshot, SnapshotMeta, Vote};

/// What an offer says, checked.
struct Offer {
    vote: Vote,
    meta: SnapshotMeta,
    id: String,
    files: Vec<File>,
}

impl Offer {
    fn read(request: peer::SnapshotOfferRequest, me: u64) -> Result<Offer, Error> {
        let meta = request.meta.ok_or(Malformed("a snapshot offer without its meta"))?;
        let id = meta.id.clone();
        let files = request.files.into_iter().map(|file| File {
            name: file.name,
            bytes: file.bytes,
            crc: file.crc,
        });
        let offer = Offer {
            vote: leader_in(request.vote, me)?,
            meta: meta_in(meta)?,
            id,
            files: files.collect(),
        };
        if !is_safe_name(&offer.id) || !offer.files.iter().all(|file| is_safe_name(&file.name)) {
            return Err(Malformed("a snapshot offer with an unsafe name").into());
        }
        let (last, members) = (&offer.meta.last_log_id, offer.meta.last_membership.log_id());
        let index = |id: &Option<LogId>| id.map(|id| id.index);
        if last.is_some_and(|last| !is_of(&last, &offer.vote)) || members > last || index(members) > index(last) {
            return Err(Malformed("a snapshot offer with a log id that its leader's log cannot have").into());
        }
        Ok(offer)
    }
}

fn io_error(error: impl std::fmt::Display) -> Error {
    Error::Storage(error.to_string())
}

/// This member's vote; refuses an offer that contradicts what is committed here, which openraft asserts to be impossible.
async fn own_vote(raft: &Raft, offer: &Offer) -> Result<Vote, Error> {
    let (vote, committed) = vote_and_committed(raft).await?;
    let contradicts = |last: LogId, committed: LogId| last > committed && last.index <= committed.index;
    match offer.meta.last_log_id.zip(committed) {
        Some((last, committed)) if contradicts(last, committed) => {
            Err(Malformed("a snapshot offer that contradicts what is committed here").into())
        }
        _ => Ok(vote),
    }
}

/// Answers how much is held of each file offered; nothing at all to one whose vote is out of date.
pub(crate) async fn offer(
    shared: &Arc<Shared>,
    raft: &Raft,
    request: peer::SnapshotOfferRequest,
) -> Result<peer::SnapshotOfferResponse, Error> {
    let offer = Offer::read(request, shared.options.id)?;
    let vote = own_vote(raft, &offer).await?;
    if vote > offer.vote {
        return Ok(peer::SnapshotOfferResponse {
            held: Vec::new(),
            vote: Some(vote_out(&vote)),
        });
    }
    let _one = shared.receiving.lock().await;
    let held = shared.blocking("raft-offer", move |shared| {
        let incoming = shared.engine.incoming(&offer.id).map_err(io::Error::other)?;
        let held = offer
            .files
            .iter()
            .map(|file| Ok(incoming.held(&file.name)?.min(file.bytes)));
        held.collect::<store_engine::Result<Vec<u64>>>()
            .map_err(io::Error::other)
    });
    Ok(peer::SnapshotOfferResponse {
        held: held.await.map_err(io_error)?,
        vote: Some(vote_out(&vote)),
    })
}

/// Takes the chunks, checks the whole and hands it to openraft; answers once it is installed.
pub(crate) async fn receive(
    shared: &Arc<Shared>,
    raft: &Raft,
    mut chunks: BoxStream<'static, Result<peer::SnapshotChunk, TransportError>>,
) -> Result<peer::SnapshotResponse, Error> {
    let head = match chunks.next().await {
        Some(Ok(peer::SnapshotChunk { head: Some(head), .. })) => head,
        Some(Err(error)) => return Err(Error::Invalid(error.to_string())),
        _ => return Err(Error::Invalid("a snapshot must start with its head".to_owned())),
    };
    let offer = Offer::read(head, shared.options.id)?;
    let vote = own_vote(raft, &offer).await?;
    if vote > offer.vote {
        return Ok(peer::SnapshotResponse {
            vote: Some(vote_out(&vote)),
        });
    }
    let _one = shared.receiving.lock().await;
    let incoming = fill(shared, &offer, chunks).await?;
    // More may have been committed meanwhile.
    own_vote(raft, &offer).await?;
    let snapshot = Snapshot {
        meta: offer.meta,
        snapshot: SnapshotData::Received(incoming),
    };
    match raft.install_full_snapshot(offer.vote, snapshot).await {
        Ok(answer) => Ok(peer::SnapshotResponse {
            vote: Some(vote_out(&answer.vote)),
        }),
        Err(fatal) => Err(fatal.into()),
    }
}

async fn fill(
    shared: &Arc<Shared>,
    offer: &Offer,
    mut chunks: BoxStream<'static, Result<peer::SnapshotChunk, TransportError>>,
) -> Result<Box<dyn Incoming>, Error> {
    let id = offer.id.clone();
    let open = shared.blocking("raft-receive", move |shared| {
        shared.engine.incoming(&id).map_err(io::Error::other)
    });
    let mut incoming = open.await.map_err(io_error)?;
    while let Some(chunk) = chunks.next().await {
        // A broken stream is no loss: what was written stays, and the next offer finds it.
        let chunk = chunk.map_err(|error| Error::Invalid(error.to_string()))?;
        let file = offer.files.get(chunk.file as usize);
        let name = file
            .ok_or_else(|| Error::Invalid("a chunk of a file that was not offered".to_owned()))?
            .name
            .clone();
        let write = shared.blocking("raft-receive", move |_| {
            incoming
                .write(&name, chunk.offset, &chunk.data)
                .map_err(io::Error::other)?;
            Ok(incoming)
        });
        incoming = write.await.map_err(io_error)?;
    }
    let files = offer.files.clone();
    let finish = shared.blocking("raft-receive", move |_| {
        incoming.finish(&files).map_err(io::Error::other)?;
        Ok(incoming)
    });
    finish.await.map_err(io_error)
}
