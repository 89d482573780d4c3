//! Where a volume comes from: exactly one of many sources.

use apiserver_api::names::{dns_label, dns_subdomain, name_is_dns_label};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{disks, iscsi};

/// How a source is checked: where it stands, itself, the name of its volume.
type Check = fn(&Path<'_>, &Tree, &str, &mut Refusals);

/// A source: its field, where its parts are told of, where it is told of when there is another, and its check.
pub(super) struct Source(pub(super) &'static str, &'static str, &'static str, Check);

/// All sources, in the order in which upstream looks at them.
pub(super) const SOURCES: &[Source] = &[
    Source("hostPath", "hostPath", "hostPath", |path, one, _, out| {
        disks::host_path(path, one, out);
    }),
    Source(
        "gcePersistentDisk",
        "persistentDisk",
        "gcePersistentDisk",
        |path, one, _, out| {
            required(path, one, &["pdName"], out);
            disks::partition(path, one, out);
        },
    ),
    Source(
        "awsElasticBlockStore",
        "awsElasticBlockStore",
        "awsElasticBlockStore",
        |path, one, _, out| {
            required(path, one, &["volumeID"], out);
            disks::partition(path, one, out);
        },
    ),
    Source("glusterfs", "glusterfs", "glusterfs", |path, one, _, out| {
        glusterfs(path, one, out);
    }),
    Source("flocker", "flocker", "flocker", |path, one, _, out| {
        flocker(path, one, out);
    }),
    Source("nfs", "nfs", "nfs", |path, one, _, out| {
        required(path, one, &["server", "path"], out);
        if !one.text("path").starts_with('/') {
            out.invalid(&path.field("path"), one.text("path"), "must be an absolute path");
        }
    }),
    Source("rbd", "rbd", "rbd", |path, one, _, out| {
        list(path, one, "monitors", out);
        required(path, one, &["image"], out);
    }),
    Source("quobyte", "quobyte", "quobyte", |path, one, _, out| {
        quobyte(path, one, out);
    }),
    Source("cephfs", "cephfs", "cephFS", |path, one, _, out| {
        list(path, one, "monitors", out);
    }),
    Source("iscsi", "iscsi", "iscsi", iscsi::validate),
    Source("cinder", "cinder", "cinder", |path, one, _, out| {
        required(path, one, &["volumeID"], out);
        secret(path, one, out);
    }),
    Source("fc", "fc", "fc", |path, one, _, out| disks::fc(path, one, out)),
    Source("flexVolume", "flexVolume", "", |path, one, _, out| flex(path, one, out)),
    Source("azureFile", "azureFile", "azureFile", |path, one, _, out| {
        required(path, one, &["secretName", "shareName"], out);
        if one.at("secretNamespace").as_str() == Some("") {
            out.required(&path.field("secretNamespace"), "");
        }
    }),
    Source(
        "vsphereVolume",
        "vsphereVolume",
        "vsphereVolume",
        |path, one, _, out| {
            required(path, one, &["volumePath"], out);
        },
    ),
    Source(
        "photonPersistentDisk",
        "photonPersistentDisk",
        "photonPersistentDisk",
        |path, one, _, out| {
            required(path, one, &["pdID"], out);
        },
    ),
    Source(
        "portworxVolume",
        "portworxVolume",
        "portworxVolume",
        |path, one, _, out| {
            required(path, one, &["volumeID"], out);
        },
    ),
    Source("azureDisk", "azureDisk", "azureDisk", |path, one, _, out| {
        disks::azure(path, one, out);
    }),
    Source("scaleIO", "scaleIO", "scaleIO", |path, one, _, out| {
        required(path, one, &["gateway", "system", "volumeName"], out);
    }),
    Source("local", "local", "local", |path, one, _, out| {
        disks::local(path, one, out);
    }),
    Source("storageos", "storageos", "storageos", |path, one, _, out| {
        storage_os(path, one, out);
    }),
    Source("csi", "csi", "csi", |path, one, _, out| csi(path, one, out)),
];

/// Checks that a spec has one source, and the source. `reached` says whether it is known from where.
pub(super) fn validate(path: &Path<'_>, spec: &Tree, volume: &str, reached: bool, refusals: &mut Refusals) {
    let mut found = false;
    for Source(field, told_at, refused_at, check) in SOURCES {
        let source = spec.at(field);
        if source.is_null() {
            continue;
        }
        if found && !refused_at.is_empty() {
            refusals.forbidden(&path.field(refused_at), "may not specify more than 1 volume type");
            continue;
        }
        found = true;
        check(&path.field(told_at), source, volume, refusals);
        if *field == "local" && !reached {
            let detail = "Local volume requires node affinity";
            refusals.required(&path.field("nodeAffinity"), detail);
        }
    }
    if !found {
        refusals.required(path, "must specify a volume type");
    }
}

fn required(path: &Path<'_>, one: &Tree, fields: &[&str], refusals: &mut Refusals) {
    for field in fields.iter().filter(|field| one.text(field).is_empty()) {
        refusals.required(&path.field(field), "");
    }
}

fn list(path: &Path<'_>, one: &Tree, field: &str, refusals: &mut Refusals) {
    if one.items(field).is_empty() {
        refusals.required(&path.field(field), "");
    }
}

/// A secret that is named needs its name and its namespace.
fn secret(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    if one.has("secretRef") {
        let path = path.field("secretRef");
        required(&path, one.at("secretRef"), &["name", "namespace"], refusals);
    }
}

fn glusterfs(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    required(path, one, &["endpoints", "path"], refusals);
    let path = path.field("endpointsNamespace");
    match one.at("endpointsNamespace").as_str() {
        None => {}
        Some("") => {
            let detail = "if the endpointnamespace is set, it must be a valid namespace name";
            refusals.invalid(&path, "", detail);
        }
        Some(namespace) => {
            for message in name_is_dns_label(namespace, false) {
                refusals.invalid(&path, namespace, &message);
            }
        }
    }
}

fn flocker(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let (name, uuid) = (one.text("datasetName"), one.text("datasetUUID"));
    if name.is_empty() && uuid.is_empty() {
        refusals.required(path, "one of datasetName and datasetUUID is required");
    }
    if !name.is_empty() && !uuid.is_empty() {
        let detail = "datasetName and datasetUUID can not be specified simultaneously";
        refusals.invalid(path, "resource", detail);
    }
    if name.contains('/') {
        refusals.invalid(&path.field("datasetName"), name, "must not contain '/'");
    }
}

fn quobyte(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let (registry, at) = (one.text("registry"), path.field("registry"));
    let detail = "must be a host:port pair or multiple pairs separated by commas";
    if registry.is_empty() {
        refusals.required(&at, detail);
    } else if one.text("tenant").len() > 64 {
        let detail = "must be a UUID and may not exceed a length of 64 characters";
        refusals.required(&path.field("tenant"), detail);
    } else {
        for _ in registry.split(',').filter(|pair| !is_host_port(pair)) {
            refusals.invalid(&at, registry, detail);
        }
    }
    required(path, one, &["volume"], refusals);
}

/// Whether Go's `net.SplitHostPort` takes this.
fn is_host_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let host = match host.strip_prefix('[') {
        Some(inner) => match inner.strip_suffix(']') {
            Some(inner) => inner,
            None => return false,
        },
        None if host.contains(':') => return false,
        None => host,
    };
    !host.contains(['[', ']']) && !port.contains(['[', ']'])
}

fn flex(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    required(path, one, &["driver"], refusals);
    let options = path.field("options");
    for (key, _) in one.entries("options").iter() {
        let domain = key.split_once('/').map_or(key, |(domain, _)| domain);
        let domain = format!(".{}", domain.to_lowercase());
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            let detail = "kubernetes.io and k8s.io namespaces are reserved";
            refusals.invalid(&options.key(key), key, detail);
        }
    }
}

