//! The task that owns a watch stream: opens it, feeds the book, and opens it again when it breaks.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, TryFutureExt};
use proto::etcd::{WatchCreateRequest, WatchRequest, WatchResponse};
use proto::fault::Fault;
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};

use super::book::{Book, progress};
use super::queue::{Attention, Id, Queue};
use super::subscription::Subscription;
use crate::client::{Core, Inner};
use crate::outbox::Outbox;
use crate::retry::backoff;
use crate::{Error, Result};

/// Requests of consumers that may wait for the task. It never waits for them, so this is soon empty.
const COMMANDS: usize = 256;

/// The streams of a client. Those that need a leader are apart, since the store ends their stream as a whole.
#[derive(Default)]
pub(crate) struct Hubs {
    plain: OnceCell<Hub>,
    with_leader: OnceCell<Hub>,
}

struct Hub {
    commands: mpsc::Sender<Command>,
    attention: Arc<Attention>,
    next_id: AtomicU64,
}

enum Command {
    Open(Id, Box<Subscription>),
    Progress,
}

impl Hubs {
    /// Hands a watch to its stream.
    pub(super) async fn start(&self, inner: &Inner, request: WatchCreateRequest, leader: bool) -> Result<Arc<Queue>> {
        let hub = self
            .cell(leader)
            .get_or_init(|| async { Hub::spawn(inner, leader) })
            .await;
        let id = hub.next_id.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(Queue::new(
            id,
            inner.core.options.watch_bytes_max,
            Arc::clone(&hub.attention),
        ));
        let subscription = Box::new(Subscription::new(request, Arc::clone(&queue)));
        hub.commands
            .send(Command::Open(id, subscription))
            .await
            .map_err(|_| Error::Closed)?;
        Ok(queue)
    }

    /// Asks for a progress report on one of the streams.
    pub(super) async fn ask_progress(&self, leader: bool) {
        if let Some(hub) = self.cell(leader).get() {
            // The task is gone: so are the watches, and their consumers have been told.
            let _ = hub.commands.send(Command::Progress).await;
        }
    }

    const fn cell(&self, leader: bool) -> &OnceCell<Hub> {
        if leader { &self.with_leader } else { &self.plain }
    }
}

impl Hub {
    fn spawn(inner: &Inner, require_leader: bool) -> Self {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let attention = Arc::new(Attention::default());
        let task = Task {
            core: Arc::clone(&inner.core),
            commands: receiver,
            attention: Arc::clone(&attention),
            stop: inner.tasks.token(),
            book: Book::default(),
            require_leader,
        };
        inner.tasks.spawn("client-watch", task.run());
        Self {
            commands,
            attention,
            next_id: AtomicU64::new(0),
        }
    }
}

struct Task {
    core: Arc<Core>,
    commands: mpsc::Receiver<Command>,
    attention: Arc<Attention>,
    stop: CancellationToken,
    book: Book,
    require_leader: bool,
}

/// How a stream ended.
enum End {
    /// Nobody watches any more.
    Idle,
    /// Opening it again may help. True if it had worked.
    Broken(Error, bool),
    /// All watches of it are over.
    Refused(Error),
    Stopped,
}

/// What woke the task.
enum Wake {
    Stop,
    Commanded(Option<Command>),
    Called(Vec<Id>),
    Frame(Option<std::result::Result<WatchResponse, tonic::Status>>),
}

