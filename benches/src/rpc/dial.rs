//! Opening one HTTP/2 connection to an endpoint, with or without TLS.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use base::task::Tasks;
use base::tls::{ClientOptions, ClientTls};
use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, Scheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::Link;
use super::link::Methods;

/// Windows that never hold a server back; those that Go's client grows to.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 64 << 20;
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// What secures the connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    /// Authorities whose servers are believed.
    pub(crate) ca: Option<PathBuf>,
    /// Certificate to show.
    pub(crate) cert: Option<PathBuf>,
    /// Its private key.
    pub(crate) key: Option<PathBuf>,
    /// Believe any server.
    pub(crate) skip_verify: bool,
}

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Dialer {
    tls: ClientTls,
    tasks: Tasks,
}

impl Dialer {
    /// Reads the certificates.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub(crate) fn new(security: &Security, tasks: &Tasks) -> anyhow::Result<Self> {
        let tls = ClientTls::new(ClientOptions {
            cert_file: security.cert.clone(),
            key_file: security.key.clone(),
            trusted_ca_file: security.ca.clone(),
            insecure_skip_verify: security.skip_verify,
            alpn: vec![b"h2".to_vec()],
            ..ClientOptions::default()
        })?;
        Ok(Self {
            tls,
            tasks: tasks.clone(),
        })
    }

    /// Opens one connection to `endpoint`: `http://host:port`, `https://host:port` or `host:port`.
    ///
    /// # Errors
    /// The endpoint is no address, nobody answers there, or the handshake fails.
    pub(crate) async fn dial(&self, endpoint: &str) -> anyhow::Result<Link> {
        let (scheme, authority) = parse(endpoint)?;
        let connect = async {
            let stream = TcpStream::connect((host(&authority), port(&authority, &scheme))).await?;
            stream.set_nodelay(true)?;
            if scheme == Scheme::HTTPS {
                let stream = self.tls.connect(authority.host(), stream).await?;
                self.handshake(stream, &scheme, &authority).await
            } else {
                self.handshake(stream, &scheme, &authority).await
            }
        };
        tokio::time::timeout(DIAL_TIMEOUT, connect)
            .await
            .with_context(|| format!("no connection to {endpoint} within {DIAL_TIMEOUT:?}"))?
            .with_context(|| format!("cannot connect to {endpoint}"))
    }

    async fn handshake<S>(&self, stream: S, scheme: &Scheme, authority: &Authority) -> anyhow::Result<Link>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_max_send_streams(100_000)
            .max_send_buffer_size(16 << 20)
            .enable_push(false)
            .handshake::<_, Bytes>(stream)
            .await?;
        self.tasks.spawn_until("connection", async move {
            // Its calls fail with it, and say why.
            let _ = connection.await;
        });
        Ok(Link::new(sender, Arc::new(Methods::of(scheme, authority)?)))
    }
}

fn parse(endpoint: &str) -> anyhow::Result<(Scheme, Authority)> {
    let full = if endpoint.contains("://") {
        endpoint.to_owned()
    } else {
        format!("http://{endpoint}")
    };
    let uri: Uri = full
        .parse()
        .with_context(|| format!("endpoint {endpoint:?} is no address"))?;
    let parts = uri.into_parts();
    match (parts.scheme, parts.authority) {
        (Some(scheme), Some(authority)) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => Ok((scheme, authority)),
        _ => bail!("endpoint {endpoint:?} is none of http://HOST:PORT, https://HOST:PORT and HOST:PORT"),
    }
}

fn host(authority: &Authority) -> &str {
    authority.host().trim_start_matches('[').trim_end_matches(']')
}

fn port(authority: &Authority, scheme: &Scheme) -> u16 {
    let usual = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    authority.port_u16().unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_three_forms() {
        for (text, scheme, host_wanted, port_wanted) in [
            ("http://a:2379", Scheme::HTTP, "a", 2379),
            ("https://a", Scheme::HTTPS, "a", 443),
            ("127.0.0.1:2379", Scheme::HTTP, "127.0.0.1", 2379),
            ("http://[::1]:2379", Scheme::HTTP, "::1", 2379),
        ] {
            let (got, authority) = parse(text).unwrap();
            assert_eq!(
                (&got, host(&authority), port(&authority, &got)),
                (&scheme, host_wanted, port_wanted),
                "{text}"
            );
        }
        assert!(parse("ftp://a:1").is_err());
        assert!(parse("http://").is_err());
    }
}
