//! Addresses of ports: `http`, `https`, `unix` and `unixs` URLs, bound or dialled.

use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use url::Url;

/// Why a port could not be opened or reached.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a URL, or one with a scheme that no port speaks.
    #[error("{url:?} is not a URL of scheme http, https, unix or unixs")]
    Url {
        /// What was given.
        url: String,
    },
    /// The socket could not be bound.
    #[error("cannot listen on {url}")]
    Bind {
        /// Where.
        url: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// What a connection is made of, whatever carries it.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection whose kind no longer matters.
pub(crate) type Socket = Box<dyn Duplex>;

/// Where a URL points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `host:port`.
    Tcp {
        /// A name or an address; one of IPv6 without its brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A path in the file system. Upstream writes it as `unix://path` or `unix:///path`; both are taken.
    Unix(PathBuf),
}

/// A URL taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Where it points.
    pub place: Place,
    /// Whether TLS is spoken there.
    pub secure: bool,
}

impl Address {
    /// Reads a URL of a port.
    ///
    /// # Errors
    /// When it is none, or one that no port can have.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let refused = || Error::Url { url: url.to_owned() };
        for (scheme, secure) in [("unix://", false), ("unixs://", true)] {
            let Some(path) = url.strip_prefix(scheme) else { continue };
            // Without a name the system makes one up, and nobody finds the socket.
            if path.is_empty() {
                return Err(refused());
            }
            return Ok(Self {
                place: Place::Unix(path.into()),
                secure,
            });
        }
        let parsed = Url::parse(url).map_err(|_| refused())?;
        let (secure, default) = match parsed.scheme() {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return Err(refused()),
        };
        let host = parsed.host_str().ok_or_else(refused)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = parsed.port().unwrap_or(default);
        Ok(Self {
            place: Place::Tcp { host, port },
            secure,
        })
    }

    /// Opens a connection, without TLS.
    pub(crate) async fn dial(&self) -> std::io::Result<Socket> {
        match &self.place {
            Place::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Place::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        }
    }

    /// The name that a certificate at this address must carry.
    pub(crate) fn host(&self) -> &str {
        match &self.place {
            Place::Tcp { host, .. } => host,
            Place::Unix(_) => "localhost",
        }
    }
}

/// A bound socket; nothing is accepted yet.
#[derive(Debug)]
pub struct Bound {
    url: String,
    secure: bool,
    listener: Listener,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// Binds the socket that a URL names. Port 0 takes a free one; see [`Bound::url`].
///
/// # Errors
/// When the text is no such URL, or the system refuses.
pub async fn bind(url: &str) -> Result<Bound, Error> {
    let address = Address::parse(url)?;
    let failed = |source| Error::Bind {
        url: url.to_owned(),
        source,
    };
    match address.place {
        Place::Tcp { host, port } => {
            let listener = TcpListener::bind((host.as_str(), port)).await.map_err(failed)?;
            let at = listener.local_addr().map_err(failed)?;
            let scheme = if address.secure { "https" } else { "http" };
            Ok(Bound {
                url: format!("{scheme}://{at}"),
                secure: address.secure,
                listener: Listener::Tcp(listener),
            })
        }
        Place::Unix(path) => {
            // A socket file that a killed process left behind would refuse the bind for ever. Any other file is not ours.
            let socket = std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket());
            if socket && UnixStream::connect(&path).await.is_err() {
                let _ = std::fs::remove_file(&path);
            }
            let listener = UnixListener::bind(&path).map_err(failed)?;
            Ok(Bound {
                url: url.to_owned(),
                secure: address.secure,
                listener: Listener::Unix(listener, path),
            })
        }
    }
}

impl Bound {
    /// The URL, with the port that was really taken.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether connections here speak TLS.
    #[must_use]
    pub const fn secure(&self) -> bool {
        self.secure
    }

    /// The next connection and where it comes from.
    pub(crate) async fn accept(&self) -> std::io::Result<(Socket, Option<SocketAddr>)> {
        match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, remote) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Some(remote)))
            }
            Listener::Unix(listener, _) => Ok((Box::new(listener.accept().await?.0), None)),
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = &self.listener {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let tcp = |host: &str, port| Place::Tcp {
            host: host.into(),
            port,
        };
        for (url, place, secure) in [
            ("http://127.0.0.1:2379", tcp("127.0.0.1", 2379), false),
            ("https://[::1]:2379", tcp("::1", 2379), true),
            ("https://etcd.example", tcp("etcd.example", 443), true),
            ("unix://localhost:17", Place::Unix("localhost:17".into()), false),
            (
                "unixs:///run/keelson.sock",
                Place::Unix("/run/keelson.sock".into()),
                true,
            ),
        ] {
            assert_eq!(Address::parse(url).unwrap(), Address { place, secure }, "{url}");
        }
        for url in ["", "127.0.0.1:2379", "ftp://host:1", "unix://", "unixs://"] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn only_a_socket_that_was_left_behind_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, socket) = (folder.path().join("file"), folder.path().join("socket"));
        std::fs::write(&file, "precious").unwrap();
        assert!(bind(&format!("unix://{}", file.display())).await.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        assert!(socket.exists());
        bind(&format!("unix://{}", socket.display())).await.unwrap();
    }
}
