//! Who asks, and what the member made of it.

use std::net::SocketAddr;
use std::sync::Arc;

/// What the transport knows about the sender of a request.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The token from the request's metadata.
    pub token: Option<String>,
    /// The common name of a verified client certificate.
    pub common_name: Option<Arc<str>>,
    /// The sender's address, for the log.
    pub remote: Option<SocketAddr>,
    /// The client would rather have an error than wait for a leader (metadata `hasleader`).
    pub require_leader: bool,
    /// The request came over the JSON gateway, where the certificate is the gateway's and names nobody.
    pub gateway: bool,
}

/// An authenticated caller; both fields are zero when nobody is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Who {
    /// The user, "" for none.
    pub(crate) user: String,
    /// The auth store's revision when the user was authenticated.
    pub(crate) revision: u64,
}

impl Who {
    /// The cluster itself: alarms, expiries, automatic compactions.
    pub(crate) const fn own() -> Self {
        Self {
            user: String::new(),
            revision: store_machine::OWN,
        }
    }

    /// In the form that the auth store checks.
    pub(crate) fn as_caller(&self) -> store_auth::Caller<'_> {
        store_auth::Caller {
            user: &self.user,
            revision: self.revision,
        }
    }
}
