//! Tokens of service accounts, and what service accounts are called.

mod bound;
mod legacy;
mod public;

use std::sync::Arc;

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::names::{name_is_dns_label, name_is_dns_subdomain};
use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Text, Tree};
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(super) use bound::BoundTokens;
pub(super) use legacy::LegacyTokens;
use public::Public;

use super::audience::common;
use super::{Asked, Authenticated, CREDENTIAL_ID, Metrics, Outcome, Refused, TokenAuthenticator};
use crate::tokens::Keys;
use crate::tokens::jws::Jws;

pub(crate) const SERVICE_ACCOUNTS: GroupResource = GroupResource::known("", "serviceaccounts");
pub(crate) const SECRETS: GroupResource = GroupResource::known("", "secrets");
pub(crate) const PODS: GroupResource = GroupResource::known("", "pods");
pub(crate) const NODES: GroupResource = GroupResource::known("", "nodes");

/// The group of all service accounts.
pub const GROUP: &str = "system:serviceaccounts";
/// How their names as users begin.
const PREFIX: &str = "system:serviceaccount:";
/// How long a token stays good after it expired or what it hangs on was deleted, for clocks that differ.
const LEEWAY_MS: i64 = 60_000;

/// A service account's name as a user.
pub fn username(namespace: &str, name: &str) -> String {
    format!("{PREFIX}{namespace}:{name}")
}

/// The namespace and the name of the service account that a user is; `None` where it is none.
pub fn split(username: &str) -> Option<(&str, &str)> {
    let (namespace, name) = username.strip_prefix(PREFIX)?.split_once(':')?;
    // What a name may not be keeps a second colon out, too.
    let good = name_is_dns_label(namespace, false).is_empty() && name_is_dns_subdomain(name, false).is_empty();
    good.then_some((namespace, name))
}

/// The groups of a namespace's service accounts.
pub fn groups(namespace: &str) -> [Text; 2] {
    [GROUP.into(), format!("{GROUP}:{namespace}").into()]
}

/// What a token is called in logs, of its id; empty where it has none.
pub(crate) fn credential(id: &str) -> String {
    if id.is_empty() {
        String::new()
    } else {
        format!("JTI={id}")
    }
}

/// Whose a token is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Owner {
    namespace: Text,
    name: Text,
    uid: Text,
    /// Empty where the token is not bound to one, as the next three.
    pod: Text,
    pod_uid: Text,
    node: Text,
    node_uid: Text,
    credential: String,
}

impl Owner {
    fn into_user(self) -> User {
        let mut extra = Map::new();
        let mut add = |key: &str, value: &str| {
            if !value.is_empty() {
                extra.insert(key, Tree::from_iter([value]));
            }
        };
        if !self.pod.is_empty() && !self.pod_uid.is_empty() {
            add("authentication.kubernetes.io/pod-name", &self.pod);
            add("authentication.kubernetes.io/pod-uid", &self.pod_uid);
        }
        add(CREDENTIAL_ID, &self.credential);
        if !self.node.is_empty() {
            add("authentication.kubernetes.io/node-name", &self.node);
            add("authentication.kubernetes.io/node-uid", &self.node_uid);
        }
        User {
            name: username(&self.namespace, &self.name).into(),
            uid: self.uid,
            groups: groups(&self.namespace).into(),
            extra,
        }
    }
}

/// What is checked of a token that one of our keys signed, and whose it is then.
#[async_trait]
pub(super) trait Check: Send + Sync {
    async fn check(&self, token: &str, public: &Public, payload: &Tree, asked: Asked<'_>) -> Result<User, Refused>;
}

/// Takes tokens of some issuers that one of the keys signed.
pub(super) struct Tokens<C> {
    pub(super) issuers: Vec<Text>,
    pub(super) keys: Arc<Keys>,
    /// The names of this server: whom tokens are for that do not say.
    pub(super) own: Vec<Text>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) check: C,
}

impl<C> Tokens<C> {
    /// What a token says, if one of the keys signed it.
    fn verified(&self, jws: &Jws<'_>) -> Result<Public, Refused> {
        let mut refusals = Vec::new();
        for key in self.keys.named(jws.key_id()) {
            match jws.verify(key) {
                Ok(()) => return Public::read(jws.payload()),
                Err(error) => refusals.push(Refused::new(error.to_string())),
            }
        }
        Err(Refused::all(refusals).unwrap_or_else(|| Refused::new("invalid signature, no keys found")))
    }

    /// For whom a token is of those asked for.
    fn audiences(&self, public: &Public, asked: Asked<'_>) -> Result<Vec<Text>, Refused> {
        let for_all = public.audiences.is_empty();
        if for_all {
            asked
                .notes
                .annotate("authentication.k8s.io/legacy-token", public.subject.to_string());
            self.metrics.service_accounts.legacy.inc();
        }
        let are_for = if for_all { &self.own } else { &public.audiences };
        let wanted = if asked.audiences.is_empty() {
            &self.own
        } else {
            asked.audiences
        };
        let audiences = common(are_for, wanted);
        if audiences.is_empty() && !self.own.is_empty() {
            return Err(Refused::new(format!(
                "token audiences {} is invalid for the target audiences {}",
                quoted(are_for),
                quoted(wanted)
            )));
        }
        Ok(audiences)
    }
}

#[async_trait]
impl<C: Check> TokenAuthenticator for Tokens<C> {
    async fn authenticate(&self, token: &str, asked: Asked<'_>) -> Outcome {
        let Some(jws) = Jws::parse(token) else {
            return Ok(None);
        };
        // Not verified yet: it only tells whether the token is for others to judge.
        let issuer = jws.payload().text("iss");
        if !self.issuers.iter().any(|own| own == issuer) {
            return Ok(None);
        }
        let public = self.verified(&jws)?;
        let audiences = self.audiences(&public, asked)?;
        let user = self.check.check(token, &public, jws.payload(), asked).await?;
        Ok(Some(Authenticated { user, audiences }))
    }
}

/// A list of strings as Go prints them with `%q`.
fn quoted(texts: &[Text]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    format!("[{}]", texts.join(" "))
}

/// An object that a token hangs on: as the cache has it, or, since that may be a moment behind, as the store has it.
async fn find(cluster: &dyn Cluster, resource: &GroupResource, namespace: &str, name: &str) -> Result<Tree, Status> {
    match cluster.cached(resource, namespace, name) {
        Some(object) => Ok(object),
        None => cluster.read(resource, namespace, name).await,
    }
}

/// What a secret holds under a key.
pub(super) fn data(secret: &Tree, key: &str) -> Vec<u8> {
    STANDARD.decode(secret.at("data").text(key)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
