//! Opening one connection: TCP or a unix socket, with or without TLS.

use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

use base::tls::ClientTls;
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use url::{Host, Url};

use crate::Error;

/// Where an endpoint listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// An endpoint, read from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) tls: bool,
    /// What goes into `:authority`.
    pub(crate) authority: String,
}

impl Target {
    /// Reads an endpoint. A text without a scheme is `https` if the client has TLS, as upstream does it.
    pub(crate) fn parse(text: &str, has_tls: bool) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Options(format!("endpoint {text:?}: {why}"));
        for (scheme, tls) in [("unixs:", true), ("unix:", false)] {
            if let Some(path) = text.strip_prefix(scheme) {
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() {
                    return Err(wrong("no path"));
                }
                return Ok(Self {
                    place: Place::Unix(path.into()),
                    tls,
                    authority: "localhost".to_owned(),
                });
            }
        }
        let full = if text.contains("://") {
            text.to_owned()
        } else {
            format!("{}://{text}", if has_tls { "https" } else { "http" })
        };
        let url = Url::parse(&full).map_err(|error| wrong(&error.to_string()))?;
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(wrong(&format!("unknown scheme {other:?}"))),
        };
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(wrong("no host")),
        };
        let port = url.port_or_known_default().ok_or_else(|| wrong("no port"))?;
        let authority = if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        Ok(Self {
            place: Place::Tcp { host, port },
            tls,
            authority,
        })
    }
}

/// Opens connections to one target; tonic calls it whenever it has none.
#[derive(Clone)]
pub(crate) struct Connector {
    target: Target,
    tls: Option<ClientTls>,
    timeout: Duration,
}

impl Connector {
    /// Refuses a TLS endpoint when there is no TLS to use.
    pub(crate) fn new(target: Target, tls: Option<&ClientTls>, timeout: Duration) -> Result<Self, Error> {
        let tls = if target.tls { tls.cloned() } else { None };
        if target.tls && tls.is_none() {
            return Err(Error::Options(format!(
                "endpoint {:?} needs TLS, and none is configured",
                target.authority
            )));
        }
        Ok(Self { target, tls, timeout })
    }

    async fn connect(self) -> Result<TokioIo<Box<dyn Io>>, tower::BoxError> {
        let timeout = self.timeout;
        let dial = async {
            match &self.target.place {
                Place::Tcp { host, port } => {
                    let stream = TcpStream::connect((host.as_str(), *port)).await?;
                    stream.set_nodelay(true)?;
                    self.secure(stream, host).await
                }
                Place::Unix(path) => self.secure(UnixStream::connect(path).await?, "localhost").await,
            }
        };
        let io = tokio::time::timeout(timeout, dial)
            .await
            .map_err(|_| format!("no connection within {timeout:?}"))??;
        Ok(TokioIo::new(io))
    }

    async fn secure(&self, stream: impl Io + 'static, host: &str) -> Result<Box<dyn Io>, tower::BoxError> {
        match &self.tls {
            Some(tls) => Ok(Box::new(tls.connect(host, stream).await?)),
            None => Ok(Box::new(stream)),
        }
    }
}

/// Any byte stream that can be a connection.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl tower::Service<http::Uri> for Connector {
    type Response = TokioIo<Box<dyn Io>>;
    type Error = tower::BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16, tls: bool, authority: &str) -> Target {
        Target {
            place: Place::Tcp {
                host: host.to_owned(),
                port,
            },
            tls,
            authority: authority.to_owned(),
        }
    }

    #[test]
    fn reads_every_form_of_an_endpoint() {
        let read = |text| Target::parse(text, false).unwrap();
        assert_eq!(read("http://a:2379"), tcp("a", 2379, false, "a:2379"));
        assert_eq!(read("https://a:2379"), tcp("a", 2379, true, "a:2379"));
        assert_eq!(read("127.0.0.1:2379"), tcp("127.0.0.1", 2379, false, "127.0.0.1:2379"));
        assert_eq!(read("http://[::1]:2379"), tcp("::1", 2379, false, "[::1]:2379"));
        assert_eq!(Target::parse("a:1", true).unwrap(), tcp("a", 1, true, "a:1"));
        assert_eq!(
            read("unix:///run/store.sock").place,
            Place::Unix("/run/store.sock".into())
        );
        assert!(read("unixs:///run/store.sock").tls);
    }

    #[test]
    fn refuses_what_is_no_endpoint() {
        for text in ["ftp://a:1", "unix://", "http://", "http://a:x"] {
            assert!(Target::parse(text, false).is_err(), "{text}");
        }
    }
}
