//! A proxy in front, which names the user in headers and shows by its certificate that it may (`--requestheader-*`).

use std::sync::Arc;

use apiserver_api::user::User;
use async_trait::async_trait;
use base::clock::Clock;

use super::headers::{Headers, after};
use super::{Authenticated, Authenticator, Authorities, Credentials, Outcome, Refused, percent};

/// Which proxies may name users, and where they do. Names of headers are the same in capitals and without.
#[derive(Clone)]
pub struct FrontProxy {
    /// Who vouches for the proxies.
    pub authorities: Arc<Authorities>,
    /// The common names of those that may; empty for all that the authorities vouch for.
    pub allowed_names: Vec<String>,
    /// Where the user's name stands: the first of these that is there counts, as for the uid.
    pub username_headers: Vec<String>,
    /// Where the uid stands.
    pub uid_headers: Vec<String>,
    /// Where the groups stand, one a header.
    pub group_headers: Vec<String>,
    /// How the headers begin in which the rest stands; what follows in their names is the key.
    pub extra_prefixes: Vec<String>,
}

impl FrontProxy {
    /// Whether a header tells who the user is, so that nobody behind may read it as if the client had sent it.
    pub(super) fn reads(&self, header: &str) -> bool {
        let whole = [&self.username_headers, &self.uid_headers, &self.group_headers];
        whole.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(header))
            || self.extra_prefixes.iter().any(|prefix| after(header, prefix).is_some())
    }

    /// The user that headers name.
    fn user(&self, headers: Headers<'_>) -> Option<User> {
        let first = |names: &[String]| {
            let mut values = names.iter().map(|name| headers.first(name));
            values.find(|value| !value.is_empty()).unwrap_or_default()
        };
        let name = first(&self.username_headers);
        if name.is_empty() {
            return None;
        }
        let groups = self.group_headers.iter().flat_map(|header| headers.values(header));
        let extra = self.extra_prefixes.iter().flat_map(|prefix| headers.beginning(prefix));
        let extra = User::extra(extra.map(|(key, value)| (percent::unescaped(&key.to_lowercase()), value)));
        Some(User {
            name: (*name).into(),
            uid: (*first(&self.uid_headers)).into(),
            groups: groups
                .filter(|group| !group.is_empty())
                .map(|group| (*group).into())
                .collect(),
            extra,
        })
    }
}

/// Takes the users that proxies name.
pub(super) struct FrontProxies {
    pub(super) proxy: Arc<FrontProxy>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Authenticator for FrontProxies {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        let Some(peer) = credentials.peer else {
            return Ok(None);
        };
        let now = (self.clock.wall_ms() / 1000) as i64;
        let leaf = peer
            .verify(&self.proxy.authorities.current(), now)
            .map_err(|invalid| Refused::new(invalid.to_string()))?;
        let names = &self.proxy.allowed_names;
        if !names.is_empty() && !names.contains(&leaf.common_name) {
            return Err(Refused::new(format!(
                "x509: subject with cn={} is not in the allowed list",
                leaf.common_name
            )));
        }
        Ok(self.proxy.user(credentials.headers).map(Authenticated::user))
    }
}
