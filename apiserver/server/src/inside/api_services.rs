//! The `APIServices` of what this apiserver serves itself (upstream's `autoregister`).

use std::collections::BTreeSet;
use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;

use super::Parts;
use super::objects::{API_SERVICES, ensure, object, remove, tree};

const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";
/// Made when an apiserver starts, and left to operators from then on.
const ON_START: &str = "onstart";
const SOON: Duration = Duration::from_secs(1);

/// A version of a group that this apiserver serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedVersion {
    /// `apps`; empty for the core group.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// Groups with more come first in discovery.
    pub group_priority: i64,
    /// Versions of a group with more come first.
    pub version_priority: i64,
}

impl ServedVersion {
    /// The name of its `APIService`: `v1.apps`, and `v1.` for the core group.
    pub fn name(&self) -> String {
        format!("{}.{}", self.version, self.group)
    }

    fn spec(&self) -> Tree {
        let mut spec = tree([
            ("groupPriorityMinimum", self.group_priority.into()),
            ("version", self.version.as_str().into()),
            ("versionPriority", self.version_priority.into()),
        ]);
        if !self.group.is_empty() {
            spec.set("group", self.group.as_str());
        }
        spec
    }
}

/// The `APIServices` that are not available yet: what the check `autoregister-completion` waits for, as
/// `missing APIService: [v1. v1.apps]`.
pub fn missing(cluster: &dyn Cluster, served: &[ServedVersion]) -> Vec<String> {
    let names = served.iter().map(ServedVersion::name);
    let available = |name: &String| {
        let found = cluster.cached(&API_SERVICES, "", name);
        found.is_some_and(|found| {
            let conditions = found.at("status").items("conditions").iter();
            let mut available = conditions.filter(|condition| condition.text("type") == "Available");
            available.any(|condition| condition.text("status") == "True")
        })
    };
    names.filter(|name| !available(name)).collect()
}

/// Makes the `APIServices` and takes away those of what is no longer served, then ends.
pub(super) async fn run(parts: Parts, served: Vec<ServedVersion>) {
    parts.hooks.begin("kube-apiserver-autoregistration").done();
    let at_start = parts.cluster.cached_list(&API_SERVICES, "");
    let wanted: BTreeSet<String> = served.iter().map(ServedVersion::name).collect();
    let mut gone: Vec<&str> = Vec::new();
    for old in &at_start {
        if meta::label(old, MANAGED) == Some(ON_START) && !wanted.contains(meta::name(old)) {
            gone.push(meta::name(old));
        }
    }
    let mut left: Vec<&ServedVersion> = served.iter().collect();
    while !left.is_empty() || !gone.is_empty() {
        let mut again = Vec::new();
        for version in left {
            if let Err(status) = register(&parts, version).await {
                tracing::warn!(%status, name = version.name(), "an APIService could not be registered");
                again.push(version);
            }
        }
        left = again;
        let mut again = Vec::new();
        for name in gone {
            if let Err(status) = remove(&*parts.cluster, &API_SERVICES, "", name).await {
                tracing::warn!(%status, name, "an APIService could not be deleted");
                again.push(name);
            }
        }
        gone = again;
        if !left.is_empty() || !gone.is_empty() {
            parts.clock.sleep(SOON).await;
        }
    }
}

async fn register(parts: &Parts, version: &ServedVersion) -> Result<(), Status> {
    let cluster = &*parts.cluster;
    let name = version.name();
    let Some(mut current) = cluster.cached(&API_SERVICES, "", &name) else {
        let mut new = object("apiregistration.k8s.io/v1", "APIService", "", &name);
        meta::set_label(&mut new, MANAGED, ON_START);
        new.set("spec", version.spec());
        return ensure(cluster, &API_SERVICES, new).await;
    };
    // Whoever takes the label away takes it over.
    let managed = matches!(meta::label(&current, MANAGED), Some(ON_START | "true"));
    if !managed || *current.at("spec") == version.spec() {
        return Ok(());
    }
    current.set("spec", version.spec());
    cluster.update(&API_SERVICES, "", current).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_api::meta;

    use super::{MANAGED, ServedVersion, missing, run};
    use crate::inside::objects::API_SERVICES;
    use crate::inside::testing::{asleep, parts};

    fn served() -> Vec<ServedVersion> {
        let version = |group: &str, group_priority, version_priority| ServedVersion {
            group: group.to_owned(),
            version: "v1".to_owned(),
            group_priority,
            version_priority,
        };
        vec![version("", 18_000, 1), version("apps", 17_800, 15)]
    }

    #[tokio::test]
    async fn what_is_served_is_registered_and_available() {
        let (double, _, parts) = parts();
        assert_eq!(missing(&*parts.cluster, &served()), ["v1.", "v1.apps"]);
        run(parts.clone(), served()).await;
        assert_eq!(double.names(&API_SERVICES), ["v1.", "v1.apps"]);
        let apps = double.get(&API_SERVICES, "", "v1.apps").unwrap();
        assert_eq!(meta::label(&apps, MANAGED), Some("onstart"));
        assert_eq!(
            String::from_utf8(apps.at("spec").to_json()).unwrap(),
            r#"{"group":"apps","groupPriorityMinimum":17800,"version":"v1","versionPriority":15}"#
        );
        assert_eq!(missing(&*parts.cluster, &served()), [""; 0]);
        let writes = double.writes();
        run(parts, served()).await;
        assert_eq!(double.writes(), writes);
    }

    #[tokio::test]
    async fn what_is_no_longer_served_goes_and_what_changed_is_changed() {
        let (double, _, parts) = parts();
        run(parts.clone(), served()).await;
        let mut fewer = served();
        fewer.remove(0);
        fewer[0].version_priority = 20;
        run(parts.clone(), fewer.clone()).await;
        assert_eq!(double.names(&API_SERVICES), ["v1.apps"]);
        let mut apps = double.get(&API_SERVICES, "", "v1.apps").unwrap();
        assert_eq!(apps.at("spec").int("versionPriority"), 20);
        apps.child("metadata").child("labels").remove(MANAGED);
        double.put(&API_SERVICES, apps);
        fewer[0].version_priority = 30;
        run(parts, fewer).await;
        let apps = double.get(&API_SERVICES, "", "v1.apps").unwrap();
        assert_eq!(apps.at("spec").int("versionPriority"), 20);
    }

    #[tokio::test]
    async fn what_fails_is_tried_again() {
        let (double, clock, parts) = parts();
        double.refuse(&API_SERVICES);
        let running = parts.tasks.spawn_until("register", run(parts.clone(), served()));
        asleep(&clock, 1).await;
        double.allow(&API_SERVICES);
        clock.advance(Duration::from_secs(1));
        running.await;
        assert_eq!(double.list(&API_SERVICES).len(), 2);
    }
}
