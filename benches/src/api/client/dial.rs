//! Opening connections to an apiserver.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use base::task::Tasks;
use base::tls::{ClientOptions, ClientTls};
use bytes::Bytes;
use h2::client::SendRequest;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::Ask;
use crate::rpc::Fault;

/// What a watch may send before it is read, and what all watches of a connection may; they bound the generator's memory.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 2 << 20;
const DIAL_TIMEOUT: Duration = Duration::from_secs(20);
const AGENT: &str = concat!("keelson-bench/", env!("CARGO_PKG_VERSION"));

/// Where a server is, and what is shown to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// `https://host:port`, perhaps with a path before all others.
    pub(crate) url: String,
    /// Bearer token.
    pub(crate) token: Option<String>,
    /// Authorities whose servers are believed.
    pub(crate) ca: Option<PathBuf>,
    /// Certificate to show.
    pub(crate) cert: Option<PathBuf>,
    /// Its private key.
    pub(crate) key: Option<PathBuf>,
    /// Believe any server.
    pub(crate) insecure: bool,
    /// The name that the server's certificate must have, if it is not that of the URL.
    pub(crate) server_name: Option<String>,
}

/// Opens connections to one server. Clones share what was read.
#[derive(Clone)]
pub(crate) struct Dialer {
    server: Arc<Server>,
    tasks: Tasks,
}

struct Server {
    scheme: Scheme,
    authority: Authority,
    /// What stands before every path.
    folder: String,
    host: HeaderValue,
    /// For HTTP/1.1 and for HTTP/2.
    tls: [ClientTls; 2],
    headers: HeaderMap,
}

/// Which protocol a connection speaks.
#[derive(Clone, Copy)]
enum Protocol {
    Http1,
    Http2,
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

impl Dialer {
    /// Reads the files of `access`.
    ///
    /// # Errors
    /// A file or an address that cannot be used.
    pub(crate) fn new(access: &Access, tasks: &Tasks) -> anyhow::Result<Self> {
        let (scheme, authority, folder) = parse(&access.url)?;
        if scheme == Scheme::HTTPS && access.ca.is_none() && !access.insecure {
            bail!(
                "nothing says whether {} can be believed: give its authority's certificate or \
                 --insecure-skip-tls-verify",
                access.url
            );
        }
        let tls = |alpn: &[u8]| {
            ClientTls::new(ClientOptions {
                cert_file: access.cert.clone(),
                key_file: access.key.clone(),
                trusted_ca_file: access.ca.clone(),
                server_name: access.server_name.clone(),
                insecure_skip_verify: access.insecure,
                alpn: vec![alpn.to_vec()],
                ..ClientOptions::default()
            })
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(token) = &access.token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).context("the token is no header")?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let server = Server {
            tls: [tls(b"http/1.1")?, tls(b"h2")?],
            host: HeaderValue::try_from(authority.as_str()).context("the host is no header")?,
            scheme,
            authority,
            folder,
            headers,
        };
        Ok(Self {
            server: Arc::new(server),
            tasks: tasks.clone(),
        })
    }

    /// The same, whose connections end with other tasks.
    pub(crate) fn among(&self, tasks: &Tasks) -> Self {
        Self {
            server: Arc::clone(&self.server),
            tasks: tasks.clone(),
        }
    }

    /// Opens an HTTP/1.1 connection.
    ///
    /// # Errors
    /// [`Fault::Lost`]: nobody answers, or the handshake fails.
    pub(crate) async fn http1(&self) -> Result<http1::SendRequest<Full<Bytes>>, Fault> {
        let stream = TokioIo::new(self.connect(Protocol::Http1).await?);
        let handshake = http1::handshake(stream).await;
        let (sender, connection) = handshake.map_err(|error| Fault::Lost(chain(&error)))?;
        self.tasks.spawn_until("connection", async move {
            // Its requests fail with it, and say why.
            let _ = connection.await;
        });
        Ok(sender)
    }

    /// Opens an HTTP/2 connection.
    ///
    /// # Errors
    /// [`Fault::Lost`]: nobody answers, or the handshake fails.
    pub(crate) async fn http2(&self) -> Result<SendRequest<Bytes>, Fault> {
        let stream = self.connect(Protocol::Http2).await?;
        let handshake = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .enable_push(false)
            .handshake::<_, Bytes>(stream)
            .await;
        let (sender, connection) = handshake.map_err(|error| Fault::Lost(chain(&error)))?;
        self.tasks.spawn_until("connection", async move {
            // Its watches end with it.
            let _ = connection.await;
        });
        Ok(sender)
    }

