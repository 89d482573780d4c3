//! Connections: taken, made secure, and served until the server stops or the client goes.

use std::sync::Arc;
use std::time::Duration;

use apiserver_access::authenticate::Peer;
use axum::body::Body;
use base::task::Tasks;
use base::tls::ServerTls;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls_pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};

use crate::pipeline::Pipeline;

/// A handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Nor do the headers of a request.
const HEADERS: Duration = Duration::from_secs(32);
/// Streams of one connection at once; upstream's default.
const STREAMS: u32 = 100;
/// After a failure to take a connection, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(20);

/// Serves connections until the tasks end.
pub async fn listen(listener: TcpListener, tls: ServerTls, pipeline: Arc<Pipeline>, tasks: Tasks) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, tls.clone(), pipeline.clone());
                tasks.spawn_until("api connection", connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: ServerTls, pipeline: Arc<Pipeline>) {
    // Small answers are not held back; where that cannot be said, they are late, not lost.
    let _ = stream.set_nodelay(true);
    let remote = stream.peer_addr().ok();
    let accepted = tokio::time::timeout(HANDSHAKE, tls.accept(stream, remote.map(|address| address.ip()))).await;
    let stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, ?remote, "TLS handshake error");
            return;
        }
        Err(_) => return,
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let chain = chain.iter().cloned().map(CertificateDer::into_owned).collect();
    let peer = Peer::new(chain).map(Arc::new);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(remote) = remote {
            request.extensions_mut().insert(remote);
        }
        pipeline.clone().serve(peer.clone(), request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(Some(Duration::from_secs(30)));
    let served = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, ?remote, "a connection ended early");
    }
}
