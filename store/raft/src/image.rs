//! A whole state on its way to a member that is too far behind: taken when somebody needs it, sent in pieces, resumed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError};
use proto::peer;
use store_engine::{Checkpoint, File, Incoming};
use store_planted::{Bug, planted};

use crate::convert::{meta_out, vote_out};
use crate::shared::Shared;
use crate::transport::{BoxStream, TransportError};
use crate::types::{LogId, SnapshotMeta, Types, Vote};

/// An image that nobody asked for this long is dropped; it holds disk space, and log that could be purged.
const UNUSED: Duration = Duration::from_secs(60);

/// The engine's contents at one log id.
pub(crate) struct Image {
    checkpoint: Arc<dyn Checkpoint>,
    pub(crate) meta: SnapshotMeta,
    id: String,
}

/// The image that is being sent, shared by all who need one and by repeated tries.
#[derive(Default)]
pub(crate) struct Images {
    newest: Option<(Arc<Image>, Duration)>,
}

/// What stands for a snapshot inside openraft.
pub(crate) enum SnapshotData {
    /// An image to be taken when it is sent; it will be as new as its announcement or newer.
    Later(Arc<Shared>),
    /// An image that was taken.
    Taken(Arc<Image>),
    /// A complete one that was received.
    Received(Box<dyn Incoming>),
}

impl Images {
    /// The log id up to which log must be kept, because an image is on its way that ends there.
    pub(crate) fn holds(&mut self, now: Duration) -> Option<u64> {
        if self
            .newest
            .as_ref()
            .is_some_and(|(_, used)| now.saturating_sub(*used) > UNUSED)
        {
            self.newest = None;
        }
        self.newest
            .as_ref()
            .and_then(|(image, _)| image.meta.last_log_id)
            .map(|id| id.index)
    }

    fn reusable(&mut self, shared: &Shared) -> Option<Arc<Image>> {
        let now = shared.clock.monotonic();
        self.holds(now);
        let (image, used) = self.newest.as_mut()?;
        let purged = shared.log.state().purged.map(|(index, _)| index);
        // What follows the image must still be in the log.
        if image.meta.last_log_id.map(|id| id.index) < purged {
            return None;
        }
        *used = now;
        Some(image.clone())
    }
}

impl SnapshotData {
    /// The snapshot to announce now: an image that exists, or one to be taken. Cheap.
    pub(crate) fn current(shared: &Arc<Shared>) -> (SnapshotMeta, SnapshotData) {
        let taken = shared.images.lock().reusable(shared);
        match taken {
            Some(image) => (image.meta.clone(), SnapshotData::Taken(image)),
            None => (shared.meta(), SnapshotData::Later(shared.clone())),
        }
    }

    async fn image(self) -> io::Result<Arc<Image>> {
        match self {
            SnapshotData::Taken(image) => Ok(image),
            SnapshotData::Later(shared) => shared.blocking("raft-image", take).await,
            SnapshotData::Received(_) => Err(io::Error::other("a snapshot that is being received cannot be sent")),
        }
    }

    /// The contents, ready to be installed here.
    pub(crate) async fn into_incoming(self, shared: &Arc<Shared>) -> io::Result<Box<dyn Incoming>> {
        if let SnapshotData::Received(incoming) = self {
            return Ok(incoming);
        }
        let image = self.image().await?;
        shared.blocking("raft-copy", move |shared| copy(shared, &image)).await
    }
}

/// Takes an image of now. Entries wait only for the last part: most is flushed before.
fn take(shared: &Shared) -> io::Result<Arc<Image>> {
    shared.flush()?;
    let core = shared.core.lock();
    let checkpoint = shared.engine.checkpoint().map_err(io::Error::other)?;
    let mut meta = core.meta.clone();
    drop(core);
    if planted(Bug::ThinSnapshot) {
        meta.last_log_id = meta.last_log_id.map(|last| LogId::new(last.leader_id, last.index + 1));
    }
    shared.note_flushed(&meta);
    let id = identify(&meta, checkpoint.files());
    let image = Arc::new(Image { checkpoint, meta, id });
    shared.images.lock().newest = Some((image.clone(), shared.clock.monotonic()));
    Ok(image)
}

/// Names an image by all that its receiver could be wrong about.
fn identify(meta: &SnapshotMeta, files: &[File]) -> String {
    let mut sum = 0;
    for file in files {
        sum = crc32c::crc32c_append(sum, file.name.as_bytes());
        sum = crc32c::crc32c_append(sum, &file.bytes.to_le_bytes());
        sum = crc32c::crc32c_append(sum, &file.crc.to_le_bytes());
    }
    let (term, index) = meta
        .last_log_id
        .map_or((0, 0), |last| (last.leader_id.term, last.index));
    format!("{term}-{index}-{sum:08x}")
}

/// Puts an image of another machine in this process together here.
fn copy(shared: &Shared, image: &Image) -> io::Result<Box<dyn Incoming>> {
    let mut incoming = shared.engine.incoming(&image.id).map_err(io::Error::other)?;
    for (number, file) in image.checkpoint.files().iter().enumerate() {
        let mut offset = incoming.held(&file.name).map_err(io::Error::other)?;
        while offset < file.bytes || file.bytes == 0 {
            let chunk = shared.options.snapshot_chunk_bytes;
            let data = image.checkpoint.read(number, offset, chunk).map_err(io::Error::other)?;
            incoming.write(&file.name, offset, &data).map_err(io::Error::other)?;
            offset += data.len() as u64;
            if data.is_empty() {
                break;
            }
        }
    }
    incoming.finish(image.checkpoint.files()).map_err(io::Error::other)?;
    Ok(incoming)
}

