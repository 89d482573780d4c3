//! `etcdserverpb.Watch`: one stream carries many watches.
//!
//! Nothing is queued here. The session is asked for the next answer when HTTP/2 can take one, and the client's requests
//! are read while that is waited for; a client that does not read is not read from either.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use http::Response;
use proto::etcd::WatchResponse;
use proto::fault::Fault;
use store_node::WatchSession;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;

use super::Rpc;
use super::call::Call;
use super::reply::Listed;
use super::requests::Requests;
use crate::status;

struct Open {
    session: WatchSession,
    /// Reads the client's requests; gone once the client has closed its side.
    reading: Option<BoxFuture<'static, Result<(), Status>>>,
    /// One for each stream: it is looked at with every answer, and what all share is a lock.
    drained: Pin<Box<WaitForCancellationFutureOwned>>,
}

pub(super) fn watch(rpc: Arc<Rpc>, call: Call) -> BoxFuture<'static, Response<Body>> {
    Box::pin(async move {
        let session = match rpc.member.watch(&call.caller).await {
            Ok(session) => session,
            Err(error) => return call.reply.refuse(&status::of_error(error)),
        };
        let open = Open {
            reading: Some(Box::pin(read(call.requests, session.clone()))),
            session,
            drained: Box::pin(rpc.draining.child_token().cancelled_owned()),
        };
        call.reply.many(Box::pin(unfold(Some(open), |open| async move {
            let mut open = open?;
            let answer = open.next().await;
            let rest = answer.is_ok().then_some(open);
            Some((answer.map(Listed::from), rest))
        })))
    })
}

/// Hands the client's requests to the session until the client closes its side.
///
/// Its watches go on then: upstream's do, and a gateway client's side is closed as soon as its request is sent.
async fn read(mut requests: Requests, session: WatchSession) -> Result<(), Status> {
    while let Some(request) = requests.next().await {
        session.handle(request?).await;
    }
    Ok(())
}

impl Open {
    /// What the stream gives next; it ends with the first error.
    async fn next(&mut self) -> Result<WatchResponse, Status> {
        loop {
            let reading = async {
                match &mut self.reading {
                    Some(reading) => reading.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                read = reading => read.map(|()| self.reading = None)?,
                answer = self.session.next() => return answer.map_err(status::of_error),
                () = &mut self.drained => return Err(status::of_fault(Fault::Stopped)),
            }
        }
    }
}
