//! Connections: taken, made secure, and served until the server stops or the client goes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use apiserver_access::authenticate::Peer;
use axum::body::Body;
use base::task::Tasks;
use base::tls::ServerTls;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::gather::Gather;
use crate::leftover::Leftover;
use crate::pipeline::Pipeline;

/// A handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Nor do the headers of a request.
const HEADERS: Duration = Duration::from_secs(32);
/// Streams of one connection at once; upstream's default.
const STREAMS: u32 = 100;
/// After a failure to take a connection, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(20);
/// What an answer says after which its connection ends.
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Serves connections until the tasks end.
pub async fn listen(
    listener: TcpListener,
    tls: ServerTls,
    max_streams: Option<u32>,
    pipeline: Arc<Pipeline>,
    tasks: Tasks,
) {
    let streams = max_streams.unwrap_or(STREAMS);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, tls.clone(), streams, pipeline.clone());
                tasks.spawn_until("api connection", connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: ServerTls, streams: u32, pipeline: Arc<Pipeline>) {
    // Small answers are not held back; where that cannot be said, they are late, not lost.
    let _ = stream.set_nodelay(true);
    let remote = stream.peer_addr().ok();
    let local = stream.local_addr().ok();
    let ip = |address: SocketAddr| address.ip();
    let accepted = tls.accept_at(stream, remote.map(ip), local.map(ip));
    let accepted = tokio::time::timeout(HANDSHAKE, accepted).await;
    let stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            pipeline.machine.metrics.connections.handshake_errors.inc();
            tracing::debug!(%error, ?remote, "TLS handshake error");
            return;
        }
        Err(_) => {
            pipeline.machine.metrics.connections.handshake_errors.inc();
            return;
        }
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let chain = chain.iter().cloned().map(CertificateDer::into_owned).collect();
    let peer = Peer::new(chain).map(Arc::new);
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        serve(Gather::new(stream), peer, remote, streams, pipeline).await;
    } else {
        serve(stream, peer, remote, streams, pipeline).await;
    }
}

/// Serves a connection until the client goes, or until all is answered after it was told to come by another.
async fn serve<S>(stream: S, peer: Option<Arc<Peer>>, remote: Option<SocketAddr>, streams: u32, pipeline: Arc<Pipeline>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Cancelled when this connection is to take no more requests.
    let leaving = pipeline.drain.closing().child_token();
    let leave = leaving.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Body::new(Leftover::of(Body::new(body))));
        if let Some(remote) = remote {
            request.extensions_mut().insert(remote);
        }
        let is_http_2 = request.version() == Version::HTTP_2;
        let served = pipeline.clone().serve(peer.clone(), request);
        let leave = leave.clone();
        async move {
            let mut answer = served.await?;
            // HTTP/2 has no such header: the connection itself is told.
            if is_http_2 && answer.headers().get(CONNECTION) == Some(&CLOSE) {
                answer.headers_mut().remove(CONNECTION);
                leave.cancel();
            }
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams)
        .keep_alive_interval(Some(Duration::from_secs(30)));
    let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        biased;
        () = leaving.cancelled() => None,
        ended = &mut served => Some(ended),
    };
    let served = if let Some(ended) = ended {
        ended
    } else {
        // What it was asked for before is still answered.
        served.as_mut().graceful_shutdown();
        served.await
    };
    if let Err(error) = served {
        tracing::debug!(%error, ?remote, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use http::Request;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    use super::{STREAMS, serve};
    use crate::drain;
    use crate::gather::Gather;
    use crate::pipeline::tests::{Setup, pipeline};

    fn version() -> Request<Body> {
        Request::get("http://h/version").body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_connection_of_http_2_ends_after_an_answer_that_says_so() {
        let pipeline = pipeline(Setup {
            drain: drain::Options {
                send_retry_after: true,
                ..drain::Options::default()
            },
            ..Setup::default()
        });
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let served = serve(Gather::new(theirs), None, None, STREAMS, pipeline.clone());
        let asked = async {
            let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(ours));
            let (mut sender, connection) = client.await.unwrap();
            let talk = async {
                assert_eq!(sender.send_request(version()).await.unwrap().status(), 200);
                // Nobody is there who would be waited for, so the connection is not closed by the end itself.
                let refuse = pipeline
                    .drain
                    .run(Duration::from_secs(1), async || std::future::pending().await);
                let refused = async {
                    let answer = sender.send_request(version()).await.unwrap();
                    assert_eq!(answer.status(), 429);
                    assert!(!answer.headers().contains_key("connection"));
                };
                tokio::select! {
                    biased;
                    () = refuse => {}
                    () = refused => {}
                }
            };
            // The connection ends by itself, while the client would go on.
            tokio::join!(connection, talk).0.unwrap();
        };
        tokio::join!(served, asked);
    }

    #[tokio::test]
    async fn connections_end_with_the_server() {
        let pipeline = pipeline(Setup::default());
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let served = serve(theirs, None, None, STREAMS, pipeline.clone());
        let asked = async {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
            let talk = async {
                assert_eq!(sender.send_request(version()).await.unwrap().status(), 200);
                pipeline.drain.run(Duration::from_secs(1), async || ()).await;
            };
            tokio::join!(connection, talk).0.unwrap();
        };
        tokio::join!(served, asked);
    }
}