/// One transfer of an image.
struct Sending {
    shared: Arc<Shared>,
    image: Arc<Image>,
    head: Option<peer::SnapshotOfferRequest>,
    held: Vec<u64>,
    file: usize,
    /// An empty file is made by one chunk without data.
    started: bool,
}

impl Sending {
    /// The next chunk; None at the end, or after an error that is logged: the receiver then finds files missing.
    async fn next(mut self) -> Option<(peer::SnapshotChunk, Sending)> {
        if let Some(head) = self.head.take() {
            let chunk = peer::SnapshotChunk {
                head: Some(head),
                ..peer::SnapshotChunk::default()
            };
            return Some((chunk, self));
        }
        loop {
            let file = self.image.checkpoint.files().get(self.file)?;
            let offset = *self.held.get(self.file)?;
            let empty = file.bytes == 0 && !self.started;
            if offset >= file.bytes && !empty {
                self.file += 1;
                self.started = false;
                continue;
            }
            self.started = true;
            let data = match self.read(self.file, offset).await {
                Ok(data) if data.is_empty() && !empty => return None,
                Ok(data) => data,
                Err(error) => {
                    tracing::error!(%error, "cannot read the snapshot that is being sent");
                    return None;
                }
            };
            self.held[self.file] += data.len() as u64;
            let chunk = peer::SnapshotChunk {
                head: None,
                file: self.file as u32,
                offset,
                data,
            };
            return Some((chunk, self));
        }
    }

    async fn read(&self, file: usize, offset: u64) -> io::Result<Bytes> {
        let image = self.image.clone();
        let bytes = self.shared.options.snapshot_chunk_bytes;
        let read = move |_: &Shared| image.checkpoint.read(file, offset, bytes).map_err(io::Error::other);
        self.shared.blocking("raft-read-image", read).await
    }
}

/// Sends a snapshot to `target`: only what it does not hold yet. Answers the vote that the target has then.
pub(crate) async fn send(
    shared: &Arc<Shared>,
    target: &peer::Node,
    vote: Vote,
    snapshot: SnapshotData,
    cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
) -> Result<Option<peer::Vote>, StreamingError<Types>> {
    let image = snapshot.image().await.map_err(|error| NetworkError::new(&error))?;
    let files = image.checkpoint.files().iter();
    let head = peer::SnapshotOfferRequest {
        vote: Some(vote_out(&vote)),
        meta: Some(meta_out(&image.meta, image.id.clone())),
        files: files
            .map(|file| peer::SnapshotFile {
                name: file.name.clone(),
                bytes: file.bytes,
                crc: file.crc,
            })
            .collect(),
    };
    let timeout = shared.options.election();
    let offered = shared.transport.snapshot_offer(target, head.clone(), timeout).await;
    let offered = offered.map_err(|error| streaming(error.into_rpc(shared.options.id, target.id, timeout)))?;
    if offered.held.is_empty() && !head.files.is_empty() {
        return Ok(offered.vote);
    }
    let resumed = resumed(&head.files, &offered.held)
        .ok_or_else(|| TransportError::Refused("an answer to a snapshot offer that does not fit it".to_owned()))
        .map_err(|error| streaming(error.into_rpc(shared.options.id, target.id, timeout)))?;
    let total = head.files.iter().map(|file| file.bytes).sum::<u64>();
    tracing::info!(
        target = target.id,
        image = image.id,
        resumed,
        total,
        "sending a snapshot"
    );
    let sending = Sending {
        shared: shared.clone(),
        image,
        head: Some(head),
        held: offered.held,
        file: 0,
        started: false,
    };
    let chunks: BoxStream<'static, _> = futures_util::stream::unfold(sending, Sending::next).boxed();
    tokio::select! {
        closed = cancel => Err(StreamingError::Closed(closed)),
        answer = shared.transport.snapshot(target, chunks) => match answer {
            Ok(answer) => Ok(answer.vote),
            Err(error) => Err(streaming(error.into_rpc(shared.options.id, target.id, timeout))),
        },
    }
}

/// How much need not be sent; none where the answer is not about these files, or tells of more than they have.
fn resumed(files: &[peer::SnapshotFile], held: &[u64]) -> Option<u64> {
    let fits = files.len() == held.len() && files.iter().zip(held).all(|(file, held)| *held <= file.bytes);
    fits.then(|| held.iter().sum())
}

fn streaming(error: RPCError<Types>) -> StreamingError<Types> {
    match error {
        RPCError::Timeout(error) => StreamingError::Timeout(error),
        RPCError::Unreachable(error) => StreamingError::Unreachable(error),
        RPCError::Network(error) => StreamingError::Network(error),
        RPCError::RemoteError(error) => StreamingError::Network(NetworkError::new(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_must_fit_its_offer() {
        let files: Vec<_> = [5, 0, 7]
            .map(|bytes| peer::SnapshotFile {
                bytes,
                ..peer::SnapshotFile::default()
            })
            .into();
        assert_eq!(resumed(&files, &[5, 0, 3]), Some(8));
        for held in [
            &[5][..],
            &[5, 0],
            &[5, 0, 7, 0],
            &[6, 0, 0],
            &[0, 1, 0],
            &[u64::MAX, 0, 7],
        ] {
            assert_eq!(resumed(&files, held), None, "{held:?}");
        }
    }
}
