//! Certificates of clients as Go's `crypto/x509` takes them: read, and followed up to an authority that is trusted.
//!
//! rustls' own verifier does not do: it takes certificates of version 3 alone, and lets whatever stands among the
//! trusted ones sign others, whether it may or not.

mod certificate;
mod host;
mod names;
mod path;
mod steps;
mod times;

pub(crate) use certificate::Certificate;
pub(crate) use path::{Trusted, verify};
pub(crate) use times::{in_time, moments, validity};

/// Why a certificate is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// It cannot be read.
    #[error("x509: malformed certificate")]
    Malformed,
    /// It says something that must be understood and is not.
    #[error("x509: unhandled critical extension")]
    Unhandled,
    /// Its time has not come, or is over: the time, before or after what.
    #[error("x509: certificate has expired or is not yet valid: current time {0}")]
    Expired(String),
    /// No chain leads to an authority. Why not with one that looked like it, if any did.
    #[error("x509: certificate signed by unknown authority{0}")]
    UnknownAuthority(String),
    /// The one above it may not sign certificates.
    #[error("x509: invalid signature: parent certificate cannot sign this kind of certificate")]
    Parent,
    /// It stands between, and is no authority.
    #[error("x509: certificate is not authorized to sign other certificates")]
    NoAuthority,
    /// More authorities stand below it than it allows.
    #[error("x509: too many intermediates for path length constraint")]
    TooLong,
    /// An authority above it may not vouch for one of its names.
    #[error("x509: a root or intermediate certificate is not authorized to sign for this name: {0}")]
    Name(String),
    /// It is not for clients.
    #[error("x509: certificate specifies an incompatible key usage")]
    Usage,
    /// It is signed in a way, or by a kind of key, that is not believed.
    #[error("x509: cannot verify signature: algorithm unimplemented")]
    Algorithm,
    /// The one above it did not sign it.
    #[error("x509: verification failure")]
    Signature,
    /// There is no end of those that might have signed it.
    #[error("x509: signature check attempts limit reached while verifying certificate chain")]
    Limit,
}

#[cfg(test)]
mod trial;

#[cfg(test)]
mod tests;
