//! Who sends a request: what it shows of its sender, the answers, and the trait that each way of finding out implements.
//!
//! [`Chain`] asks them in upstream's order (`pkg/kubeapiserver/authenticator`): a proxy in front that names the user, the
//! client's certificate, a token in a header or among the protocols of a web socket; and at last it is anybody. The files
//! here are one way each. Start reading at [`Chain`].

mod anonymous;
mod audience;
mod authority;
mod bearer;
mod bootstrap;
mod cache;
mod certificate;
mod chain;
mod csv;
mod front_proxy;
mod group;
mod headers;
mod metrics;
mod notes;
mod peer;
pub mod percent;
pub mod review;
pub mod service_account;
mod token_file;
mod union;
mod websocket;
mod x509;

use apiserver_api::tree::Text;
use apiserver_api::user::User;
use async_trait::async_trait;

pub use anonymous::Anonymous;
pub use authority::{Authorities, AuthorityError};
pub use chain::{Chain, Options, Parts, ServiceAccounts};
pub use front_proxy::FrontProxy;
pub use headers::Headers;
pub use metrics::Metrics;
pub use notes::{Notes, Said};
pub use peer::Peer;
pub use token_file::{TokenFile, TokenFileError};

/// Which credential was used, among what is known of a user beside the name.
pub(crate) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// What a request shows of who sent it.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The certificates of the connection, which nobody has verified yet; `None` where there are none.
    pub peer: Option<&'a Peer>,
    /// All headers.
    pub headers: Headers<'a>,
    /// The path of the URL, without escapes and query.
    pub path: &'a str,
    /// For whom the credentials have to be: the names of this server, or those that a review asks for. Empty for anyone.
    pub audiences: &'a [Text],
    /// What is to be told beside the answer.
    pub notes: &'a Notes,
}

/// Who sent a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authenticated {
    /// Who.
    pub user: User,
    /// For whom the credentials are, of those that were asked for; empty where they do not say.
    pub audiences: Vec<Text>,
}

impl Authenticated {
    /// A user, whose credentials do not say for whom they are.
    pub(crate) fn user(user: User) -> Self {
        Self {
            user,
            ..Self::default()
        }
    }
}

/// Why nobody was found in what a request shows. Clients are not told but that they are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", told(.reasons))]
pub struct Refused {
    /// At least one.
    reasons: Vec<String>,
}

impl Refused {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reasons: vec![reason.into()],
        }
    }

    /// For these reasons, and then for those of the other.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.reasons.extend(other.reasons);
        self
    }

    /// For all these reasons; `None` where there is none.
    pub(crate) fn all(refusals: Vec<Self>) -> Option<Self> {
        let reasons: Vec<String> = refusals.into_iter().flat_map(|refused| refused.reasons).collect();
        (!reasons.is_empty()).then_some(Self { reasons })
    }
}

/// Several reasons as upstream's aggregates tell them: `[a, b]`, each once.
fn told(reasons: &[String]) -> String {
    let mut seen: Vec<&str> = Vec::with_capacity(reasons.len());
    for reason in reasons {
        if !seen.contains(&reason.as_str()) {
            seen.push(reason);
        }
    }
    match seen.as_slice() {
        [reason] => (*reason).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// What a way of finding out says: who it is; that it cannot tell; or that what was shown is not good.
pub type Outcome = Result<Option<Authenticated>, Refused>;

/// Finds out who sent a request.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Who sent it.
    ///
    /// # Errors
    /// What was shown is not good.
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome;
}

/// What is asked of a token.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// As in [`Credentials`].
    pub(crate) audiences: &'a [Text],
    /// As in [`Credentials`].
    pub(crate) notes: &'a Notes,
}

impl<'a> From<&Credentials<'a>> for Asked<'a> {
    fn from(credentials: &Credentials<'a>) -> Self {
        Self {
            audiences: credentials.audiences,
            notes: credentials.notes,
        }
    }
}

/// Finds out whose a token is.
#[async_trait]
pub(crate) trait TokenAuthenticator: Send + Sync {
    /// Whose it is.
    async fn authenticate(&self, token: &str, asked: Asked<'_>) -> Outcome;
}

/// Why a token is refused of which nobody knew anything.
fn invalid_bearer_token() -> Refused {
    Refused::new("invalid bearer token")
}

#[cfg(test)]
pub(crate) mod trial;

#[cfg(test)]
mod tests {
    use super::Refused;

    #[test]
    fn several_reasons_are_told_once_each() {
        let two = Refused::all(vec![Refused::new("a"), Refused::new("b"), Refused::new("a")]);
        assert_eq!(two.unwrap().to_string(), "[a, b]");
        let same = Refused::all(vec![Refused::new("a"), Refused::new("a")]);
        assert_eq!(same.unwrap().to_string(), "a");
        assert_eq!(Refused::all(Vec::new()), None);
    }
}
