//! The way to other machines: names that become addresses, and addresses that become connections.

use std::io;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use tokio::net::TcpStream;

/// A way to other machines.
#[async_trait]
pub trait Network: Send + Sync {
    /// The addresses of a host, the one to try first first.
    ///
    /// # Errors
    /// The name is not known, or could not be asked for.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;

    /// A connection. There is no time limit here: the caller sets one.
    ///
    /// # Errors
    /// Nobody answers there.
    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream>;
}

/// The way of the machine itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

#[async_trait]
impl Network for Direct {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }
}