    async fn connect(&self, protocol: Protocol) -> Result<Box<dyn Wire>, Fault> {
        let server = &self.server;
        let usual = if server.scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = server.authority.host().trim_start_matches('[').trim_end_matches(']');
        let connect = async {
            let stream = TcpStream::connect((host, server.authority.port_u16().unwrap_or(usual))).await?;
            stream.set_nodelay(true)?;
            let wire: Box<dyn Wire> = if server.scheme == Scheme::HTTPS {
                Box::new(server.tls[protocol as usize].connect(host, stream).await?)
            } else {
                Box::new(stream)
            };
            anyhow::Ok(wire)
        };
        match tokio::time::timeout(DIAL_TIMEOUT, connect).await {
            Ok(Ok(wire)) => Ok(wire),
            Ok(Err(error)) => Err(Fault::Lost(format!("cannot connect: {error:#}"))),
            Err(_) => Err(Fault::Lost(format!("no connection within {DIAL_TIMEOUT:?}"))),
        }
    }

    /// A kind of request: its method and the headers that all of them have.
    pub(crate) fn ask(&self, method: Method, headers: &[(header::HeaderName, &'static str)]) -> Ask {
        let mut all = self.server.headers.clone();
        for (name, value) in headers {
            all.insert(name, HeaderValue::from_static(value));
        }
        Ask { method, headers: all }
    }

    /// The address of a path, as HTTP/2 wants it.
    ///
    /// # Errors
    /// The path is none.
    pub(crate) fn uri(&self, path: &str) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(self.server.scheme.clone())
            .authority(self.server.authority.clone())
            .path_and_query(format!("{}{path}", self.server.folder))
            .build()
    }

    /// The value of the header `host`.
    pub(super) fn host(&self) -> HeaderValue {
        self.server.host.clone()
    }

    /// The target of an HTTP/1.1 request.
    ///
    /// # Errors
    /// The path is none.
    pub(super) fn target(&self, path: Bytes) -> Result<Uri, Fault> {
        let whole = if self.server.folder.is_empty() {
            PathAndQuery::from_maybe_shared(path)
        } else {
            let mut whole = self.server.folder.clone().into_bytes();
            whole.extend_from_slice(&path);
            PathAndQuery::from_maybe_shared(Bytes::from(whole))
        };
        let whole = whole.map_err(|error| Fault::Broken(format!("no path: {error}")))?;
        Ok(Uri::from(whole))
    }
}

/// An error with all that caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn parse(url: &str) -> anyhow::Result<(Scheme, Authority, String)> {
    let full = if url.contains("://") {
        url.to_owned()
    } else {
        format!("https://{url}")
    };
    let uri: Uri = full.parse().with_context(|| format!("{url:?} is no address"))?;
    let parts = uri.into_parts();
    let path = parts
        .path_and_query
        .map(|path| path.path().trim_end_matches('/').to_owned());
    match (parts.scheme, parts.authority) {
        (Some(scheme), Some(authority)) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => {
            Ok((scheme, authority, path.unwrap_or_default()))
        }
        _ => bail!("{url:?} is neither https://HOST:PORT nor http://HOST:PORT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_may_have_a_folder_and_no_scheme() {
        let (scheme, authority, folder) = parse("https://a:6443/k8s/clusters/c1/").unwrap();
        assert_eq!(
            (scheme, authority.as_str(), folder.as_str()),
            (Scheme::HTTPS, "a:6443", "/k8s/clusters/c1")
        );
        assert_eq!(parse("127.0.0.1:6443").unwrap().0, Scheme::HTTPS);
        assert_eq!(parse("http://127.0.0.1:8001").unwrap().2, "");
        assert!(parse("unix:///run/kube.sock").is_err());
    }

    #[test]
    fn a_server_is_believed_for_a_reason() {
        let access = Access {
            url: "https://127.0.0.1:6443".to_owned(),
            ..Access::default()
        };
        let error = Dialer::new(&access, &Tasks::new()).err().unwrap().to_string();
        assert!(error.contains("--insecure-skip-tls-verify"), "{error}");
        let insecure = Access {
            insecure: true,
            url: "https://127.0.0.1:6443/below/".to_owned(),
            ..access
        };
        let dialer = Dialer::new(&insecure, &Tasks::new()).unwrap();
        let uri = dialer.uri("/api/v1/pods?watch=1").unwrap();
        assert_eq!(uri, "https://127.0.0.1:6443/below/api/v1/pods?watch=1");
        assert_eq!(dialer.target("/api?x".into()).unwrap(), "/below/api?x");
    }
}