impl Task {
    async fn run(mut self) {
        let mut failures = 0;
        let mut token_refused = false;
        loop {
            if self.book.is_empty() && !self.wait_for_work().await {
                break;
            }
            let (error, had_worked) = match self.stream().await {
                End::Stopped => break,
                End::Idle => continue,
                End::Refused(error) => {
                    self.book.end_all(&error);
                    continue;
                }
                End::Broken(error, had_worked) => (error, had_worked),
            };
            tracing::debug!(%error, "the watch stream broke");
            if error.wants_new_token() {
                if std::mem::replace(&mut token_refused, true) {
                    self.book.end_all(&error);
                }
                continue;
            }
            (failures, token_refused) = if had_worked {
                (0, false)
            } else {
                (failures + 1, token_refused)
            };
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(backoff(failures)) => {}
            }
        }
        self.book.end_all(&Error::Closed);
        // Those that are still waiting to be opened learn it too.
        self.commands.close();
        while let Some(command) = self.commands.recv().await {
            if let Command::Open(_, subscription) = command {
                subscription.queue.end(Error::Closed);
            }
        }
    }

    /// Waits without a stream until there is something to watch. False when the client is gone.
    async fn wait_for_work(&mut self) -> bool {
        while self.book.is_empty() {
            let command = tokio::select! {
                () = self.stop.cancelled() => return false,
                command = self.commands.recv() => command,
            };
            match command {
                // The request itself is made again when the stream is opened.
                Some(Command::Open(id, subscription)) => drop(self.book.open(id, *subscription)),
                Some(Command::Progress) => {}
                None => return false,
            }
        }
        true
    }

    /// One stream from its opening to its end.
    async fn stream(&mut self) -> End {
        let link = self.core.endpoints().pick();
        let (outbox, requests) = Outbox::new();
        let mut request = Request::new(requests);
        if self.require_leader {
            request
                .metadata_mut()
                .insert("hasleader", MetadataValue::from_static("true"));
        }
        let attached = tokio::select! {
            () = self.stop.cancelled() => return End::Stopped,
            attached = self.core.token.attach(&self.core, &mut request) => attached,
        };
        let token = match attached {
            Ok(token) => token,
            Err(error) if error.is_unavailable() => return End::Broken(error, false),
            Err(error) => return End::Refused(error),
        };
        self.book.reopen().into_iter().for_each(|request| outbox.push(request));
        let mut client = link.watch();
        // The store answers the opening only when it has something to say, so opening and reading are one.
        let opening = async move { client.watch(request).await.map(tonic::Response::into_inner) };
        let end = self.serve(&outbox, opening.try_flatten_stream()).await;
        match &end {
            End::Broken(error, _) if error.wants_new_token() => self.core.token.expire(token),
            End::Broken(error, _) => link.report(Some(error)),
            _ => link.report(None),
        }
        end
    }

    async fn serve<S>(&mut self, outbox: &Outbox<WatchRequest>, frames: S) -> End
    where
        S: futures_util::Stream<Item = std::result::Result<WatchResponse, tonic::Status>>,
    {
        let mut frames = pin!(frames);
        let mut works = false;
        loop {
            let wake = tokio::select! {
                () = self.stop.cancelled() => Wake::Stop,
                command = self.commands.recv() => Wake::Commanded(command),
                ids = self.attention.wait() => Wake::Called(ids),
                frame = frames.next() => Wake::Frame(frame),
            };
            match wake {
                Wake::Stop | Wake::Commanded(None) => return End::Stopped,
                Wake::Commanded(Some(Command::Progress)) => outbox.push(progress()),
                Wake::Commanded(Some(Command::Open(id, subscription))) => {
                    outbox.push(self.book.open(id, *subscription));
                }
                Wake::Called(ids) => {
                    ids.into_iter()
                        .filter_map(|id| self.book.attend(id))
                        .for_each(|request| outbox.push(request));
                    if self.book.is_empty() {
                        return End::Idle;
                    }
                }
                Wake::Frame(Some(Ok(frame))) => match self.book.frame(frame) {
                    Ok(requests) => {
                        works = true;
                        for request in requests {
                            outbox.push(request);
                        }
                    }
                    Err(error) => return End::Broken(error, works),
                },
                Wake::Frame(Some(Err(status))) => return self.broken(Error::from(status), works),
                Wake::Frame(None) => {
                    return End::Broken(Error::ConnectionLost("the store ended the stream".to_owned()), works);
                }
            }
        }
    }

    /// Whether another stream may do better (the rule of `isHaltErr` in upstream's `client/v3/client.go`, but what
    /// does not say that it is final is tried again).
    fn broken(&self, error: Error, works: bool) -> End {
        let code = match &error {
            Error::Fault(Fault::NoLeader) if self.require_leader => return End::Refused(error),
            _ if error.wants_new_token() => return End::Broken(error, works),
            Error::Fault(fault) => fault.code() as i32,
            Error::Status { code, .. } => *code as i32,
            _ => return End::Broken(error, works),
        };
        let halting = [
            Code::Unimplemented,
            Code::PermissionDenied,
            Code::InvalidArgument,
            Code::DataLoss,
        ];
        if halting.iter().any(|&halt| halt as i32 == code) {
            End::Refused(error)
        } else {
            End::Broken(error, works)
        }
    }
}
