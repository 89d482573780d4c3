//! The volumes of a pod: each has a name of its own and one source.

mod claim;
mod disks;
mod files;
mod networks;

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::paths;
use super::scope::Options;
use crate::amounts::amount;
use crate::check::one_of;
use crate::pod::containers::PULL_POLICIES;
use crate::text::{required, required_fields, tell};

const HOST_PATHS: &[&str] = &[
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
];

/// The sources in the order in which upstream looks at them: the first counts, others are refused. Most refusals name the
/// field; what some name instead is the second string.
const SOURCES: &[(&str, &str)] = &[
    ("hostPath", "hostPath"),
    ("gitRepo", "gitRepo"),
    ("gcePersistentDisk", "gcePersistentDisk"),
    ("awsElasticBlockStore", "awsElasticBlockStore"),
    ("secret", "secret"),
    ("nfs", "nfs"),
    ("iscsi", "iscsi"),
    ("glusterfs", "glusterfs"),
    ("flocker", "flocker"),
    ("persistentVolumeClaim", "persistentVolumeClaim"),
    ("rbd", "rbd"),
    ("cinder", "cinder"),
    ("cephfs", "cephFS"),
    ("quobyte", "quobyte"),
    ("downwardAPI", "downwarAPI"),
    ("fc", "fc"),
    ("flexVolume", "flexVolume"),
    ("configMap", "configMap"),
    ("azureFile", "azureFile"),
    ("vsphereVolume", "vsphereVolume"),
    ("photonPersistentDisk", "photonPersistentDisk"),
    ("portworxVolume", "portworxVolume"),
    ("azureDisk", "azureDisk"),
    ("storageos", "storageos"),
    ("projected", "projected"),
    ("scaleIO", "scaleIO"),
    ("csi", "csi"),
    ("ephemeral", "ephemeral"),
    ("image", "image"),
];

/// Whether a volume says where it comes from.
pub(super) fn has_source(volume: &Tree) -> bool {
    volume.has("emptyDir") || SOURCES.iter().any(|(source, _)| volume.has(source))
}

/// Checks the volumes of a spec. Returns those that have nothing wrong with them, which containers may mount. `pod` is the
/// name of the pod where it is known.
pub(super) fn validate<'a>(
    path: &Path<'_>,
    volumes: &'a [Tree],
    pod: &str,
    options: Options,
    refusals: &mut Refusals,
) -> BTreeMap<&'a str, &'a Tree> {
    let made: BTreeSet<&str> = volumes
        .iter()
        .filter(|volume| !pod.is_empty() && volume.has("ephemeral"))
        .map(|volume| volume.text("name"))
        .collect();
    let mut sound = BTreeMap::new();
    for (at, volume) in volumes.iter().enumerate() {
        let path = path.index(at);
        let before = refusals.len();
        validate_source(&path, volume, pod, options, refusals);
        let name = volume.text("name");
        required(&path.field("name"), name, names::dns_label, refusals);
        if sound.contains_key(name) {
            refusals.duplicate(&path.field("name"), name);
        }
        if refusals.len() == before {
            sound.insert(name, volume);
        }
        let claim = volume.at("persistentVolumeClaim").text("claimName");
        let own = claim.strip_prefix(pod).and_then(|rest| rest.strip_prefix('-'));
        if own.is_some_and(|volume| made.contains(volume)) {
            let path = path.field("persistentVolumeClaim");
            let detail = "must not reference a PVC that gets created for an ephemeral volume";
            refusals.invalid(&path.field("claimName"), claim, detail);
        }
    }
    sound
}

fn validate_source(path: &Path<'_>, volume: &Tree, pod: &str, options: Options, refusals: &mut Refusals) {
    let mut found = volume.has("emptyDir");
    let size = volume.at("emptyDir").at("sizeLimit");
    if !size.is_null() && amount(size).sign().is_lt() {
        let path = path.field("emptyDir");
        let detail = "SizeLimit field must be a valid resource quantity";
        refusals.forbidden(&path.field("sizeLimit"), detail);
    }
    for (field, told) in SOURCES {
        let source = volume.at(field);
        if source.is_null() {
            continue;
        }
        if found {
            refusals.forbidden(&path.field(told), "may not specify more than 1 volume type");
        } else {
            found = true;
            validate_one(path, field, source, options, refusals);
            if *field == "ephemeral" {
                validate_claim_name(&path.field("name"), volume.text("name"), pod, refusals);
            }
        }
        if *field == "iscsi" {
            networks::validate_iscsi_length(path, volume, refusals);
        }
    }
    if !found {
        refusals.required(path, "must specify a volume type");
    }
}

/// The claim that is made for a volume is called after the pod and the volume.
fn validate_claim_name(path: &Path<'_>, volume: &str, pod: &str, refusals: &mut Refusals) {
    // A name of megabytes is not put before that of each volume when nobody reads it any more.
    if pod.is_empty() || volume.is_empty() || refusals.is_full() {
        return;
    }
    let claim = format!("{pod}-{volume}");
    for message in names::name_is_dns_subdomain(&claim, false) {
        let detail = format!("PVC name {}: {message}", apiserver_api::go::quote(&claim));
        refusals.invalid(path, volume, &detail);
    }
}

