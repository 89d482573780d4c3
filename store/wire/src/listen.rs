//! One accept loop a port: TLS off the accept path, HTTP/1.1 and HTTP/2 on the same socket, a drain at the end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::task::Tasks;
use base::tls::ServerTls;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use crate::address::{Bound, Socket};
use crate::heads::Lenient;
use crate::metrics::Metrics;
use crate::pings::Guarded;
use crate::server::Options;

/// How long the loop rests after the system refused to accept (no file descriptors left).
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// How long a client may take to say its first word, and to send the head of an HTTP/1.1 request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Flow-control window of a stream and of a connection: a member is fed faster than the default 64 KiB allows.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Streams that a client reset before they were looked at; above it the connection is closed (rapid reset).
const MAX_PENDING_RESETS: usize = 1024;

/// What is known of the other end of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// Where it comes from; absent on unix sockets.
    pub(crate) remote: Option<SocketAddr>,
    /// Whether it speaks TLS.
    pub(crate) secure: bool,
    /// The common name in the client's verified certificate; absent if it is empty.
    pub(crate) common_name: Option<Arc<str>>,
    /// Whether what it carries comes through the JSON gateway.
    pub(crate) gateway: bool,
}

/// Answers the requests of a port.
pub(crate) trait Answer: Send + Sync + 'static {
    /// One request.
    fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        connection: Arc<Connection>,
    ) -> impl Future<Output = http::Response<Body>> + Send + 'static;
}

/// What an accept loop works with.
pub(crate) struct Port<A> {
    /// `client`, `peer` or `metrics`, for metrics and logs.
    pub(crate) name: &'static str,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) answer: Arc<A>,
    pub(crate) options: Arc<Options>,
    pub(crate) metrics: Metrics,
    pub(crate) tasks: Tasks,
    /// Once cancelled, nothing is accepted and open connections are told to go away.
    pub(crate) draining: CancellationToken,
}

impl<A: Answer> Port<A> {
    /// Accepts until drained.
    pub(crate) async fn run(self, bound: Bound) {
        let port = Arc::new(self);
        tracing::info!(port = port.name, url = bound.url(), "serving");
        loop {
            let accepted = tokio::select! {
                biased;
                () = port.draining.cancelled() => return,
                accepted = bound.accept() => accepted,
            };
            match accepted {
                Ok((socket, remote)) => {
                    let this = Arc::clone(&port);
                    port.tasks
                        .spawn_until("connection", async move { this.connection(socket, remote).await });
                }
                Err(error) => {
                    tracing::warn!(port = port.name, %error, "cannot accept");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, socket: Socket, remote: Option<SocketAddr>) {
        let open = self.metrics.connections.with_label_values(&[self.name]);
        open.inc();
        let _open = Closing(open);
        let Some(tls) = &self.tls else {
            let connection = Connection {
                remote,
                ..Connection::default()
            };
            return self.serve(socket, connection).await;
        };
        let handshake = tls.accept(socket, remote.map(|at| at.ip()));
        match tokio::time::timeout(self.options.handshake_timeout, handshake).await {
            Ok(Ok(stream)) => {
                let identity = base::tls::identity(stream.get_ref().1.peer_certificates());
                let connection = Connection {
                    remote,
                    secure: true,
                    common_name: identity
                        .filter(|identity| !identity.common_name.is_empty())
                        .map(|identity| identity.common_name.into()),
                    gateway: false,
                };
                self.serve(Box::new(stream), connection).await;
            }
            Ok(Err(error)) => {
                self.metrics.handshake_failures.with_label_values(&[self.name]).inc();
                tracing::warn!(port = self.name, ?remote, %error, "rejected connection");
            }
            Err(_) => {
                self.metrics.handshake_failures.with_label_values(&[self.name]).inc();
                tracing::warn!(
                    port = self.name,
                    ?remote,
                    "rejected connection: the TLS handshake took too long"
                );
            }
        }
    }

    async fn serve(&self, socket: Socket, connection: Connection) {
        let connection = Arc::new(connection);
        let answer = Arc::clone(&self.answer);
        let service = service_fn(move |request: http::Request<Incoming>| {
            let answered = Arc::clone(&answer).answer(request, Arc::clone(&connection));
            async move { Ok::<_, std::convert::Infallible>(answered.await) }
        });
        let builder = self.builder();
        let socket = Guarded::new(socket, self.options.keepalive_min_time);
        let spoke = socket.spoke();
        let socket = TokioIo::new(Lenient::new(socket, self.options.max_header_bytes));
        let mut serving = pin!(builder.serve_connection_with_upgrades(socket, service));
        // One for each connection: it is looked at with every packet, and what all share is a lock.
        let draining = self.draining.child_token();
        let ended = tokio::select! {
            biased;
            ended = serving.as_mut() => Some(ended),
            () = draining.cancelled() => None,
            () = silence(&spoke) => return,
        };
        let ended = if let Some(ended) = ended {
            ended
        } else {
            serving.as_mut().graceful_shutdown();
            tokio::time::timeout(self.options.drain_timeout, serving)
                .await
                .unwrap_or(Ok(()))
        };
        if let Err(error) = ended {
            // Clients that vanish are everyday; whoever looks for one finds it at this level.
            tracing::debug!(port = self.name, %error, "connection ended");
        }
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let options = &self.options;
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(options.keepalive_interval)
            .keep_alive_timeout(options.keepalive_timeout)
            .max_concurrent_streams(options.max_concurrent_streams)
            .max_header_list_size(options.max_header_bytes)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS);
        builder
    }
}

/// Ends when a client has said nothing for too long; never once it has.
async fn silence(spoke: &AtomicBool) {
    tokio::time::sleep(HEAD_TIMEOUT).await;
    if spoke.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

/// Counts a connection out, however it ends.
struct Closing(prometheus::IntGauge);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.dec();
    }
}
