//! TLS for listeners and dialers with etcd's options; files are read again when they change.

mod asked;
mod auto;
mod client;
mod identity;
mod keys;
mod material;
mod named;
mod protocol;
mod san;
mod server;
mod signatures;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use auto::auto_tls;
pub use client::{ClientOptions, ClientTls};
pub use identity::{Identity, identity};
pub use named::NamedCert;
pub use protocol::{Protocol, Version, cipher_suites};
pub use server::{ServerOptions, ServerTls};
pub use signatures::signature_algorithms;

pub use crate::certs::KeyPair;

/// Why TLS could not be set up. Every text names the flag or the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read the {what} {path}: {source}", path = path.display())]
    Read {
        /// `certificate`, `private key`, `trusted CA` or `revocation list`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file was read but does not hold what it should.
    #[error("the {what} {path} is not usable: {reason}", path = path.display())]
    Content {
        /// As in [`Error::Read`].
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what was expected.
        reason: String,
    },
    /// Options that exclude each other, or one that is missing.
    #[error("{0}")]
    Options(String),
    /// The certificate of automatic TLS could not be made.
    #[error(transparent)]
    Certificate(#[from] crate::certs::Error),
}

/// Why a connection was refused while its TLS was set up.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The handshake failed or the connection broke.
    #[error("TLS handshake failed: {0}")]
    Io(#[from] std::io::Error),
    /// The certificate's common name or hosts are not among those allowed.
    #[error("client certificate authentication failed")]
    NotAllowed,
    /// The certificate names hosts, and the remote address is none of them.
    #[error("tls: {remote:?} does not match any of the certificate's hosts {hosts:?}")]
    WrongHost {
        /// The remote IP address.
        remote: String,
        /// The certificate's names and addresses.
        hosts: Vec<String>,
    },
    /// The certificate is on the revocation list.
    #[error("certificate serial {0} revoked")]
    Revoked(String),
    /// The name to connect to is neither a DNS name nor an IP address.
    #[error("{0:?} is not a host name to check a certificate against")]
    BadName(String),
}

/// The one crypto provider of the project, given explicitly so that no process-wide default matters: ring, and beside
/// it the keys and signatures of ECDSA that it does not have.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        signature_verification_algorithms: signatures::ALGORITHMS,
        key_provider: &keys::Keys,
        ..rustls::crypto::ring::default_provider()
    })
}

#[cfg(test)]
mod tests;
