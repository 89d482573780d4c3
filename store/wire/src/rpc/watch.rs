//! `etcdserverpb.Watch`: one stream carries many watches.
//!
//! Nothing is queued here. The session is asked for the next answer when HTTP/2 can take one, and the client's requests
//! are read while that is waited for; a client that does not read is not read from either.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use proto::etcd::{WatchRequest, WatchResponse, watch_server};
use proto::fault::Fault;
use store_node::WatchSession;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::stream::Answers;
use super::{Rpc, caller};
use crate::status;

struct Open {
    session: WatchSession,
    /// Reads the client's requests; gone once the client has closed its side.
    reading: Option<BoxFuture<'static, Result<(), Status>>>,
    draining: CancellationToken,
}

#[tonic::async_trait]
impl watch_server::Watch for Rpc {
    type WatchStream = Answers<WatchResponse>;

    async fn watch(&self, request: Request<Streaming<WatchRequest>>) -> Result<Response<Self::WatchStream>, Status> {
        let caller = caller(&request);
        let session = self.member.watch(&caller).await.map_err(status::of_error)?;
        let reading = Box::pin(read(request.into_inner(), session.clone()));
        let open = Open {
            session,
            reading: Some(reading),
            draining: self.draining.clone(),
        };
        Ok(Response::new(Box::pin(unfold(Some(open), |open| async move {
            Some(next(open?).await)
        }))))
    }
}

/// Hands the client's requests to the session until the client closes its side.
///
/// Its watches go on then: upstream's do, and a gateway client's side is closed as soon as its request is sent.
async fn read(mut requests: Streaming<WatchRequest>, session: WatchSession) -> Result<(), Status> {
    while let Some(request) = requests.next().await {
        session.handle(request?).await;
    }
    Ok(())
}

/// What the stream gives next, and what it goes on with: nothing after an error.
type Next = (Result<WatchResponse, Status>, Option<Open>);

async fn next(mut open: Open) -> Next {
    loop {
        let reading = async {
            match &mut open.reading {
                Some(reading) => reading.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = reading => match read {
                Ok(()) => open.reading = None,
                Err(status) => return (Err(status), None),
            },
            answer = open.session.next() => return match answer {
                Ok(answer) => (Ok(answer), Some(open)),
                Err(error) => (Err(status::of_error(error)), None),
            },
            () = open.draining.cancelled() => return (Err(status::of_fault(Fault::Stopped)), None),
        }
    }
}
