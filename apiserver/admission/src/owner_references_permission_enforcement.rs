//! `OwnerReferencesPermissionEnforcement`: whoever makes an object belong to another could delete it by the other, and
//! whoever lets it block the other's deletion must be allowed to write the other's finalizers.

use std::collections::HashMap;

use apiserver_access::authorize::{Attributes, Decision, On, Resource, Verdict};
use apiserver_api::go::quote;
use apiserver_api::gvk::{GroupResource, GroupVersion, GroupVersionResource};
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::{Cluster, Operation, Plugin, Request};

const DEFINITIONS: GroupResource = GroupResource::known("apiextensions.k8s.io", "customresourcedefinitions");

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct OwnerReferencesPermissionEnforcement;

impl OwnerReferencesPermissionEnforcement {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for OwnerReferencesPermissionEnforcement {
    fn name(&self) -> &'static str {
        "OwnerReferencesPermissionEnforcement"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        // Kubelets of old send broken references with the status of pods; the kind's rules keep those that are stored.
        if request.is_part("", "pods", "status") {
            return Ok(());
        }
        let new = meta::owner_references(object.unwrap_or(&Tree::Null));
        let old = request.old.map(meta::owner_references).unwrap_or_default();
        if new == old {
            return Ok(());
        }
        // Whoever makes an object decides about it anyway.
        if request.operation != Operation::Create {
            let verdict = may(request, "delete", &deletion(request)).await;
            if verdict.decision != Decision::Allow {
                let why = format!(
                    "cannot set an ownerRef on a resource you can't delete: {}",
                    said(&verdict)
                );
                return Err(forbid(request, object, why));
            }
        }
        let blocking = begin_to_block(new, old);
        if blocking.is_empty() || may_finalize_anything(request).await {
            return Ok(());
        }
        // The definitions are read once for each kind.
        let mut served = HashMap::new();
        for owner in blocking {
            let (version, kind) = (owner.text("apiVersion"), owner.text("kind"));
            let found = served.entry((version, kind));
            let found = found.or_insert_with(|| resources(request.cluster, version, kind));
            may_finalize(request, owner, found)
                .await
                .map_err(|why| forbid(request, object, why))?;
        }
        Ok(())
    }
}

/// The owners that may not go before the object where they could before.
fn begin_to_block<'o>(owners: &'o [Tree], old: &[Tree]) -> Vec<&'o Tree> {
    // Of several with one UID the last counts.
    let before = old
        .iter()
        .map(|owner| (owner.text("uid"), owner.flag("blockOwnerDeletion")));
    let before: HashMap<&str, bool> = before.collect();
    let blocked = |owner: &Tree| before.get(owner.text("uid")).copied().unwrap_or_default();
    let begins = |owner: &&Tree| owner.flag("blockOwnerDeletion") && !blocked(owner);
    owners.iter().filter(begins).collect()
}

fn deletion<'r>(request: &'r Request<'_>) -> Resource<'r> {
    Resource {
        namespace: request.namespace,
        group: &request.resource.group,
        version: &request.resource.version,
        resource: &request.resource.resource,
        subresource: request.subresource,
        name: request.name,
        ..Resource::default()
    }
}

async fn may(request: &Request<'_>, verb: &str, resource: &Resource<'_>) -> Verdict {
    let asked = Attributes {
        user: request.user,
        verb,
        on: On::Resource(resource.clone()),
    };
    request.authorizer.authorize(&asked).await
}

/// Whether the user may write all finalizers, so that nothing has to be found out about the owners.
async fn may_finalize_anything(request: &Request<'_>) -> bool {
    let all = Resource {
        group: "*",
        version: "*",
        resource: "*",
        subresource: "finalizers",
        name: "*",
        ..Resource::default()
    };
    may(request, "update", &all).await.decision == Decision::Allow
}

/// The resources that a kind is served as, each with whether it lives in namespaces; or why there are none.
type Served = Result<Vec<(GroupVersionResource, bool)>, String>;

async fn may_finalize(request: &Request<'_>, owner: &Tree, served: &Served) -> Result<(), String> {
    let (api_version, kind) = (owner.text("apiVersion"), owner.text("kind"));
    let resources = served.as_ref().map_err(|error| {
        format!(
            "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion {api_version} Kind {kind}: {error}"
        )
    })?;
    for (resource, namespaced) in resources {
        let finalizers = Resource {
            // An owner that lives in a namespace lives in that of the object.
            namespace: if *namespaced { request.namespace } else { "" },
            group: &resource.group,
            version: &resource.version,
            resource: &resource.resource,
            subresource: "finalizers",
            name: owner.text("name"),
            ..Resource::default()
        };
        let verdict = may(request, "update", &finalizers).await;
        if verdict.decision != Decision::Allow {
            return Err(format!(
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: {}",
                said(&verdict)
            ));
        }
    }
    Ok(())
}

/// What the authorizer said, as Go prints a reason and an error.
fn said(verdict: &Verdict) -> String {
    let error = if verdict.error.is_empty() {
        "<nil>"
    } else {
        &verdict.error
    };
    format!("{}, {error}", verdict.reason)
}

