//! A stream of requests and the stream of their answers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use parking_lot::Mutex;
use store_node::Member;
use store_raft::{BoxStream, TransportError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::{End, KERNEL, Net, Number, Port};

/// Between two pings of a stream that stands.
const PING: Duration = Duration::from_secs(2);
/// A ping that is not answered for so long ends the stream.
const PONG: Duration = Duration::from_secs(3);

/// What comes over the stream to the caller; `None` is its end.
type Answer<A> = Option<Result<A, TransportError>>;

/// The far end of a stream, as the caller's packets find it.
struct Far<Q> {
    /// Which life of the node took the stream.
    boot: u64,
    requests: Option<mpsc::UnboundedSender<Q>>,
    served: Option<AbortHandle>,
}

impl<Q> Far<Q> {
    /// The caller wants no more of it.
    fn reset(&mut self) {
        self.requests = None;
        if let Some(served) = self.served.take() {
            served.abort();
        }
    }
}

/// What the two ends of a stream share with the packets between them.
struct Pipe<Q, A> {
    net: Net,
    id: u64,
    caller: End,
    called: Number,
    far: Mutex<Far<Q>>,
    answers: mpsc::UnboundedSender<Answer<A>>,
}

impl<Q: Send + 'static, A: Send + 'static> Pipe<Q, A> {
    /// Sends something to the one who was called; whoever he is by then, he resets what he does not know.
    fn there(self: &Arc<Self>, act: impl FnOnce(&mut Far<Q>) + Send + 'static) {
        let pipe = Arc::clone(self);
        let arrival = move |_: &Net, port: Option<Port>| {
            let mut far = pipe.far.lock();
            if port.is_some_and(|port| port.boot == far.boot) {
                act(&mut far);
            } else {
                drop(far);
                let reset = TransportError::Broken("connection reset".to_owned());
                pipe.back(KERNEL, Some(Err(reset)));
                pipe.back(KERNEL, None);
            }
        };
        self.net
            .post(self.caller, self.called, Some((self.id, true)), Box::new(arrival));
    }

    /// Sends something back to the caller.
    fn back(self: &Arc<Self>, boot: u64, answer: Answer<A>) {
        let from = End {
            node: self.called,
            boot,
        };
        let pipe = Arc::clone(self);
        // The caller may be gone.
        let arrival = move |_: &Net, _: Option<Port>| drop(pipe.answers.send(answer));
        self.net
            .post(from, self.caller.node, Some((self.id, false)), Box::new(arrival));
    }

    /// Asks now and then whether the other end is still there, and ends the stream when it does not say so.
    async fn keep_alive(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PING).await;
            let (pong, ponged) = oneshot::channel();
            let pipe = Arc::clone(&self);
            self.there(move |far| {
                let from = End {
                    node: pipe.called,
                    boot: far.boot,
                };
                let arrival = move |_: &Net, _: Option<Port>| _ = pong.send(());
                pipe.net
                    .post(from, pipe.caller.node, Some((pipe.id, false)), Box::new(arrival));
            });
            if !matches!(tokio::time::timeout(PONG, ponged).await, Ok(Ok(()))) {
                let silent = TransportError::Broken("no answer to a ping".to_owned());
                // The caller may be gone.
                drop(self.answers.send(Some(Err(silent))));
                drop(self.answers.send(None));
                return;
            }
        }
    }

    /// Takes a stream that was opened, at the far end.
    fn take(
        self: &Arc<Self>,
        port: &Port,
        serve: impl FnOnce(Member, BoxStream<'static, Q>) -> BoxStream<'static, Result<A, TransportError>> + Send + 'static,
    ) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let requests = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|request| (request, receiver))
        });
        let (pipe, member, boot) = (Arc::clone(self), port.member.clone(), port.boot);
        let mut far = self.far.lock();
        far.boot = boot;
        far.requests = Some(sender);
        let serving = port.runtime.spawn(async move {
            let mut answers = serve(member, requests.boxed());
            while let Some(answer) = answers.next().await {
                pipe.back(boot, Some(answer));
            }
            pipe.back(boot, None);
        });
        far.served = Some(serving.abort_handle());
    }
}

/// The caller's end: answers as they come, and a reset of the far end when it is dropped.
struct Near<Q: Send + 'static, A: Send + 'static> {
    pipe: Arc<Pipe<Q, A>>,
    answers: mpsc::UnboundedReceiver<Answer<A>>,
    ended: bool,
    /// What sends the requests, and what asks whether the other end lives.
    tasks: [AbortHandle; 2],
}

impl<Q: Send + 'static, A: Send + 'static> Stream for Near<Q, A> {
    type Item = Result<A, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let answer = std::task::ready!(self.answers.poll_recv(context)).flatten();
        self.ended = answer.is_none();
        Poll::Ready(answer)
    }
}

impl<Q: Send + 'static, A: Send + 'static> Drop for Near<Q, A> {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        if !self.ended {
            self.pipe.there(Far::reset);
        }
    }
}

impl Net {
    /// Opens a stream; connecting takes as long as `limit` by the caller's own clock at most.
    pub(super) async fn open<Q: Send + 'static, A: Send + 'static>(
        &self,
        caller: End,
        called: Number,
        limit: Duration,
        mut requests: BoxStream<'static, Q>,
        serve: impl FnOnce(Member, BoxStream<'static, Q>) -> BoxStream<'static, Result<A, TransportError>> + Send + 'static,
    ) -> Result<BoxStream<'static, Result<A, TransportError>>, TransportError> {
        let (answer, answers) = mpsc::unbounded_channel();
        let far = Far {
            boot: KERNEL,
            requests: None,
            served: None,
        };
        let pipe = Arc::new(Pipe {
            net: self.clone(),
            id: self.number(),
            caller,
            called,
            far: Mutex::new(far),
            answers: answer,
        });
        let (opened, mut open) = mpsc::unbounded_channel();
        let knocking = Arc::clone(&pipe);
        let arrival = move |net: &Self, port: Option<Port>| {
            let boot = port.as_ref().map_or(KERNEL, |port| port.boot);
            if let Some(port) = &port {
                knocking.take(port, serve);
            }
            let accepted = port.is_some();
            let back = move |_: &Self, _: Option<Port>| _ = opened.send(accepted);
            net.post(
                End { node: called, boot },
                caller.node,
                Some((knocking.id, false)),
                Box::new(back),
            );
        };
        self.post(caller, called, Some((pipe.id, true)), Box::new(arrival));
        match tokio::time::timeout(limit, open.recv()).await {
            Ok(Some(true)) => {}
            Ok(_) => return Err(TransportError::Unreachable("connection refused".to_owned())),
            Err(_) => {
                pipe.there(Far::reset);
                return Err(TransportError::Unreachable("no connection in time".to_owned()));
            }
        }
        let sender = Arc::clone(&pipe);
        let runtime = tokio::runtime::Handle::current();
        let pinging = runtime.spawn(Arc::clone(&pipe).keep_alive());
        let sending = runtime.spawn(async move {
            while let Some(request) = requests.next().await {
                sender.there(move |far| {
                    if let Some(requests) = &far.requests {
                        // Whoever served it may be done.
                        drop(requests.send(request));
                    }
                });
            }
            sender.there(|far| far.requests = None);
        });
        let near = Near {
            pipe,
            answers,
            ended: false,
            tasks: [sending.abort_handle(), pinging.abort_handle()],
        };
        Ok(near.boxed())
    }
}
