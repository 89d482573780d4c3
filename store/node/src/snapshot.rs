//! Maintenance.Snapshot: everything held, as a file that etcd's own tools read.
//!
//! The file is made twice from one view: first only measured, as its head and the stream's first message need its
//! size, then written into a short queue that the client empties. Nothing is held but that queue and the view.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proto::etcd::{AlarmType, SnapshotRequest, SnapshotResponse};
use store_bolt::etcd::{ConfState, Contents, Downgrade, Lease, Plan, Version, measure, write};
use store_machine::State;
use store_mvcc::View;
use tokio::sync::mpsc;

use crate::admit::{Admitted, Learner};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::offload;
use crate::{Member, VERSION};

/// Bytes of one message; upstream's number.
const BLOB: usize = 32 << 10;
/// Messages that may be written ahead of the client.
const AHEAD: usize = 16;
/// Bytes of the hash at the end of the file, a message of its own.
const HASH: u64 = 32;
/// How often the state is looked at again to find one that belongs to the view.
const LOOKS: usize = 100;

type Piece = std::result::Result<Bytes, String>;

/// A snapshot under way.
pub struct Snapshot {
    member: Member,
    _admitted: Admitted,
    pieces: mpsc::Receiver<Piece>,
    /// Bytes of the database that are still to come.
    left: u64,
    ended: bool,
}

impl Member {
    /// Starts a snapshot.
    ///
    /// # Errors
    /// Auth, and those of the engine.
    pub async fn snapshot(&self, caller: &Caller, _request: SnapshotRequest) -> Result<Snapshot> {
        let admitted = self.admit_admin(caller, Learner::Serves).await?;
        let (view, state) = self.matching();
        let status = self.status.borrow().clone();
        let contents = contents(
            &state,
            status.voters.into_iter().collect(),
            status.learners.into_iter().collect(),
        );
        tracing::info!(revision = view.revision(), "sending a snapshot");
        let source = Arc::new((view, contents));
        let measured = Arc::clone(&source);
        let plan = offload::run(&self.tasks, "snapshot", move || plan(&measured)).await?;
        let plan = plan.map_err(|error| Error::internal(format!("etcdserver: {error}")))?;
        let left = plan.bytes().saturating_sub(HASH);
        let pieces = self.send(source, plan, left);
        Ok(Snapshot {
            member: self.clone(),
            _admitted: admitted,
            pieces,
            left,
            ended: false,
        })
    }

    /// A view and the state that belongs to it. Under constant writes the state may stay a little behind, which is a
    /// state that was, too.
    fn matching(&self) -> (View, Arc<State>) {
        let mut state = self.reader.state();
        let mut view = self.mvcc.view();
        for _ in 0..LOOKS {
            if view.revision() == state.revision {
                break;
            }
            state = self.reader.state();
            view = self.mvcc.view();
        }
        (view, state)
    }

    fn send(&self, source: Arc<(View, Contents)>, plan: Plan, left: u64) -> mpsc::Receiver<Piece> {
        // Without threads nobody empties the queue meanwhile, so it must hold everything.
        let waits = !self.tasks.is_inline();
        let room = if waits {
            AHEAD
        } else {
            (left / BLOB as u64 + 4) as usize
        };
        let (sender, receiver) = mpsc::channel(room);
        let (metrics, clock) = (Arc::clone(&self.metrics), Arc::clone(&self.clock));
        let work = move || {
            let started = clock.monotonic();
            let out = Blobs {
                sender: sender.clone(),
                blob: BytesMut::new(),
                left,
                waits,
            };
            if let Err(error) = write(out, &plan, &source.1, versions(&source.0)) {
                // A client that went away is no error of ours; there is nobody to tell.
                let _ = sender.try_send(Err(error.to_string()));
            }
            metrics
                .disk
                .snapshot
                .observe(clock.monotonic().saturating_sub(started).as_secs_f64());
        };
        let tasks = self.tasks.clone();
        self.tasks.spawn_until("snapshot", async move {
            let _ = offload::run(&tasks, "snapshot", work).await;
        });
        receiver
    }
}