fn resources(cluster: &dyn Cluster, api_version: &str, kind: &str) -> Served {
    let version = GroupVersion::parse(api_version).map_err(|error| error.to_string())?;
    let built_in = apiserver_kinds::all().filter(|one| {
        one.kind == kind && one.group == version.group && one.versions.iter().any(|own| own.name == version.version)
    });
    let mut found: Vec<_> = built_in
        .map(|one| (version.resource(one.plural), one.namespaced))
        .collect();
    for definition in cluster.cached_list(&DEFINITIONS, "") {
        let (spec, status) = (definition.at("spec"), definition.at("status"));
        let names = status.at("acceptedNames");
        let served = |one: &Tree| one.text("name") == version.version && one.flag("served");
        let established = |one: &Tree| one.text("type") == "Established" && one.text("status") == "True";
        if spec.text("group") == version.group
            && names.text("kind") == kind
            && spec.items("versions").iter().any(served)
            && status.items("conditions").iter().any(established)
        {
            let namespaced = spec.text("scope") == "Namespaced";
            found.push((version.resource(names.text("plural")), namespaced));
        }
    }
    if found.is_empty() {
        let (kind, version) = (quote(kind), quote(&version.to_string()));
        return Err(format!("no matches for kind {kind} in version {version}"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::Tree;

    use super::{OwnerReferencesPermissionEnforcement, begin_to_block};
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    fn owned(owner: &str) -> Tree {
        json(&format!(r#"{{"metadata":{{"ownerReferences":[{owner}]}}}}"#))
    }

    const PLAIN: &str = r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"u"}"#;
    const BLOCKING: &str =
        r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"u","blockOwnerDeletion":true}"#;

    async fn ask(scene: &Scene, old: Option<&Tree>, new: &Tree) -> String {
        let operation = if old.is_some() {
            Operation::Update
        } else {
            Operation::Create
        };
        let mut request = scene.request(operation, "pods");
        request.old = old;
        let plugin = OwnerReferencesPermissionEnforcement::new();
        told(plugin.validate(&request, Some(new)).await)
    }

    #[tokio::test]
    async fn references_of_an_object_that_is_stored_need_the_right_to_delete_it() {
        let mut scene = Scene::new();
        let (old, new) = (json("{}"), owned(PLAIN));
        let refused = r#"pods "x" is forbidden: cannot set an ownerRef on a resource you can't delete: , <nil>"#;
        assert_eq!(ask(&scene, None, &new).await, "");
        assert_eq!(ask(&scene, Some(&new), &new).await, "");
        assert_eq!(ask(&scene, Some(&old), &new).await, refused);
        assert_eq!(ask(&scene, Some(&new), &old).await, refused);
        scene.allow(&["delete /pods x"]);
        assert_eq!(ask(&scene, Some(&old), &new).await, "");
    }

    #[tokio::test]
    async fn to_block_an_owner_needs_the_right_to_its_finalizers() {
        let mut scene = Scene::new();
        let (old, new) = (owned(PLAIN), owned(BLOCKING));
        let refused = r#"pods "x" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>"#;
        assert_eq!(ask(&scene, None, &new).await, refused);
        for right in ["update apps/replicasets/finalizers r", "update */*/finalizers *"] {
            scene.allow(&[right, "delete /pods x"]);
            assert_eq!(ask(&scene, None, &new).await, "");
            assert_eq!(ask(&scene, Some(&old), &new).await, "");
        }
        scene.allow(&["delete /pods x"]);
        assert_eq!(ask(&scene, Some(&old), &new).await, refused);
        let more = owned(&format!("{BLOCKING},{}", PLAIN.replace("\"u\"", "\"w\"")));
        assert_eq!(ask(&scene, Some(&new), &more).await, "");
    }

    #[tokio::test]
    async fn an_owner_of_a_custom_kind_is_found_by_its_definition() {
        let mut scene = Scene::new();
        let new = owned(r#"{"apiVersion":"e.com/v1","kind":"Thing","name":"t","uid":"u","blockOwnerDeletion":true}"#);
        let unknown = r#"pods "x" is forbidden: cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion e.com/v1 Kind Thing: no matches for kind "Thing" in version "e.com/v1""#;
        assert_eq!(ask(&scene, None, &new).await, unknown);
        scene.cluster.put(
            "customresourcedefinitions.apiextensions.k8s.io",
            r#"{"metadata":{"name":"things.e.com"},
                "spec":{"group":"e.com","scope":"Cluster","versions":[{"name":"v1","served":true}]},
                "status":{"acceptedNames":{"kind":"Thing","plural":"things"},
                    "conditions":[{"type":"Established","status":"True"}]}}"#,
        );
        scene.allow(&["update e.com/things/finalizers t"]);
        assert_eq!(ask(&scene, None, &new).await, "");
    }

    #[test]
    fn many_owners_are_held_against_many_of_old() {
        let owner = |at: usize| json(&format!(r#"{{"uid":"uid-{at:06}","blockOwnerDeletion":true}}"#));
        let owners: Vec<Tree> = (0..30_000).map(owner).collect();
        assert_eq!(begin_to_block(&owners, &owners[..29_999]), [&owners[29_999]]);
    }
}
