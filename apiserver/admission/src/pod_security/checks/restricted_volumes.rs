//! Pods have volumes of the kinds that the cluster manages, and no others.

use std::collections::BTreeSet;

use apiserver_api::tree::Tree;

use super::{Check, Violation, plural, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::restricted("restrictedVolumes", &[(0, since_0)], &["hostPathVolumes"]);

const ALLOWED: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
const KNOWN: [&str; 21] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

fn is_bad(volume: &Tree) -> bool {
    !ALLOWED.iter().any(|source| volume.has(source))
}

fn kind(volume: &Tree) -> &'static str {
    KNOWN.into_iter().find(|source| volume.has(source)).unwrap_or("unknown")
}

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let bad: Vec<&Tree> = pod
        .spec
        .items("volumes")
        .iter()
        .filter(|volume| is_bad(volume))
        .collect();
    if bad.is_empty() {
        return None;
    }
    let kinds: BTreeSet<&str> = bad.iter().map(|volume| kind(volume)).collect();
    let word = plural(bad.len(), "volume", "volumes");
    let verb = plural(bad.len(), "uses", "use");
    let noun = plural(kinds.len(), "restricted volume type", "restricted volume types");
    let names = quoted(bad.iter().map(|volume| volume.text("name")));
    Some(Violation::new(
        "restricted volume types",
        format!("{word} {names} {verb} {noun} {}", quoted(kinds)),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::since_0;

    #[test]
    fn only_managed_volumes_are_used() {
        let pod =
            r#"{"volumes":[{"name":"a","hostPath":{}},{"name":"b","nfs":{}},{"name":"c","image":{}},{"name":"d"}]}"#;
        let words = r#"restricted volume types (volumes "a", "b", "d" use restricted volume types "hostPath", "nfs", "unknown")"#;
        assert_eq!(spec(since_0, pod).as_deref(), Some(words));
        let one = r#"{"volumes":[{"name":"a","nfs":{}}]}"#;
        let words = r#"restricted volume types (volume "a" uses restricted volume type "nfs")"#;
        assert_eq!(spec(since_0, one).as_deref(), Some(words));
        for source in [
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "image",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ] {
            let managed = format!(r#"{{"volumes":[{{"name":"a","{source}":{{}}}}]}}"#);
            assert_eq!(spec(since_0, &managed), None, "{source}");
        }
    }
}
