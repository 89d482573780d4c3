//! What pods and volumes name that a kubelet must read to run them.

use apiserver_api::meta;
use apiserver_api::tree::Tree;

use super::graph::Kind;

/// What marks a pod that a kubelet shows of what it runs by itself.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// The node that a pod is on; empty where it is on none.
pub(super) fn node_of(pod: &Tree) -> &str {
    pod.at("spec").text("nodeName")
}

/// Shows what a pod names in its namespace. A mirror pod names nothing: a node must not get rights by making one.
pub(super) fn of_pod<'p>(pod: &'p Tree, see: &mut dyn FnMut(Kind, &str)) {
    if meta::annotations(pod).contains(MIRROR) {
        return;
    }
    let spec = pod.at("spec");
    let mut see = |kind, name: &str| {
        if !name.is_empty() {
            see(kind, name);
        }
    };
    see(Kind::ServiceAccount, spec.text("serviceAccountName"));
    for secret in spec.items("imagePullSecrets") {
        see(Kind::Secret, secret.text("name"));
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in spec.items(list) {
            of_container(container, &mut see);
        }
    }
    for volume in spec.items("volumes") {
        of_volume_source(volume, &mut see);
        if volume.has("ephemeral") {
            see(Kind::Claim, &format!("{}-{}", meta::name(pod), volume.text("name")));
        }
    }
    let status = pod.at("status");
    for claim in spec.items("resourceClaims") {
        see(
            Kind::ResourceClaim,
            resource_claim(claim, status.items("resourceClaimStatuses")),
        );
    }
    let extended = status.at("extendedResourceClaimStatus");
    see(Kind::ResourceClaim, extended.text("resourceClaimName"));
}

fn of_container(container: &Tree, see: &mut impl FnMut(Kind, &str)) {
    for source in container.items("envFrom") {
        see(Kind::Secret, source.at("secretRef").text("name"));
        see(Kind::ConfigMap, source.at("configMapRef").text("name"));
    }
    for variable in container.items("env") {
        let source = variable.at("valueFrom");
        see(Kind::Secret, source.at("secretKeyRef").text("name"));
        see(Kind::ConfigMap, source.at("configMapKeyRef").text("name"));
    }
}

/// Kinds of volumes that name their secret in a reference, and in which field.
const REFERENCES: [(&str, &str); 8] = [
    ("cephfs", "secretRef"),
    ("cinder", "secretRef"),
    ("flexVolume", "secretRef"),
    ("rbd", "secretRef"),
    ("scaleIO", "secretRef"),
    ("iscsi", "secretRef"),
    ("storageos", "secretRef"),
    ("csi", "nodePublishSecretRef"),
];

fn of_volume_source(volume: &Tree, see: &mut impl FnMut(Kind, &str)) {
    see(Kind::Secret, volume.at("azureFile").text("secretName"));
    see(Kind::Secret, volume.at("secret").text("secretName"));
    see(Kind::ConfigMap, volume.at("configMap").text("name"));
    see(Kind::Claim, volume.at("persistentVolumeClaim").text("claimName"));
    for (source, field) in REFERENCES {
        see(Kind::Secret, volume.below(&[source, field]).text("name"));
    }
    for source in volume.at("projected").items("sources") {
        see(Kind::Secret, source.at("secret").text("name"));
        see(Kind::ConfigMap, source.at("configMap").text("name"));
    }
}

/// The claim's own name, or what was made of its template; empty while nothing was.
fn resource_claim<'p>(claim: &'p Tree, statuses: &'p [Tree]) -> &'p str {
    if claim.has("resourceClaimName") {
        return claim.text("resourceClaimName");
    }
    let made = statuses.iter().find(|status| status.text("name") == claim.text("name"));
    made.map_or("", |status| status.text("resourceClaimName"))
}

/// The claim that a volume is bound to: its namespace and name.
pub(super) fn claim_of(volume: &Tree) -> Option<(&str, &str)> {
    let claim = volume.below(&["spec", "claimRef"]);
    (!claim.is_null()).then(|| (claim.text("namespace"), claim.text("name")))
}

