//! Pods of a node: it makes those that stand for its files, reports on its own, and takes its own away.

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::Asker;
use crate::plugin::Operation;
use crate::pods::{MIRROR, is_mirror, names_config_maps, names_secrets};

const NODES: GroupResource = GroupResource::known("", "nodes");
/// What is named by a volume that has one of these sources (`HasAPIObjectReference`). Controllers would make some of it for
/// the pod: the node must not have them do so in a namespace that is none of its business.
const VOLUMES: &[(&str, &str)] = &[
    ("configMap", "configmaps (via configmap volumes)"),
    ("secret", "secrets (via secret volumes)"),
    ("csi", "csidrivers (via CSI volumes)"),
    ("glusterfs", "endpoints (via glusterFS volumes)"),
    ("persistentVolumeClaim", "persistentvolumeclaims"),
    ("ephemeral", "persistentvolumeclaims (via ephemeral volumes)"),
    ("azureFile", "secrets (via azureFile volumes)"),
];
/// The same for a source of a projected volume.
const PROJECTED: &[(&str, &str)] = &[
    ("configMap", "configmaps (via projected volumes)"),
    ("secret", "secrets (via projected volumes)"),
    ("serviceAccountToken", "serviceaccounts (via projected volumes)"),
    ("clusterTrustBundle", "clustertrustbundles"),
    ("podCertificate", "podcertificates"),
];

pub(super) fn check(asker: &Asker<'_>, part: &str) -> Result<(), Status> {
    match part {
        "" => match asker.operation() {
            Operation::Create => check_new(asker),
            Operation::Delete => check_gone(asker),
            operation => {
                let node = asker.quoted();
                let operation = quote(operation.as_str());
                let words =
                    format!("unexpected operation {operation}, node {node} can only create and delete mirror pods");
                Err(asker.refuse(words))
            }
        },
        "status" => check_status(asker),
        "eviction" => check_eviction(asker),
        other => {
            let part = quote(other);
            Err(asker.refuse(format!(
                "unexpected pod subresource {part}, only 'status' and 'eviction' are allowed"
            )))
        }
    }
}

fn runs_on(pod: &Tree, node: &str) -> bool {
    pod.at("spec").text("nodeName") == node
}

fn check_gone(asker: &Asker<'_>) -> Result<(), Status> {
    let pod = asker.pod(asker.request.name)?;
    asker.must(runs_on(&pod, asker.node), || {
        format!(
            "node {} can only delete pods with spec.nodeName set to itself",
            asker.quoted()
        )
    })
}

fn check_new(asker: &Asker<'_>) -> Result<(), Status> {
    let (pod, node) = (asker.object, asker.quoted());
    asker.must(is_mirror(pod), || {
        format!(
            "pod does not have {} annotation, node {node} can only create mirror pods",
            quote(MIRROR)
        )
    })?;
    asker.must(runs_on(pod, asker.node), || {
        format!("node {node} can only create pods with spec.nodeName set to itself")
    })?;
    check_owner(asker)?;
    let spec = pod.at("spec");
    for (names, what) in [
        (!spec.text("serviceAccountName").is_empty(), "a service account"),
        (names_secrets(spec), "secrets"),
        (names_config_maps(spec), "configmaps"),
        (!spec.items("resourceClaims").is_empty(), "resourceclaims"),
    ] {
        asker.must(!names, || {
            format!("node {node} can not create pods that reference {what}")
        })?;
    }
    let named = spec.items("volumes").iter().find_map(|volume| {
        let mut sources = volume.at("projected").items("sources").iter();
        named_by(volume, VOLUMES).or_else(|| sources.find_map(|source| named_by(source, PROJECTED)))
    });
    named.map_or(Ok(()), |what| {
        Err(asker.refuse(format!("node {node} can not create pods that reference {what}")))
    })
}

fn named_by(volume: &Tree, sources: &[(&str, &'static str)]) -> Option<&'static str> {
    let found = sources.iter().find(|(source, _)| volume.has(source));
    found.map(|(_, what)| *what)
}

/// The pod belongs to the node, and to the one that is registered now.
fn check_owner(asker: &Asker<'_>) -> Result<(), Status> {
    let node = asker.quoted();
    let owners = meta::owner_references(asker.object);
    asker.must(owners.len() <= 1, || {
        format!("node {node} can only create pods with a single owner reference set to itself")
    })?;
    let is_node = |owner: &&Tree| {
        owner.text("apiVersion") == "v1" && owner.text("kind") == "Node" && owner.text("name") == asker.node
    };
    let Some(owner) = owners.first().filter(is_node) else {
        let words = format!("node {node} can only create pods with an owner reference set to itself");
        return Err(asker.refuse(words));
    };
    asker.must(owner.flag("controller"), || {
        format!("node {node} can only create pods with a controller owner reference set to itself")
    })?;
    asker.must(!owner.flag("blockOwnerDeletion"), || {
        format!("node {node} must not set blockOwnerDeletion on an owner reference")
    })?;
    let registered = asker.cached(&NODES, "node", "", asker.node)?;
    let (said, known) = (owner.text("uid"), meta::uid(&registered));
    asker.must(said == known, || {
        format!("node {} UID mismatch: expected {said} got {known}", asker.node)
    })
}

fn check_status(asker: &Asker<'_>) -> Result<(), Status> {
    if asker.operation() != Operation::Update {
        return Err(asker.unexpected_operation());
    }
    let (pod, old, node) = (asker.object, asker.old(), asker.quoted());
    asker.must(runs_on(old, asker.node), || {
        format!("node {node} can only update pod status for pods with spec.nodeName set to itself")
    })?;
    asker.must(meta::labels(pod) == meta::labels(old), || {
        format!("node {node} cannot update labels through pod status")
    })?;
    let claims = |pod: &Tree| -> Vec<(Tree, Tree)> {
        let statuses = pod.at("status").items("resourceClaimStatuses").iter();
        statuses
            .map(|status| (status.at("name").clone(), status.at("resourceClaimName").clone()))
            .collect()
    };
    asker.must(claims(pod) == claims(old), || {
        format!("node {node} cannot update resource claim statues")
    })?;
    let extended = |pod: &Tree| pod.below(&["status", "extendedResourceClaimStatus"]).clone();
    asker.must(extended(pod) == extended(old), || {
        format!("node {node} cannot update extended resource claim status")
    })
}

fn check_eviction(asker: &Asker<'_>) -> Result<(), Status> {
    if asker.operation() != Operation::Create {
        let words = format!("unexpected operation {}", asker.operation().as_str());
        return Err(asker.refuse(words));
    }
    let name = match asker.request.name {
        "" => meta::name(asker.object),
        name => name,
    };
    asker.must(!name.is_empty(), || {
        "could not determine pod from request data".to_owned()
    })?;
    let pod = asker.pod(name)?;
    asker.must(runs_on(&pod, asker.node), || {
        format!(
            "node {} can only evict pods with spec.nodeName set to itself",
            asker.node
        )
    })
}
