//! Connections: taken, made secure, and served until the server stops or the client goes.

use std::convert::Infallible;
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

use crate::answer::Answer;
use crate::door;
use crate::gather::Gather;
use crate::leftover::Leftover;
use crate::pipeline::{Pipeline, Stranger};

/// A handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Nor do the headers of a request.
const HEADERS: Duration = Duration::from_secs(32);
/// Streams of one connection at once; upstream's default.
const STREAMS: u32 = 100;
/// The headers of a request, its target among them, have so many bytes at most; upstream's limit. No buffer is so
/// large from the beginning: each grows with what comes. Over HTTP/1 about as much of an answer waits for a client that
/// reads slowly, since hyper has one limit for what is read and what is written.
const HEADERS_MAX: u32 = 1 << 20;
/// What Go's server grants beyond it over HTTP/1, and over HTTP/2, where a header counts for 32 bytes more than it has.
const HEADERS_MORE: [u32; 2] = [4096, 320];
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
        let (pipeline, peer, leave) = (pipeline.clone(), peer.clone(), leave.clone());
        async move {
            if let Some(answer) = door::answer(&request) {
                return Ok::<_, Infallible>(answer);
            }
            let mut answer = pipeline.serve(peer, request).await?;
            // HTTP/2 has no such header: the connection itself is told.
            if is_http_2 && ends(&answer) {
                answer.headers_mut().remove(CONNECTION);
                leave.cancel();
            }
            Ok(answer)
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    let [most_1, most_2] = HEADERS_MORE.map(|more| HEADERS_MAX + more);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(most_1 as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(most_2)
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

/// Whether a connection of HTTP/2 ends with an answer. Whoever is nobody gets no more than one of it, since its streams
/// cost more than its connections.
fn ends(answer: &Answer) -> bool {
    answer.headers().get(CONNECTION) == Some(&CLOSE) || answer.extensions().get::<Stranger>().is_some()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use axum::body::Body;
    use http::Request;
    use hyper::client::conn::http2::SendRequest;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::{STREAMS, serve};
    use crate::drain;
    use crate::gather::Gather;
    use crate::pipeline::Pipeline;
    use crate::pipeline::tests::{Setup, pipeline};

    fn version() -> Request<Body> {
        let request = Request::get("http://h/version").header("host", "h");
        request.body(Body::empty()).unwrap()
    }

    /// Asks over a connection of HTTP/2 until it ends, which it does by itself while the client would go on.
    async fn ask_over_http_2(pipeline: Arc<Pipeline>, ask: impl AsyncFnOnce(SendRequest<Body>)) {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let served = serve(Gather::new(theirs), None, None, STREAMS, pipeline);
        let asked = async {
            let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
            client.max_header_list_size(1 << 22);
            let (sender, connection) = client.handshake(TokioIo::new(ours)).await.unwrap();
            tokio::join!(connection, ask(sender)).0.unwrap();
        };
        tokio::join!(served, asked);
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
        let drain = pipeline.drain.clone();
        ask_over_http_2(pipeline, async move |mut sender| {
            // Nobody is there who would be waited for, so the connection is not closed by the end itself.
            let refuse = drain.run(Duration::from_secs(1), async || std::future::pending().await);
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
        })
        .await;
    }

    #[tokio::test]
    async fn a_connection_of_http_2_ends_after_an_answer_to_nobody() {
        for (token, code) in [(None, 200), (Some("Bearer nope"), 401)] {
            let mut request = version();
            if let Some(token) = token {
                request.headers_mut().insert("authorization", token.parse().unwrap());
            }
            ask_over_http_2(pipeline(Setup::default()), async move |mut sender| {
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.status(), code);
                assert!(!answer.headers().contains_key("connection"));
            })
            .await;
        }
    }

    #[tokio::test]
    async fn headers_of_http_2_may_be_as_large_as_upstream_s() {
        for (size, code) in [(1 << 19, 200), ((1 << 20) - 200, 200), ((1 << 20) + 400, 431)] {
            let mut request = version();
            request.headers_mut().insert("x", "x".repeat(size).parse().unwrap());
            ask_over_http_2(pipeline(Setup::default()), async move |mut sender| {
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.status(), code, "{size}");
            })
            .await;
        }
    }

    /// What is answered to these bytes, until the connection ends.
    async fn answered(request: &str) -> String {
        let (mut ours, theirs) = tokio::io::duplex(1 << 16);
        let served = serve(theirs, None, None, STREAMS, pipeline(Setup::default()));
        let asked = async {
            // It may be refused before all is sent.
            let _ = ours.write_all(request.as_bytes()).await;
            let mut answer = Vec::new();
            ours.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        tokio::join!(served, asked).1
    }

    #[tokio::test]
    async fn requests_of_http_1_that_can_be_read_in_two_ways_are_refused() {
        let asked = |line: &str, headers: &str| format!("{line} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
        let get = |headers: &str| asked("GET /version", headers);
        let post = |headers: &str| asked("POST /version", &format!("Host: h\r\n{headers}")) + "abc";
        let padded = |size: usize| get(&format!("Host: h\r\nX: {}\r\n", "x".repeat(size)));
        let long = |size: usize| asked(&format!("GET /{}", "x".repeat(size)), "Host: h\r\n");
        for (request, code) in [
            (get("Host: h\r\n"), 200),
            (get(""), 400),
            (get("Host: h\r\nHost: h\r\n"), 400),
            (get("Host : h\r\n"), 400),
            (get("Host: h\r\nX: a\r\n b\r\n"), 400),
            (get("Host: h\r\nX: a\0b\r\n"), 400),
            (get("Host: h\r\nExpect: tea\r\n"), 417),
            (post("Content-Length : 3\r\n"), 400),
            (post("Content-Length: 3\r\nContent-Length: 4\r\n"), 400),
            (post("Content-Length: +3\r\n"), 400),
            (post("Content-Length: 3, 3\r\n"), 400),
            (post("Transfer-Encoding: gzip\r\n"), 400),
            (post("Transfer-Encoding: gzip, chunked\r\n"), 501),
            (asked("GET /n%zz", "Host: h\r\n"), 400),
            (asked("GET /n%", "Host: h\r\n"), 400),
            (asked("GET *", "Host: h\r\n"), 404),
            (asked("OPTIONS *", "Host: h\r\n"), 200),
            (padded(1_000_000), 200),
            (padded(2 << 20), 431),
            (long(60_000), 404),
            (long(70_000), 414),
        ] {
            let said = answered(&request).await;
            let shown = &request[..request.len().min(80)];
            assert!(said.starts_with(&format!("HTTP/1.1 {code} ")), "{shown}: {said}");
        }
    }

    #[tokio::test]
    async fn what_stands_behind_a_body_of_two_lengths_is_no_request() {
        for lengths in [
            "Transfer-Encoding: chunked\r\nContent-Length: 4",
            "Content-Length: 4\r\nTransfer-Encoding: chunked",
        ] {
            let behind = "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n";
            let request = format!("POST /version HTTP/1.1\r\nHost: h\r\n{lengths}\r\n\r\n1\r\na\r\n0\r\n\r\n{behind}");
            let said = answered(&request).await;
            assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
            assert!(said.contains("connection: close"), "{said}");
        }
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
