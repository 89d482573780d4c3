//! What several plugins ask of a pod: its containers, whether a file on a node made it, the secrets and config maps it names.

use apiserver_api::meta;
use apiserver_api::tree::Tree;

/// Annotation of a pod that stands for one of a node's files.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
/// The lists of a spec's containers, in the order in which they are looked at.
pub(crate) const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
/// Sources of volumes that name a secret, and the fields in which they do.
const SECRETS: &[(&str, &[&str])] = &[
    ("azureFile", &["secretName"]),
    ("cephfs", &["secretRef", "name"]),
    ("cinder", &["secretRef", "name"]),
    ("flexVolume", &["secretRef", "name"]),
    ("rbd", &["secretRef", "name"]),
    ("secret", &["secretName"]),
    ("scaleIO", &["secretRef", "name"]),
    ("iscsi", &["secretRef", "name"]),
    ("storageos", &["secretRef", "name"]),
    ("csi", &["nodePublishSecretRef", "name"]),
];

/// All containers of a spec: those that come first, the others, those that were added later.
pub(crate) fn containers(spec: &Tree) -> impl Iterator<Item = &Tree> {
    LISTS.iter().flat_map(|list| spec.items(list))
}

/// Whether the pod stands for one of a node's files.
pub(crate) fn is_mirror(pod: &Tree) -> bool {
    meta::annotations(pod).contains(MIRROR)
}

/// The sources of the volumes that put several things into one folder.
pub(crate) fn projected(spec: &Tree) -> impl Iterator<Item = &Tree> {
    spec.items("volumes")
        .iter()
        .flat_map(|volume| volume.at("projected").items("sources"))
}

/// Whether a pod names a secret anywhere (`VisitPodSecretNames`).
pub(crate) fn names_secrets(spec: &Tree) -> bool {
    let pulls = spec.items("imagePullSecrets").iter().any(|one| named(one, &["name"]));
    let volumes = spec.items("volumes").iter();
    let volumes = volumes.flat_map(|volume| SECRETS.iter().map(move |(source, path)| (volume.at(source), path)));
    pulls
        || containers(spec).any(|container| in_environment(container, "secretKeyRef", "secretRef"))
        || volumes.into_iter().any(|(source, path)| named(source, path))
        || projected(spec).any(|source| named(source, &["secret", "name"]))
}

/// Whether a pod names a config map anywhere (`VisitPodConfigmapNames`).
pub(crate) fn names_config_maps(spec: &Tree) -> bool {
    let mut volumes = spec.items("volumes").iter();
    containers(spec).any(|container| in_environment(container, "configMapKeyRef", "configMapRef"))
        || volumes.any(|volume| named(volume, &["configMap", "name"]))
        || projected(spec).any(|source| named(source, &["configMap", "name"]))
}

fn in_environment(container: &Tree, key: &str, whole: &str) -> bool {
    let mut keys = container.items("env").iter();
    let mut wholes = container.items("envFrom").iter();
    keys.any(|variable| named(variable, &["valueFrom", key, "name"])) || wholes.any(|one| named(one, &[whole, "name"]))
}

fn named(tree: &Tree, path: &[&str]) -> bool {
    tree.below(path).as_str().is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{containers, names_config_maps, names_secrets};
    use crate::testing::tree;

    #[test]
    fn containers_come_in_upstream_s_order() {
        let spec = tree(
            r#"{"containers":[{"name":"b"}],"ephemeralContainers":[{"name":"c"}],"initContainers":[{"name":"a"}]}"#,
        );
        let names: Vec<&str> = containers(&spec).map(|one| one.text("name")).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn what_a_pod_names_is_found_wherever_it_stands() {
        for (spec, secrets, maps) in [
            ("{}", false, false),
            (r#"{"imagePullSecrets":[{"name":"s"}]}"#, true, false),
            (r#"{"imagePullSecrets":[{}]}"#, false, false),
            (
                r#"{"containers":[{"env":[{"valueFrom":{"secretKeyRef":{"name":"s"}}}]}]}"#,
                true,
                false,
            ),
            (
                r#"{"initContainers":[{"envFrom":[{"configMapRef":{"name":"m"}}]}]}"#,
                false,
                true,
            ),
            (
                r#"{"volumes":[{"csi":{"nodePublishSecretRef":{"name":"s"}}}]}"#,
                true,
                false,
            ),
            (r#"{"volumes":[{"configMap":{"name":"m"}}]}"#, false, true),
            (
                r#"{"volumes":[{"projected":{"sources":[{"secret":{"name":"s"}},{"configMap":{"name":"m"}}]}}]}"#,
                true,
                true,
            ),
        ] {
            let spec = tree(spec);
            assert_eq!(
                (names_secrets(&spec), names_config_maps(&spec)),
                (secrets, maps),
                "{spec:?}"
            );
        }
    }
}
