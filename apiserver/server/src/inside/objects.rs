//! What the parts share: the resources by name, objects as they are written, and how failures are told apart.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;
use base::clock::Clock;
use base::random::Random;

pub(super) static API_SERVICES: GroupResource = GroupResource::known("apiregistration.k8s.io", "apiservices");
pub(super) static CONFIG_MAPS: GroupResource = GroupResource::known("", "configmaps");
pub(super) static ENDPOINTS: GroupResource = GroupResource::known("", "endpoints");
pub(super) static ENDPOINT_SLICES: GroupResource = GroupResource::known("discovery.k8s.io", "endpointslices");
pub(super) static EVENTS: GroupResource = GroupResource::known("", "events");
pub(super) static FLOW_SCHEMAS: GroupResource = GroupResource::known("flowcontrol.apiserver.k8s.io", "flowschemas");
pub(super) static IP_ADDRESSES: GroupResource = GroupResource::known("networking.k8s.io", "ipaddresses");
pub(super) static LEASES: GroupResource = GroupResource::known("coordination.k8s.io", "leases");
pub(super) static NAMESPACES: GroupResource = GroupResource::known("", "namespaces");
pub(super) static PRIORITY_CLASSES: GroupResource = GroupResource::known("scheduling.k8s.io", "priorityclasses");
pub(super) static PRIORITY_LEVELS: GroupResource =
    GroupResource::known("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations");
pub(super) static SERVICES: GroupResource = GroupResource::known("", "services");
pub(super) static SERVICE_CIDRS: GroupResource = GroupResource::known("networking.k8s.io", "servicecidrs");

/// The namespace of the system's own objects.
pub(super) const KUBE_SYSTEM: &str = "kube-system";

/// How often a change is tried anew where others changed the object in between.
const TRIES: usize = 5;

/// A map of these entries.
pub(super) fn tree<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(entries.into_iter().collect())
}

/// A list of these texts.
pub(super) fn texts<'t>(items: impl IntoIterator<Item = &'t str>) -> Tree {
    items.into_iter().collect()
}

/// An object of which nothing but its type and name is said; one of the cluster has no namespace.
pub(super) fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Tree {
    let mut object = Tree::map();
    meta::set_type(&mut object, api_version, kind);
    meta::set_name(&mut object, name);
    meta::set_namespace(&mut object, namespace);
    object
}

/// The time at the apiserver.
pub(super) fn now(clock: &dyn Clock) -> Time {
    Time::from_unix_nanos(i128::from(clock.wall_ms()) * 1_000_000)
}

/// A random UUID.
pub(super) fn uuid(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    // Version 4 of RFC 9562.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

pub(super) fn is_missing(status: &Status) -> bool {
    status.reason == Reason::NotFound
}

pub(super) fn is_there_already(status: &Status) -> bool {
    status.reason == Reason::AlreadyExists
}

pub(super) fn is_conflict(status: &Status) -> bool {
    status.reason == Reason::Conflict
}

/// Makes an object; that it is there already is fine.
pub(super) async fn ensure(cluster: &dyn Cluster, resource: &GroupResource, object: Tree) -> Result<(), Status> {
    match cluster.create(resource, object).await {
        Err(status) if !is_there_already(&status) => Err(status),
        _ => Ok(()),
    }
}

/// Deletes an object; that it is gone already is fine.
pub(super) async fn remove(
    cluster: &dyn Cluster,
    resource: &GroupResource,
    namespace: &str,
    name: &str,
) -> Result<(), Status> {
    match cluster.delete(resource, namespace, name).await {
        Err(status) if !is_missing(&status) => Err(status),
        _ => Ok(()),
    }
}

/// Changes an object as the store has it, anew where others were faster. `edit` says whether there is anything to write.
pub(super) async fn change(
    cluster: &dyn Cluster,
    resource: &GroupResource,
    subresource: &str,
    (namespace, name): (&str, &str),
    mut edit: impl FnMut(&mut Tree) -> bool + Send,
) -> Result<Tree, Status> {
    let mut tries = 1;
    loop {
        let mut object = cluster.read(resource, namespace, name).await?;
        if !edit(&mut object) {
            return Ok(object);
        }
        match cluster.update(resource, subresource, object).await {
            Err(status) if is_conflict(&status) && tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use base::random::Seeded;

    use super::{NAMESPACES, change, object, tree, uuid};
    use crate::inside::testing::Double;

    #[test]
    fn a_uuid_is_of_version_four() {
        let uuid = uuid(&Seeded::new(1));
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(uuid.as_bytes()[14], b'4');
    }

    #[tokio::test]
    async fn a_change_is_tried_anew_where_another_was_faster() {
        let cluster = Double::new();
        cluster.put(&NAMESPACES, object("v1", "Namespace", "", "a"));
        cluster.conflict_once(&NAMESPACES);
        let set = |object: &mut apiserver_api::tree::Tree| {
            object.child("metadata").set("labels", tree([("l", "v".into())]));
            true
        };
        let changed = change(&cluster, &NAMESPACES, "", ("", "a"), set).await.unwrap();
        assert_eq!(apiserver_api::meta::label(&changed, "l"), Some("v"));
    }
}