fn validate_one(volume: &Path<'_>, field: &str, source: &Tree, options: Options, refusals: &mut Refusals) {
    let path = &volume.field(field);
    match field {
        "hostPath" => validate_host_path(path, source, refusals),
        "gitRepo" => {
            required_fields(path, source, &["repository"], refusals);
            paths::descending(&path.field("directory"), source.text("directory"), refusals);
        }
        "secret" => files::validate_files(path, source, "secretName", refusals),
        "configMap" => files::validate_files(path, source, "name", refusals),
        "downwardAPI" => files::validate_downward(path, source, refusals),
        "projected" => files::validate_projected(path, source, options, refusals),
        "persistentVolumeClaim" => required_fields(path, source, &["claimName"], refusals),
        "ephemeral" => {
            let template = source.at("volumeClaimTemplate");
            let path = path.field("volumeClaimTemplate");
            if template.is_null() {
                refusals.required(&path, "");
            } else {
                claim::validate_template(&path, template, refusals);
            }
        }
        "image" => {
            if options.is_pod {
                required_fields(path, source, &["reference"], refusals);
            }
            let policy = source.text("pullPolicy");
            one_of(&path.field("pullPolicy"), policy, PULL_POLICIES, true, refusals);
        }
        "nfs" | "iscsi" | "glusterfs" | "cephfs" | "rbd" | "quobyte" | "fc" | "csi" | "flexVolume" => {
            networks::validate(path, field, source, refusals);
        }
        // Upstream's name for the place of Google's disks.
        "gcePersistentDisk" => disks::validate(&volume.field("persistentDisk"), field, source, refusals),
        _ => disks::validate(path, field, source, refusals),
    }
}

fn validate_host_path(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    let target = source.text("path");
    if target.is_empty() {
        return refusals.required(&path.field("path"), "");
    }
    paths::no_backsteps(&path.field("path"), target, refusals);
    if let Some(kind) = source.at("type").as_str()
        && !HOST_PATHS.contains(&kind)
    {
        refusals.not_supported(&path.field("type"), kind, HOST_PATHS);
    }
}

/// A label where something is said.
fn optional_label(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    if !name.is_empty() {
        tell(path, name, names::dns_label(name), refusals);
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Path, Refusals, validate};
    use crate::pod::testing::{json, words};

    #[test]
    fn a_long_name_of_a_pod_is_not_put_before_each_of_its_volumes() {
        let pod = "x".repeat(300_000);
        let volumes = vec![json(r#"{"name":"v","ephemeral":{}}"#); 50_000];
        let mut refusals = Refusals::new();
        validate(&Path::of("v"), &volumes, &pod, Options::default(), &mut refusals);
        let claims = refusals.iter().filter(|one| one.message.contains("PVC name"));
        assert!((2..100).contains(&claims.count()));
    }

    #[test]
    fn a_claim_that_is_made_for_a_volume_is_not_another_s() {
        for (claim, told) in [
            (
                "p-q-v",
                "v[1].persistentVolumeClaim.claimName: Invalid value: \"p-q-v\": must not reference a PVC that \
                 gets created for an ephemeral volume",
            ),
            ("p-q-w", ""),
            ("v", ""),
        ] {
            let volumes = json(&format!(
                r#"[{{"name":"v","ephemeral":{{}}}},{{"name":"w","persistentVolumeClaim":{{"claimName":"{claim}"}}}}]"#
            ));
            let mut refusals = Refusals::new();
            let list = volumes.as_list().unwrap();
            validate(&Path::of("v"), list, "p-q", Options::default(), &mut refusals);
            let words = words(&refusals);
            let last = words.lines().last().filter(|line| line.starts_with("v[1]"));
            assert_eq!(last.unwrap_or_default(), told);
        }
    }

    #[test]
    fn a_volume_has_a_name_of_its_own_and_one_source() {
        let cases = [
            (r#"[{"name":"v","emptyDir":{}}]"#, ""),
            (r#"[{"name":"v"}]"#, "v[0]: Required value: must specify a volume type"),
            (
                r#"[{"name":"v","emptyDir":{},"nfs":{}}]"#,
                "v[0].nfs: Forbidden: may not specify more than 1 volume type",
            ),
            (
                r#"[{"name":"v","emptyDir":{}},{"name":"v","emptyDir":{}}]"#,
                r#"v[1].name: Duplicate value: "v""#,
            ),
            (
                r#"[{"name":"v","hostPath":{"path":"/a/../b","type":"x"}}]"#,
                "v[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'\n\
                 v[0].hostPath.type: Unsupported value: \"x\": supported values: \"\", \"BlockDevice\", \"CharDevice\", \
                 \"Directory\", \"DirectoryOrCreate\", \"File\", \"FileOrCreate\", \"Socket\"",
            ),
            (
                r#"[{"name":"v","emptyDir":{"sizeLimit":"-1"}}]"#,
                "v[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
            ),
            (
                r#"[{"name":"v","gcePersistentDisk":{}}]"#,
                "v[0].persistentDisk.pdName: Required value",
            ),
        ];
        for (volumes, told) in cases {
            let volumes = json(volumes);
            let mut refusals = Refusals::new();
            let list = volumes.as_list().unwrap();
            validate(&Path::of("v"), list, "p", Options::default(), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
