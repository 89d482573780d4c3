//! Who this apiserver is: a Lease that it renews while it lives, and the removal of those that were left behind (upstream's
//! `component-helpers/apimachinery/lease` and `apiserverleasegc`).

use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::Parts;
use super::objects::{KUBE_SYSTEM, LEASES, change, is_missing, is_there_already, now, object, remove, uuid};

const COMPONENT: &str = "kube-apiserver";
const IDENTITY_LABEL: &str = "apiserver.kubernetes.io/identity";
const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";
const PEER_ANNOTATION: &str = "kubernetes.io/peer-advertise-address";
/// How long the lease lasts, in seconds.
const LASTS: i64 = 3600;
const RENEW: Duration = Duration::from_secs(10);
/// Renewals are spread by chance over so many parts of a thousand more.
const JITTER: u64 = 40;
/// How long the removal at the end may take: less than the client of the store tries, so that of a store that is gone the log
/// says the same each time.
const GIVE_UP: Duration = Duration::from_secs(8);
/// How often leases that were left behind are looked for.
const COLLECT: Duration = Duration::from_secs(3600);
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The name of an apiserver, made of its host's: the same at every start.
pub fn server_id(hostname: &str) -> String {
    let mut hash = Sha256::new();
    for part in [hostname, COMPONENT] {
        let bytes = part.as_bytes();
        hash.update((bytes.len() as u16).to_be_bytes());
        hash.update(bytes);
    }
    format!("apiserver-{}", base32(&hash.finalize()[..16]))
}

/// Base 32 in small letters, without padding.
fn base32(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let letters = (bytes.len() * 8).div_ceil(5);
    let letter = |at: usize| (0..5).fold(0, |value, step| value << 1 | bit(at * 5 + step));
    (0..letters)
        .map(|at| char::from(BASE32[usize::from(letter(at))]))
        .collect()
}

/// The lease of this apiserver.
pub(super) struct Identity {
    parts: Parts,
    name: String,
    holder: String,
    hostname: String,
    /// Where other apiservers reach this one, as `host:port`; empty where they do not.
    peer_address: String,
}

impl Identity {
    pub(super) fn new(parts: &Parts, hostname: &str, peer_address: &str) -> Self {
        let name = server_id(hostname);
        Self {
            parts: parts.clone(),
            holder: format!("{name}_{}", uuid(&*parts.random)),
            name,
            hostname: hostname.to_owned(),
            peer_address: peer_address.to_owned(),
        }
    }

    /// Renews the lease. Ends after the token is cancelled, when the lease is gone, or could not be removed for a while.
    pub(super) async fn run(self, token: CancellationToken) {
        let hook = self.parts.hooks.begin("start-kube-apiserver-identity-lease-controller");
        let work = async {
            // What an apiserver before this one left behind would lead others to it.
            self.remove().await;
            hook.done();
            loop {
                if let Err(status) = self.renew().await {
                    tracing::warn!(%status, lease = self.name, "Failed to update lease, will retry");
                }
                let more = self.parts.random.below(JITTER + 1) * RENEW.as_millis() as u64 / 1000;
                let more = Duration::from_millis(more);
                self.parts.clock.sleep(RENEW + more).await;
            }
        };
        tokio::select! {
            biased;
            () = token.cancelled() => {}
            () = work => {}
        }
        tokio::select! {
            () = self.remove() => {}
            () = self.parts.clock.sleep(GIVE_UP) => tracing::warn!(lease = self.name, "Unable to delete lease in time"),
        }
    }

    async fn remove(&self) {
        if let Err(status) = remove(&*self.parts.cluster, &LEASES, KUBE_SYSTEM, &self.name).await {
            tracing::error!(%status, lease = self.name, "Unable to delete lease");
        }
    }

    async fn renew(&self) -> Result<(), Status> {
        let cluster = &*self.parts.cluster;
        let time = now(&*self.parts.clock);
        let key = (KUBE_SYSTEM, self.name.as_str());
        let set = |lease: &mut Tree| {
            self.fill(lease, time);
            true
        };
        match change(cluster, &LEASES, "", key, set).await {
            Err(status) if is_missing(&status) => {}
            outcome => return outcome.map(drop),
        }
        let mut lease = object("coordination.k8s.io/v1", "Lease", KUBE_SYSTEM, &self.name);
        lease.child("spec").set("holderIdentity", self.holder.as_str());
        self.fill(&mut lease, time);
        match cluster.create(&LEASES, lease).await {
            Err(status) if is_there_already(&status) => change(cluster, &LEASES, "", key, set).await.map(drop),
            outcome => outcome.map(drop),
        }
    }

    fn fill(&self, lease: &mut Tree, time: Time) {
        let spec = lease.child("spec");
        spec.set("leaseDurationSeconds", LASTS);
        spec.set("renewTime", time.to_micro());
        meta::set_label(lease, IDENTITY_LABEL, COMPONENT);
        meta::set_label(lease, HOSTNAME_LABEL, &self.hostname);
        if !self.peer_address.is_empty() {
            meta::set_annotation(lease, PEER_ANNOTATION, &self.peer_address);
        }
    }
}