fn storage_os(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    required(path, one, &["volumeName"], refusals);
    for field in ["volumeName", "volumeNamespace"] {
        let text = one.text(field);
        for message in dns_label(text).into_iter().filter(|_| !text.is_empty()) {
            refusals.invalid(&path.field(field), text, &message);
        }
    }
    secret(path, one, refusals);
}

fn csi(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let (driver, at) = (one.text("driver"), path.field("driver"));
    if driver.is_empty() {
        refusals.required(&at, "");
    }
    if driver.len() > 63 {
        refusals.too_long(&at, 63);
    }
    let wrong = dns_subdomain(&driver.to_lowercase()).into_iter();
    for message in wrong.filter(|_| !driver.is_empty()) {
        refusals.invalid(&at, driver, &message);
    }
    required(path, one, &["volumeHandle"], refusals);
    for field in [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ] {
        let secret = one.at(field);
        if secret.is_null() {
            continue;
        }
        let path = path.field(field);
        required(&path, secret, &["name", "namespace"], refusals);
        let (name, namespace) = (secret.text("name"), secret.text("namespace"));
        for message in dns_subdomain(name).into_iter().filter(|_| !name.is_empty()) {
            refusals.invalid(&path.field("name"), name, &message);
        }
        for message in dns_label(namespace).into_iter().filter(|_| !namespace.is_empty()) {
            refusals.invalid(&path.field("namespace"), namespace, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, is_host_port, validate};
    use crate::trial::tree;

    fn told(json: &str) -> Vec<String> {
        let mut refusals = Refusals::new();
        validate(&Path::of("spec"), &tree(json), "pv", false, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_volume_has_one_source() {
        assert_eq!(told("{}"), ["spec: Required value: must specify a volume type"]);
        let two = told(r#"{"hostPath": {"path": "/a"}, "cephfs": {"monitors": ["m"]}}"#);
        assert_eq!(two, ["spec.cephFS: Forbidden: may not specify more than 1 volume type"]);
    }

    #[test]
    fn sources_say_what_they_need() {
        for (json, count) in [
            (r#"{"nfs": {"server": "a", "path": "/b"}}"#, 0),
            (r#"{"nfs": {"server": "a", "path": "b"}}"#, 1),
            (r#"{"nfs": {}}"#, 3),
            (r#"{"gcePersistentDisk": {"partition": 256}}"#, 2),
            (r#"{"hostPath": {"path": "/a/../b", "type": "x"}}"#, 2),
            (r#"{"glusterfs": {"endpoints": "", "path": "p"}}"#, 1),
            (r#"{"flocker": {"datasetName": "a/b", "datasetUUID": "c"}}"#, 2),
            (r#"{"rbd": {}}"#, 2),
            (r#"{"quobyte": {"registry": "a", "volume": "v"}}"#, 1),
            (r#"{"cinder": {"volumeID": "v", "secretRef": {}}}"#, 2),
            (r#"{"fc": {"targetWWNs": ["a"], "wwids": ["b"]}}"#, 2),
            (r#"{"flexVolume": {"driver": "d", "options": {"a.k8s.io/b": "c"}}}"#, 1),
            (
                r#"{"azureFile": {"secretName": "a", "shareName": "b", "secretNamespace": ""}}"#,
                1,
            ),
            (
                r#"{"azureDisk": {"diskName": "a", "diskURI": "b", "kind": "Managed", "cachingMode": "x"}}"#,
                2,
            ),
            (r#"{"local": {"path": "/a"}}"#, 1),
            (r#"{"storageos": {"volumeName": "A"}}"#, 1),
            (
                r#"{"csi": {"driver": "d", "volumeHandle": "h", "nodePublishSecretRef": {"name": "n"}}}"#,
                1,
            ),
            (
                r#"{"iscsi": {"targetPortal": "p", "iqn": "x", "lun": 256, "chapAuthSession": true}}"#,
                3,
            ),
        ] {
            let told = told(json);
            assert_eq!(told.len(), count, "{told:?}");
        }
    }

    #[test]
    fn hosts_have_ports() {
        for (text, fine) in [
            ("a:1", true),
            ("[::1]:1", true),
            (":1", true),
            ("a", false),
            ("::1:1", false),
            ("[a:1", false),
        ] {
            assert_eq!(is_host_port(text), fine, "{text}");
        }
    }
}