impl Snapshot {
    /// The next piece; `None` after the hash. Safe to drop and call again.
    pub async fn next(&mut self) -> Option<Result<SnapshotResponse>> {
        if self.ended {
            return None;
        }
        let piece = tokio::select! {
            piece = self.pieces.recv() => piece?,
            () = self.member.life.stopping() => {
                self.ended = true;
                return Some(Err(proto::fault::Fault::Stopped.into()));
            }
        };
        match piece {
            Ok(blob) => {
                self.left = self.left.saturating_sub(blob.len() as u64);
                Some(Ok(SnapshotResponse {
                    header: Some(self.member.header()),
                    remaining_bytes: self.left,
                    blob,
                    version: VERSION.to_owned(),
                }))
            }
            Err(text) => {
                self.ended = true;
                Some(Err(Error::internal(format!("etcdserver: snapshot failed: {text}"))))
            }
        }
    }
}

/// Writes what a stopped member holds into `out`, as such a file; for tools that work on its data folder.
///
/// # Errors
/// Those of the engine and of `out`.
pub fn save_snapshot(reader: &store_machine::Reader, out: impl Write) -> store_bolt::Result<()> {
    let state = reader.state();
    let voters = state.members.voters().map(|member| member.id).collect();
    let learners = state.members.learners().map(|member| member.id).collect();
    let source = (reader.mvcc().view(), contents(&state, voters, learners));
    let plan = plan(&source)?;
    write(out, &plan, &source.1, versions(&source.0))?.flush()?;
    Ok(())
}

fn plan((view, contents): &(View, Contents)) -> store_bolt::Result<Plan> {
    measure(contents, versions(view))
}

/// The versions of a view as the file wants them.
fn versions(view: &View) -> Box<dyn Iterator<Item = store_bolt::Result<Version>>> {
    let failed = |error: store_mvcc::Error| store_bolt::Error::Source(Box::new(error));
    match view.export() {
        Err(error) => Box::new(std::iter::once(Err(failed(error)))),
        Ok(export) => Box::new(export.map(move |version| {
            let version = version.map_err(failed)?;
            let (main, sub) = (version.revision.main, version.revision.sub);
            Ok(Version {
                main,
                sub,
                tombstone: version.tombstone,
                value: version.kv,
            })
        })),
    }
}

/// Everything but the keys.
fn contents(state: &State, voters: Vec<u64>, learners: Vec<u64>) -> Contents {
    let compacted = (state.compacted > 0).then_some(state.compacted);
    Contents {
        consistent_index: state.applied_index,
        term: state.applied_term,
        conf_state: Some(ConfState {
            voters,
            learners,
            ..ConfState::default()
        }),
        storage_version: Some(VERSION.to_owned()),
        scheduled_compaction: compacted,
        finished_compaction: compacted,
        leases: state
            .leases
            .iter()
            .map(|lease| Lease {
                id: lease.id(),
                ttl: lease.ttl(),
                remaining_ttl: lease.remaining(),
            })
            .collect(),
        auth_enabled: state.auth.enabled(),
        auth_revision: state.auth.revision(),
        users: state.auth.users().cloned().collect(),
        roles: state.auth.roles().cloned().collect(),
        members: state.members.list(),
        removed_members: state.members.removed().collect(),
        cluster_version: state.cluster_version.clone(),
        downgrade: Some(Downgrade {
            target_version: state.downgrade.target_version.clone(),
            enabled: state.downgrade.enabled,
        }),
        alarms: state.alarms.list(AlarmType::None),
    }
}

/// Cuts the file into messages; what follows the database goes into one of its own.
struct Blobs {
    sender: mpsc::Sender<Piece>,
    blob: BytesMut,
    /// Bytes of the database that were not written yet.
    left: u64,
    waits: bool,
}

impl Blobs {
    fn emit(&mut self) -> io::Result<()> {
        if self.blob.is_empty() {
            return Ok(());
        }
        let piece = Ok(self.blob.split().freeze());
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the client went away");
        if self.waits {
            self.sender.blocking_send(piece).map_err(gone)
        } else {
            self.sender
                .try_send(piece)
                .map_err(|_| io::Error::other("the queue is too short"))
        }
    }
}

impl Write for Blobs {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let room = (BLOB - self.blob.len()) as u64;
        let limit = if self.left > 0 { room.min(self.left) } else { room };
        let taken = data.len().min(limit as usize);
        self.blob.extend_from_slice(&data[..taken]);
        let in_database = self.left > 0;
        self.left = self.left.saturating_sub(taken as u64);
        if self.blob.len() == BLOB || (in_database && self.left == 0) {
            self.emit()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.emit()
    }
}
