//! The ports of a member: gRPC, JSON gateway, health, metrics, and the peer transport.
//!
//! This crate must not know how anything is stored, agreed upon or allowed: it reads requests off a socket, asks
//! `store-node`'s `Member`, and writes answers; it holds no state of its own but connections. Start reading at
//! `server` (what is opened), `front` (what a port answers), `rpc/services` (the way of a gRPC call), then `peer`.

mod access;
mod address;
mod caller;
mod frames;
mod front;
mod gateway;
mod heads;
mod http2;
mod listen;
mod metrics;
mod pages;
mod peer;
mod pings;
mod reply;
mod rpc;
mod server;
mod status;
#[cfg(test)]
mod tests;

pub use address::{Address, Bound, Error as AddressError, Place, bind};
pub use peer::channels::{Channels, ChannelsOptions};
pub use server::{Options, Server, Serves};

/// Why the ports could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A metric of that name is registered already.
    #[error("cannot register metrics")]
    Metrics(#[from] prometheus::Error),
    /// The descriptors of the API are damaged.
    #[error("cannot read the API's descriptors")]
    Descriptors(#[from] prost_reflect::DescriptorError),
}

/// The protocols that every port offers in its TLS handshake. Go's clients insist on it.
#[must_use]
pub fn alpn() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}