/// Removes leases of apiservers that no longer live, until it is dropped.
pub(super) async fn collect(parts: Parts) {
    let hook = "start-kube-apiserver-identity-lease-garbage-collector";
    parts.hooks.begin(hook).done();
    loop {
        for lease in parts.cluster.cached_list(&LEASES, KUBE_SYSTEM) {
            let ours = meta::label(&lease, IDENTITY_LABEL) == Some(COMPONENT);
            if ours && is_over(&lease, now(&*parts.clock)) {
                collect_one(&parts, meta::name(&lease)).await;
            }
        }
        parts.clock.sleep(COLLECT).await;
    }
}

async fn collect_one(parts: &Parts, name: &str) {
    let cluster = &*parts.cluster;
    let outcome = match cluster.read(&LEASES, KUBE_SYSTEM, name).await {
        // The cache may be behind.
        Ok(lease) if is_over(&lease, now(&*parts.clock)) => remove(cluster, &LEASES, KUBE_SYSTEM, name).await,
        Ok(_) => Ok(()),
        Err(status) if is_missing(&status) => Ok(()),
        Err(status) => Err(status),
    };
    if let Err(status) = outcome {
        tracing::error!(%status, name, "Error deleting lease");
    }
}

/// Whether a lease has ended. One that does not say when is none.
fn is_over(lease: &Tree, now: Time) -> bool {
    let spec = lease.at("spec");
    let renewed = spec
        .at("renewTime")
        .as_str()
        .and_then(|time| Time::parse_micro(time).ok());
    let (Some(renewed), Some(lasts)) = (renewed, spec.at("leaseDurationSeconds").as_int()) else {
        return true;
    };
    let end = renewed.unix_nanos() + i128::from(lasts) * 1_000_000_000;
    end < now.unix_nanos()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_api::meta;

    use super::{GIVE_UP, Identity, base32, collect, server_id};
    use crate::inside::objects::{KUBE_SYSTEM, LEASES};
    use crate::inside::testing::{asleep, json, parts};

    #[test]
    fn the_name_is_made_of_the_host_s() {
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        let id = server_id("host");
        assert_eq!(
            (id.len(), id == server_id("host"), id == server_id("other")),
            (36, true, false)
        );
    }

    #[tokio::test]
    async fn the_lease_is_renewed_and_goes_with_the_server() {
        let (double, clock, parts) = parts();
        let name = server_id("host");
        double.put(
            &LEASES,
            json(&format!(
                r#"{{"metadata":{{"name":"{name}","namespace":"kube-system"}},"spec":{{"holderIdentity":"old"}}}}"#
            )),
        );
        let identity = Identity::new(&parts, "host", "10.1.0.2:6443");
        let running = parts.tasks.spawn("identity", identity.run(parts.tasks.token()));
        asleep(&clock, 1).await;
        let lease = double.get(&LEASES, KUBE_SYSTEM, &name).unwrap();
        assert!(lease.at("spec").text("holderIdentity").starts_with(&format!("{name}_")));
        assert_eq!(lease.at("spec").text("renewTime"), "2026-01-01T00:00:00.000000Z");
        assert_eq!(lease.at("spec").int("leaseDurationSeconds"), 3600);
        assert_eq!(
            meta::label(&lease, "apiserver.kubernetes.io/identity"),
            Some("kube-apiserver")
        );
        assert_eq!(meta::label(&lease, "kubernetes.io/hostname"), Some("host"));
        let peer = meta::annotation(&lease, "kubernetes.io/peer-advertise-address");
        assert_eq!(peer, Some("10.1.0.2:6443"));
        double.conflict_once(&LEASES);
        clock.advance(Duration::from_secs(11));
        asleep(&clock, 1).await;
        let renewed = double.get(&LEASES, KUBE_SYSTEM, &name).unwrap();
        assert_eq!(renewed.at("spec").text("renewTime"), "2026-01-01T00:00:11.000000Z");
        assert_eq!(
            renewed.at("spec").text("holderIdentity"),
            lease.at("spec").text("holderIdentity")
        );
        parts.tasks.cancel();
        running.await;
        assert_eq!(double.list(&LEASES).len(), 0);
    }

    #[test]
    fn the_removal_is_given_up_before_the_store_is() {
        assert!(GIVE_UP < store_client::Options::new(["localhost:2379"]).retry_for);
    }

    #[tokio::test]
    async fn leases_of_the_dead_are_collected_each_hour() {
        let (double, clock, parts) = parts();
        let put = |name: &str, label: &str, spec: &str| {
            let text = format!(
                r#"{{"metadata":{{"name":"{name}","namespace":"kube-system",
                "labels":{{"apiserver.kubernetes.io/identity":"{label}"}}}},"spec":{spec}}}"#
            );
            double.put(&LEASES, json(&text));
        };
        let old = r#"{"leaseDurationSeconds":3600,"renewTime":"2025-12-31T22:59:59.000000Z"}"#;
        let young = r#"{"leaseDurationSeconds":3600,"renewTime":"2025-12-31T23:30:00.000000Z"}"#;
        put("dead", "kube-apiserver", old);
        put("wordless", "kube-apiserver", "{}");
        put("alive", "kube-apiserver", young);
        put("other", "other", old);
        parts.tasks.spawn_until("collect", collect(parts.clone()));
        asleep(&clock, 1).await;
        assert_eq!(double.names(&LEASES), ["alive", "other"]);
        clock.advance(Duration::from_secs(3600));
        asleep(&clock, 1).await;
        assert_eq!(double.names(&LEASES), ["other"]);
        parts.tasks.shutdown().await;
    }
}
