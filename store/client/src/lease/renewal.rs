//! The task that renews all leases of a client over one stream.

use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, TryFutureExt};
use proto::etcd::{LeaseKeepAliveRequest, LeaseKeepAliveResponse};
use tokio::sync::{OnceCell, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::ledger::{Ledger, Life};
use crate::client::{Core, Inner};
use crate::outbox::Outbox;
use crate::retry::backoff;
use crate::{Error, Result};

/// Requests that may wait for the task.
const COMMANDS: usize = 256;

/// A lease that is renewed as long as this is held.
#[derive(Clone, Debug)]
pub struct KeepAlive {
    id: i64,
    life: watch::Receiver<Life>,
}

impl KeepAlive {
    /// The lease.
    #[must_use]
    pub const fn id(&self) -> i64 {
        self.id
    }

    /// Whether the lease is over, or may be as far as this client can know.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        *self.life.borrow() == Life::Lost || self.life.has_changed().is_err()
    }

    /// Waits for the next renewal. Gives the seconds it is good for.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn renewed(&mut self) -> Result<i64> {
        loop {
            if self.life.changed().await.is_err() {
                return Err(Error::LeaseLost(self.id));
            }
            match *self.life.borrow_and_update() {
                Life::Lost => return Err(Error::LeaseLost(self.id)),
                Life::Alive(ttl) => return Ok(ttl),
                Life::Asked => {}
            }
        }
    }

    /// Waits until the lease is over, or may be.
    pub async fn lost(&self) {
        let mut life = self.life.clone();
        // An error means that the task is gone: nothing renews the lease any more.
        let _ = life.wait_for(|life| *life == Life::Lost).await;
    }
}

/// The renewals of a client; the task is started by the first.
#[derive(Default)]
pub(crate) struct Renewals {
    task: OnceCell<mpsc::Sender<Begin>>,
}

struct Begin {
    id: i64,
    holder: watch::Sender<Life>,
}

impl Renewals {
    pub(super) async fn start(&self, inner: &Inner, id: i64) -> Result<KeepAlive> {
        let task = self.task.get_or_init(|| async { spawn(inner) }).await;
        let (holder, life) = watch::channel(Life::Asked);
        task.send(Begin { id, holder }).await.map_err(|_| Error::Closed)?;
        Ok(KeepAlive { id, life })
    }
}

fn spawn(inner: &Inner) -> mpsc::Sender<Begin> {
    let (sender, begins) = mpsc::channel(COMMANDS);
    let (core, stop) = (Arc::clone(&inner.core), inner.tasks.token());
    inner.tasks.spawn(
        "client-lease-renewal",
        Task {
            core,
            begins,
            stop,
            ledger: Ledger::default(),
        }
        .run(),
    );
    sender
}

struct Task {
    core: Arc<Core>,
    begins: mpsc::Receiver<Begin>,
    stop: CancellationToken,
    ledger: Ledger,
}

/// How a stream ended.
enum End {
    Idle,
    Broken(Error),
    Stopped,
}

impl Task {
    async fn run(mut self) {
        let mut failures = 0;
        loop {
            if self.ledger.is_empty() && !self.wait_for_work().await {
                break;
            }
            match self.stream(&mut failures).await {
                End::Stopped => break,
                End::Idle => continue,
                End::Broken(error) => tracing::debug!(%error, "the stream of lease renewals broke"),
            }
            // Leases end in time also while nothing can be renewed; the wait is short against any TTL.
            self.ledger.due(Instant::now());
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(backoff(failures)) => failures += 1,
            }
        }
        self.ledger.end_all();
    }

    async fn wait_for_work(&mut self) -> bool {
        let begin = tokio::select! {
            () = self.stop.cancelled() => None,
            begin = self.begins.recv() => begin,
        };
        begin.map(|begin| self.begin(begin)).is_some()
    }

    fn begin(&mut self, Begin { id, holder }: Begin) {
        let patience = self.core.options.dial_timeout + std::time::Duration::from_secs(1);
        self.ledger.add(id, holder, Instant::now(), patience);
    }

    async fn stream(&mut self, failures: &mut u32) -> End {
        let link = self.core.endpoints().pick();
        let (outbox, requests) = Outbox::new();
        let mut request = Request::new(requests);
        let attached = tokio::select! {
            () = self.stop.cancelled() => return End::Stopped,
            attached = self.core.token.attach(&self.core, &mut request) => attached,
        };
        let token = match attached {
            Ok(token) => token,
            Err(error) => return End::Broken(error),
        };
        self.ledger.reopen(Instant::now());
        let mut client = link.lease();
        let opening = async move { client.lease_keep_alive(request).await.map(Response::into_inner) };
        let end = self.serve(&outbox, opening.try_flatten_stream(), failures).await;
        match &end {
            End::Broken(error) if error.wants_new_token() => self.core.token.expire(token),
            End::Broken(error) => link.report(Some(error)),
            _ => link.report(None),
        }
        end
    }

    async fn serve<S>(&mut self, outbox: &Outbox<LeaseKeepAliveRequest>, answers: S, failures: &mut u32) -> End
    where
        S: Stream<Item = std::result::Result<LeaseKeepAliveResponse, Status>>,
    {
        let mut answers = pin!(answers);
        loop {
            let now = Instant::now();
            self.ledger
                .due(now)
                .into_iter()
                .for_each(|id| outbox.push(LeaseKeepAliveRequest { id }));
            let Some(wake) = self.ledger.wake() else {
                return End::Idle;
            };
            tokio::select! {
                () = self.stop.cancelled() => return End::Stopped,
                () = tokio::time::sleep_until(wake) => {}
                begin = self.begins.recv() => match begin {
                    Some(begin) => self.begin(begin),
                    None => return End::Stopped,
                },
                answer = answers.next() => match answer {
                    Some(Ok(answer)) => {
                        *failures = 0;
                        self.ledger.answered(answer.id, answer.ttl, Instant::now());
                    }
                    Some(Err(status)) => return End::Broken(status.into()),
                    None => return End::Broken(Error::ConnectionLost("the store ended the stream".to_owned())),
                },
            }
        }
    }
}
