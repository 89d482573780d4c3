//! One question and its answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use store_node::Member;
use store_raft::TransportError;
use tokio::sync::oneshot;

use super::{End, KERNEL, Net, Number};

/// What is asked of whoever listens.
pub(super) type Ask<A> = Arc<dyn Fn(Member) -> BoxFuture<'static, Result<A, TransportError>> + Send + Sync>;

/// Where the answer is waited for. Kept by the caller too, so that he does not learn from its end that the one he asked
/// is gone.
type Told<A> = Arc<Mutex<Option<oneshot::Sender<Result<A, TransportError>>>>>;

impl Net {
    /// Asks, and waits as long as `limit` by the caller's own clock.
    pub(super) async fn call<A: Send + 'static>(
        &self,
        from: End,
        to: Number,
        limit: Duration,
        ask: Ask<A>,
    ) -> Result<A, TransportError> {
        let (tell, told) = oneshot::channel();
        let tell: Told<A> = Arc::new(Mutex::new(Some(tell)));
        self.ask(from, to, Arc::clone(&ask), Arc::clone(&tell));
        let answered = tokio::time::timeout(limit, told).await;
        drop(tell);
        match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(TransportError::Broken("nobody answers".to_owned())),
            Err(_) => Err(TransportError::Timeout),
        }
    }

    /// The same for a question that may be heard twice.
    pub(super) async fn call_or_twice<A: Send + 'static>(
        &self,
        from: End,
        to: Number,
        limit: Duration,
        ask: Ask<A>,
    ) -> Result<A, TransportError> {
        if self.doubles(from.node, to) {
            self.ask(from, to, Arc::clone(&ask), Arc::new(Mutex::new(None)));
        }
        self.call(from, to, limit, ask).await
    }

    fn ask<A: Send + 'static>(&self, from: End, to: Number, ask: Ask<A>, tell: Told<A>) {
        let arrival = move |net: &Self, port: Option<super::Port>| {
            let Some(port) = port else {
                let refused = TransportError::Unreachable("connection refused".to_owned());
                return net.answer(KERNEL, to, from.node, tell, Err(refused));
            };
            let net = net.clone();
            port.runtime.spawn(async move {
                let answer = ask(port.member).await;
                net.answer(port.boot, to, from.node, tell, answer);
            });
        };
        self.post(from, to, None, Box::new(arrival));
    }

    fn answer<A: Send + 'static>(
        &self,
        boot: u64,
        node: Number,
        to: Number,
        tell: Told<A>,
        answer: Result<A, TransportError>,
    ) {
        let arrival = move |_: &Self, _: Option<super::Port>| {
            if let Some(tell) = tell.lock().take() {
                // He may have given up.
                drop(tell.send(answer));
            }
        };
        self.post(End { node, boot }, to, None, Box::new(arrival));
    }
}
