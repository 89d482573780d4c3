//! A connection to a host, secured where that is wanted, and in Go's words why there is none.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base::tls::{ClientTls, HandshakeError};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::location::Location;
use super::network::Network;

/// Why there is no connection. The words are those of Go's `net` and `crypto/tls`, which upstream's answers hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Nobody knows the name.
    #[error("dial tcp: lookup {host}: {why}")]
    Lookup { host: String, why: String },
    /// The port has a name.
    #[error("dial tcp: lookup tcp/{0}: unknown port")]
    PortName(String),
    /// The port is none.
    #[error("dial tcp: address {0}: invalid port")]
    Port(String),
    /// Nobody answers.
    #[error("dial tcp {address}: {why}")]
    Refused { address: SocketAddr, why: String },
    /// The two could not agree on TLS, or the certificate is not believed.
    #[error("{0}")]
    Handshake(String),
}

/// How long the two steps may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) handshake: Duration,
}

/// Bytes in both directions.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<W: AsyncRead + AsyncWrite + Send + Unpin> Wire for W {}

/// A connection, plain or secured.
pub(super) struct Stream(Box<dyn Wire>);

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

/// Connects with where something is.
///
/// # Errors
/// Why there is no connection.
pub(super) async fn dial(
    network: &dyn Network,
    tls: &ClientTls,
    limits: Limits,
    to: &Location,
) -> Result<Stream, Error> {
    let port = port(to)?;
    let addresses = match to.host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => lookup(network, limits, &to.host).await?,
    };
    let mut first = None;
    for address in addresses {
        let address = SocketAddr::new(address, port);
        let connected = timeout(limits.connect, network.connect(address)).await;
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                let why = format!("connect: {}", words(&error));
                first.get_or_insert(Error::Refused { address, why });
                continue;
            }
            Err(_) => {
                let why = "i/o timeout".to_owned();
                first.get_or_insert(Error::Refused { address, why });
                continue;
            }
        };
        // Small pieces are not held back; where that cannot be said, they are late, not lost.
        let _ = stream.set_nodelay(true);
        if !to.secure {
            return Ok(Stream(Box::new(stream)));
        }
        return match timeout(limits.handshake, tls.connect(&to.host, stream)).await {
            Ok(Ok(stream)) => Ok(Stream(Box::new(stream))),
            Ok(Err(error)) => Err(Error::Handshake(handshake(&error))),
            Err(_) => Err(Error::Handshake("net/http: TLS handshake timeout".to_owned())),
        };
    }
    Err(first.unwrap_or_else(|| unknown(&to.host)))
}

/// The port of where something is.
///
/// # Errors
/// It is none.
pub(super) fn port(of: &Location) -> Result<u16, Error> {
    let is_number = of.port.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = if is_number { Error::Port } else { Error::PortName };
    of.port_number().ok_or_else(|| wrong(of.port.clone()))
}

async fn lookup(network: &dyn Network, limits: Limits, host: &str) -> Result<Vec<IpAddr>, Error> {
    match timeout(limits.connect, network.addresses(host)).await {
        Ok(Ok(found)) if !found.is_empty() => Ok(found),
        // What the system says of a name differs from system to system.
        Ok(_) => Err(unknown(host)),
        Err(_) => Err(Error::Lookup {
            host: host.to_owned(),
            why: "i/o timeout".to_owned(),
        }),
    }
}

fn unknown(host: &str) -> Error {
    Error::Lookup {
        host: host.to_owned(),
        why: "no such host".to_owned(),
    }
}

/// What Go says of a failure of the system.
pub(super) fn words(error: &io::Error) -> String {
    let words = match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::ConnectionReset => "connection reset by peer",
        ErrorKind::HostUnreachable => "no route to host",
        ErrorKind::NetworkUnreachable => "network is unreachable",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::TimedOut => "connection timed out",
        ErrorKind::BrokenPipe => "broken pipe",
        ErrorKind::UnexpectedEof => "EOF",
        _ => return error.to_string(),
    };
    words.to_owned()
}

/// What Go says of a failed handshake.
fn handshake(error: &HandshakeError) -> String {
    let HandshakeError::Io(error) = error else {
        return error.to_string();
    };
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("tls: failed to verify certificate: x509: {}", distrust(why))
        }
        Some(rustls::Error::AlertReceived(alert)) => format!("remote error: tls: {alert:?}"),
        Some(error) => format!("tls: {error}"),
        None => error.source().map_or_else(|| words(error), ToString::to_string),
    }
}

fn distrust(why: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Why;
    match why {
        Why::UnknownIssuer | Why::BadSignature => "certificate signed by unknown authority".to_owned(),
        Why::Expired | Why::ExpiredContext { .. } | Why::NotValidYet | Why::NotValidYetContext { .. } => {
            "certificate has expired or is not yet valid".to_owned()
        }
        other => other.to_string(),
    }
}