/// Shows the secrets that a kubelet needs for a volume, each by its namespace and name. Those of controllers are none.
pub(super) fn of_volume(volume: &Tree, see: &mut dyn FnMut(&str, &str)) {
    let Some((of_claim, _)) = claim_of(volume) else {
        return;
    };
    let spec = volume.at("spec");
    let mut reference = |secret: &Tree, otherwise: &str| {
        let (namespace, name) = (secret.text("namespace"), secret.text("name"));
        if !name.is_empty() {
            see(if namespace.is_empty() { otherwise } else { namespace }, name);
        }
    };
    for source in ["cephfs", "flexVolume", "rbd", "scaleIO", "iscsi"] {
        reference(spec.below(&[source, "secretRef"]), of_claim);
    }
    for source in ["cinder", "storageos"] {
        reference(spec.below(&[source, "secretRef"]), "");
    }
    for field in ["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"] {
        reference(spec.below(&["csi", field]), "");
    }
    let azure = spec.at("azureFile");
    let (namespace, name) = (azure.text("secretNamespace"), azure.text("secretName"));
    if !name.is_empty() {
        see(if namespace.is_empty() { of_claim } else { namespace }, name);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Tree, parse};

    use super::{of_pod, of_volume};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    fn named(pod: &str) -> Vec<String> {
        let mut named = Vec::new();
        of_pod(&tree(pod), &mut |kind, name| named.push(format!("{kind:?} {name}")));
        named
    }

    #[test]
    fn a_pod_names_all_that_its_containers_and_volumes_need() {
        let pod = r#"{"metadata":{"name":"p"},"spec":{"nodeName":"n","serviceAccountName":"sa","imagePullSecrets":[{"name":"pull"},{}],
            "initContainers":[{"envFrom":[{"secretRef":{"name":"s1"}},{"configMapRef":{"name":"c1"}}]}],
            "containers":[{"env":[{"valueFrom":{"secretKeyRef":{"name":"s2"}}},{"valueFrom":{"configMapKeyRef":{"name":"c2"}}}]}],
            "ephemeralContainers":[{"envFrom":[{"secretRef":{"name":"s3"}}]}],
            "volumes":[{"name":"v","ephemeral":{"volumeClaimTemplate":{}}},{"persistentVolumeClaim":{"claimName":"pvc"}},
                {"secret":{"secretName":"s4"}},{"configMap":{"name":"c3"}},{"azureFile":{"secretName":"s5"}},
                {"csi":{"driver":"d","nodePublishSecretRef":{"name":"s6"}}},{"rbd":{"secretRef":{"name":"s7"}}},
                {"projected":{"sources":[{"secret":{"name":"s8"}},{"configMap":{"name":"c4"}},{"serviceAccountToken":{}}]}}],
            "resourceClaims":[{"name":"a","resourceClaimName":"rc1"},{"name":"b","resourceClaimTemplateName":"t"},
                {"name":"c","resourceClaimTemplateName":"t"}]},
            "status":{"resourceClaimStatuses":[{"name":"b","resourceClaimName":"rc2"},{"name":"a","resourceClaimName":"no"}],
                "extendedResourceClaimStatus":{"resourceClaimName":"rc3"}}}"#;
        let told = "ServiceAccount sa,Secret pull,Secret s1,ConfigMap c1,Secret s2,ConfigMap c2,Secret s3,Claim p-v,Claim \
                    pvc,Secret s4,ConfigMap c3,Secret s5,Secret s6,Secret s7,Secret s8,ConfigMap c4,ResourceClaim \
                    rc1,ResourceClaim rc2,ResourceClaim rc3";
        assert_eq!(named(pod).join(","), told);
        let mirror = pod.replace(
            r#""name":"p""#,
            r#""name":"p","annotations":{"kubernetes.io/config.mirror":""}"#,
        );
        assert_eq!(named(&mirror), [""; 0]);
    }

    #[test]
    fn a_bound_volume_names_the_secrets_that_kubelets_need() {
        for (source, named) in [
            (r#""rbd":{"secretRef":{"name":"s"}}"#, "of-claim/s"),
            (r#""iscsi":{"secretRef":{"name":"s","namespace":"m"}}"#, "m/s"),
            (r#""cinder":{"secretRef":{"name":"s","namespace":"m"}}"#, "m/s"),
            (r#""azureFile":{"secretName":"s"}"#, "of-claim/s"),
            (r#""azureFile":{"secretName":"s","secretNamespace":"m"}"#, "m/s"),
            (
                r#""csi":{"controllerPublishSecretRef":{"name":"a","namespace":"m"},"controllerExpandSecretRef":{"name":"b","namespace":"m"},
                    "nodePublishSecretRef":{"name":"c","namespace":"m"},"nodeStageSecretRef":{"name":"d","namespace":"m"},
                    "nodeExpandSecretRef":{"name":"e","namespace":"m"}}"#,
                "m/c m/d m/e",
            ),
            (r#""hostPath":{"path":"/"}"#, ""),
        ] {
            let bound = format!(r#"{{"spec":{{{source},"claimRef":{{"namespace":"of-claim","name":"c"}}}}}}"#);
            let mut told = Vec::new();
            of_volume(&tree(&bound), &mut |namespace, name| {
                told.push(format!("{namespace}/{name}"));
            });
            assert_eq!(told.join(" "), named);
            let mut free = 0;
            of_volume(&tree(&format!(r#"{{"spec":{{{source}}}}}"#)), &mut |_, _| free += 1);
            assert_eq!(free, 0);
        }
    }
}
