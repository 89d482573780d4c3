//! Tokens that were asked for: good for a time, and as long as what they are bound to is there.

use std::sync::Arc;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::{Text, Tree};
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use base::clock::Clock;

use super::public::{Public, time};
use super::{
    Asked, Check, LEEWAY_MS, Metrics, NODES, Owner, PODS, Refused, SECRETS, SERVICE_ACCOUNTS, credential, find,
};

/// Checks tokens that were asked for.
pub(in crate::authenticate) struct BoundTokens {
    pub(in crate::authenticate) cluster: Arc<dyn Cluster>,
    pub(in crate::authenticate) clock: Arc<dyn Clock>,
    pub(in crate::authenticate) metrics: Arc<Metrics>,
}

#[async_trait]
impl Check for BoundTokens {
    async fn check(&self, _token: &str, public: &Public, payload: &Tree, asked: Asked<'_>) -> Result<User, Refused> {
        let now_ms = self.clock.wall_ms() as i64;
        in_time(public, now_ms)?;
        let claims = payload.at("kubernetes.io");
        let warn_after = time(claims, "warnafter")?;
        let namespace = claims.text("namespace");
        let account = claims.at("serviceaccount");
        self.check_account(namespace, account, now_ms).await?;
        if let Some(secret) = named(claims, "secret") {
            self.check_bound(&SECRETS, "secret", namespace, secret, now_ms).await?;
        }
        let pod = named(claims, "pod");
        if let Some(pod) = pod {
            self.check_bound(&PODS, "pod", namespace, pod, now_ms).await?;
        }
        let node = named(claims, "node");
        // That a pod is there is enough: where it runs is told and not asked.
        if let (Some(node), None) = (node, pod) {
            self.check_bound(&NODES, "node", "", node, now_ms).await?;
        }
        self.tell_of_stale(warn_after, public, now_ms, asked);
        let text = |tree: Option<&Tree>, field: &str| Text::from(tree.map_or("", |tree| tree.text(field)));
        let owner = Owner {
            namespace: namespace.into(),
            name: account.text("name").into(),
            uid: account.text("uid").into(),
            pod: text(pod, "name"),
            pod_uid: text(pod, "uid"),
            node: text(node, "name"),
            node_uid: text(node, "uid"),
            credential: credential(&public.id),
        };
        Ok(owner.into_user())
    }
}

impl BoundTokens {
    async fn check_account(&self, namespace: &str, claim: &Tree, now_ms: i64) -> Result<(), Refused> {
        let (name, claimed) = (claim.text("name"), claim.text("uid"));
        let found = find(self.cluster.as_ref(), &SERVICE_ACCOUNTS, namespace, name).await;
        let account = found.map_err(|status| Refused::new(status.message))?;
        let uid = meta::uid(&account);
        if uid != claimed {
            return Err(Refused::new(format!(
                "service account UID ({uid}) does not match claim ({claimed})"
            )));
        }
        if was_deleted(&account, now_ms) {
            return Err(Refused::new(format!(
                "service account {namespace}/{name} has been deleted"
            )));
        }
        Ok(())
    }

    /// Checks that an object is there that a token is bound to, and is the same.
    async fn check_bound(
        &self,
        resource: &GroupResource,
        word: &str,
        namespace: &str,
        claim: &Tree,
        now_ms: i64,
    ) -> Result<(), Refused> {
        let invalidated = || Refused::new("service account token has been invalidated");
        let found = find(self.cluster.as_ref(), resource, namespace, claim.text("name")).await;
        let object = found.map_err(|_| invalidated())?;
        let (uid, claimed) = (meta::uid(&object), claim.text("uid"));
        if uid != claimed {
            return Err(Refused::new(format!(
                "{word} UID ({uid}) does not match service account {word} ref claim ({claimed})"
            )));
        }
        if was_deleted(&object, now_ms) {
            return Err(invalidated());
        }
        Ok(())
    }

    /// Tokens that live longer than they were asked for are told of once they are used after that time.
    fn tell_of_stale(&self, warn_after: Option<i64>, public: &Public, now_ms: i64, asked: Asked<'_>) {
        let Some(warn_after) = warn_after.filter(|seconds| *seconds != 0) else {
            return;
        };
        if now_ms > warn_after.saturating_mul(1000) {
            let late = (now_ms / 1000).saturating_sub(warn_after);
            let text = format!("subject: {}, seconds after warning threshold: {late}", public.subject);
            asked.notes.annotate("authentication.k8s.io/stale-token", text);
            self.metrics.service_accounts.stale.inc();
        } else {
            self.metrics.service_accounts.valid.inc();
        }
    }
}

/// An object that a token names, where it names one.
fn named<'c>(claims: &'c Tree, word: &str) -> Option<&'c Tree> {
    claims.get(word).filter(|claim| !claim.is_null())
}

fn in_time(public: &Public, now_ms: i64) -> Result<(), Refused> {
    let late_ms = now_ms.saturating_add(LEEWAY_MS);
    let early_ms = now_ms.saturating_sub(LEEWAY_MS);
    let ms = |time: Option<i64>| time.map(|seconds| seconds.saturating_mul(1000));
    if ms(public.not_before).is_some_and(|from| late_ms < from) {
        return Err(Refused::new("service account token is not valid yet"));
    }
    if ms(public.expires).is_some_and(|to| early_ms > to) {
        return Err(Refused::new("service account token has expired"));
    }
    if ms(public.issued).is_some_and(|issued| late_ms < issued) {
        return Err(Refused::new("service account token is issued in the future"));
    }
    Ok(())
}

/// Whether an object has been on its way out for longer than clocks may differ.
fn was_deleted(object: &Tree, now_ms: i64) -> bool {
    let Some(deleted) = meta::deletion_timestamp(object) else {
        return false;
    };
    // What cannot be read is not to keep a token alive.
    let before_ms = i128::from(now_ms.saturating_sub(LEEWAY_MS));
    Time::parse(deleted).map_or(true, |deleted| deleted.unix_nanos() < before_ms * 1_000_000)
}
