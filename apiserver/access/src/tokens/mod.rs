//! Tokens of service accounts: the keys that sign and verify them, what they say, and how they are asked for.
//!
//! Upstream's `pkg/serviceaccount` and the `token` subresource of service accounts. Who has a token is found out in
//! [`authenticate`](crate::authenticate). Start reading at [`Requests`].

mod claims;
mod discovery;
mod generate;
mod issuer;
pub(crate) mod jws;
mod keys;
mod pem;
mod private;
mod public;
mod request;

use std::path::PathBuf;

pub use claims::{Bound, Claims, Reference};
pub use discovery::{CONFIGURATION_PATH, KEYS_PATH, MAX_AGE_SECONDS, Metadata};
pub use generate::{KeyPair, generate};
pub use issuer::Issuer;
pub use keys::Keys;
pub use private::PrivateKey;
pub use public::PublicKey;
pub use request::{EXTENDED_SECONDS, Issued, REPLACED_SECONDS, Requests};

/// The issuer of tokens that stand in secrets, which the controller manager makes.
pub const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";

/// Why keys or tokens cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key file cannot be read.
    #[error("open {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key file does not hold what it should.
    #[error("error reading {half} key file {path}: {source}", path = path.display())]
    File {
        /// `private` or `public`.
        half: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// There is no private key in the PEM text.
    #[error("data does not contain a valid RSA or ECDSA private key")]
    NoPrivateKey,
    /// There is no public key in the PEM text.
    #[error("data does not contain any valid RSA or ECDSA public keys")]
    NoPublicKey,
    /// A key that neither signs nor verifies here.
    #[error("{0}")]
    Unusable(String),
    /// A signature could not be made.
    #[error("go-jose/go-jose: error in cryptographic primitive")]
    Crypto,
    /// The documents of discovery cannot be made of what is given.
    #[error("{0}")]
    Discovery(String),
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod trial;
