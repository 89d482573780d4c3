//! What upstream's internal types call their fields, and where they have them, where that is not as the table of types says.

use std::borrow::Cow;

use apiserver_schema::{Field, Schema, Struct};

const POD: &str = "io.k8s.api.core.v1.PodSpec";
const POD_SECURITY: &str = "io.k8s.api.core.v1.PodSecurityContext";
const SOURCE: &str = "io.k8s.api.core.v1.PersistentVolumeSource";
const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// What a pod shares with its host, which stands in its security context.
pub(super) const SHARED: [&str; 5] = [
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "shareProcessNamespace",
    "hostUsers",
];

/// Names in Go that are more than a capital away from those in JSON.
const NAMES: &[(&str, &str)] = &[
    ("$ref", "Ref"),
    ("$schema", "Schema"),
    ("apiGroup", "APIGroup"),
    ("apiGroups", "APIGroups"),
    ("apiServerID", "APIServerID"),
    ("apiVersion", "APIVersion"),
    ("apiVersions", "APIVersions"),
    ("awsElasticBlockStore", "AWSElasticBlockStore"),
    ("bool", "BoolValue"),
    ("bools", "BoolValues"),
    ("caBundle", "CABundle"),
    ("cel", "CEL"),
    ("cephfs", "CephFS"),
    ("chapAuthDiscovery", "DiscoveryCHAPAuth"),
    ("chapAuthSession", "SessionCHAPAuth"),
    ("cidr", "CIDR"),
    ("cidrs", "CIDRs"),
    ("csi", "CSI"),
    ("diskURI", "DataDiskURI"),
    ("dnsConfig", "DNSConfig"),
    ("dnsPolicy", "DNSPolicy"),
    ("fc", "FC"),
    ("fsGroup", "FSGroup"),
    ("fsGroupChangePolicy", "FSGroupChangePolicy"),
    ("fsGroupPolicy", "FSGroupPolicy"),
    ("fsType", "FSType"),
    ("gcePersistentDisk", "GCEPersistentDisk"),
    ("gid", "GID"),
    ("gmsaCredentialSpec", "GMSACredentialSpec"),
    ("gmsaCredentialSpecName", "GMSACredentialSpecName"),
    ("grpc", "GRPC"),
    ("http", "HTTP"),
    ("httpGet", "HTTPGet"),
    ("httpHeaders", "HTTPHeaders"),
    ("id", "ID"),
    ("int", "IntValue"),
    ("ints", "IntValues"),
    ("ip", "IP"),
    ("ipBlock", "IPBlock"),
    ("ipFamilies", "IPFamilies"),
    ("ipFamilyPolicy", "IPFamilyPolicy"),
    ("ipMode", "IPMode"),
    ("ips", "IPs"),
    ("iqn", "IQN"),
    ("iscsi", "ISCSI"),
    ("iscsiInterface", "ISCSIInterface"),
    ("jsonPatch", "JSONPatch"),
    ("jsonPath", "JSONPath"),
    ("lastState", "LastTerminationState"),
    ("nfs", "NFS"),
    ("os", "OS"),
    ("osImage", "OSImage"),
    ("pdName", "PDName"),
    ("pkixPublicKey", "PKIXPublicKey"),
    ("qosClass", "QOSClass"),
    ("rbd", "RBD"),
    ("seLinuxChangePolicy", "SELinuxChangePolicy"),
    ("seLinuxMount", "SELinuxMount"),
    ("seLinuxOptions", "SELinuxOptions"),
    ("sslEnabled", "SSLEnabled"),
    ("storageos", "StorageOS"),
    ("string", "StringValue"),
    ("strings", "StringValues"),
    ("tcpSocket", "TCPSocket"),
    ("tls", "TLS"),
    ("ttlSecondsAfterFinished", "TTLSecondsAfterFinished"),
    ("tty", "TTY"),
    ("uid", "UID"),
    ("url", "URL"),
    ("wwids", "WWIDs"),
    ("x-kubernetes-embedded-resource", "XEmbeddedResource"),
    ("x-kubernetes-int-or-string", "XIntOrString"),
    ("x-kubernetes-list-map-keys", "XListMapKeys"),
    ("x-kubernetes-list-type", "XListType"),
    ("x-kubernetes-map-type", "XMapType"),
    ("x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields"),
    ("x-kubernetes-validations", "XValidations"),
];

/// Names in Go that hold only in some structs, by how the name of these begins.
const NAMES_WITHIN: &[(&str, &str, &str)] = &[
    ("Glusterfs", "endpoints", "EndpointsName"),
    ("RBD", "monitors", "CephMonitors"),
    ("RBD", "image", "RBDImage"),
    ("RBD", "pool", "RBDPool"),
    ("RBD", "user", "RadosUser"),
    ("DeviceAttribute", "version", "VersionValue"),
    ("DeviceAttribute", "versions", "VersionValues"),
];

/// A field, and before which other one an internal type has it; in the order in which they move.
const MOVED: &[(&str, &str, &str)] = &[
    (POD, "setHostnameAsFQDN", "affinity"),
    (POD, "preemptionPolicy", "dnsConfig"),
    (POD, "overhead", "enableServiceLinks"),
    (POD_SECURITY, "fsGroupChangePolicy", "sysctls"),
    ("io.k8s.api.core.v1.VolumeSource", "quobyte", "flexVolume"),
    (SOURCE, "quobyte", "iscsi"),
    (SOURCE, "flexVolume", "cinder"),
    (SCHEMA, "nullable", "format"),
];

/// What is a pointer for clients and a plain value for the server.
const PLAIN: &[(&str, &str)] = &[
    ("io.k8s.api.apps.v1.RollingUpdateDaemonSet", "maxSurge"),
    ("io.k8s.api.apps.v1.RollingUpdateDaemonSet", "maxUnavailable"),
    ("io.k8s.api.apps.v1.RollingUpdateDeployment", "maxSurge"),
    ("io.k8s.api.apps.v1.RollingUpdateDeployment", "maxUnavailable"),
    ("io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy", "partition"),
    ("io.k8s.api.core.v1.ServiceAccountTokenProjection", "expirationSeconds"),
];

/// The fields of an internal type in their order.
pub(super) fn fields<'s>(schema: &'s Schema, one: &'s Struct) -> Vec<&'s Field> {
    let shared = |name: &str| SHARED.contains(&name);
    let mut fields: Vec<&Field> = match &*one.name {
        POD => one
            .declared()
            .filter(|field| !shared(&field.name) && &*field.name != "serviceAccount")
            .collect(),
        POD_SECURITY => {
            let pod = schema.named(POD).map(|id| schema.get(id).declared());
            let mut fields: Vec<&Field> = pod.into_iter().flatten().filter(|field| shared(&field.name)).collect();
            fields.sort_by_key(|field| SHARED.iter().position(|name| *name == &*field.name));
            fields.extend(one.declared());
            fields
        }
        _ => one.declared().collect(),
    };
    let embedded = one.embedded.iter().map(|(_, id)| &*schema.get(*id).name);
    let names: Vec<&str> = embedded.chain([&*one.name]).collect();
    for (_, name, before) in MOVED.iter().filter(|(of, ..)| names.contains(of)) {
        let place = |name: &str| fields.iter().position(|field| &*field.name == name);
        if let (Some(from), Some(to)) = (place(name), place(before)) {
            let moved = fields.remove(from);
            fields.insert(to - usize::from(from < to), moved);
        }
    }
    fields
}

/// What Go calls a field.
pub(super) fn name(one: &Struct, field: &Field) -> Cow<'static, str> {
    let json = &*field.name;
    let within = NAMES_WITHIN
        .iter()
        .find(|(of, name, _)| *name == json && one.go.starts_with(of));
    if let Some((_, _, go)) = within {
        return (*go).into();
    }
    if let Ok(at) = NAMES.binary_search_by(|(name, _)| (*name).cmp(json)) {
        return NAMES[at].1.into();
    }
    let mut letters = json.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect::<String>().into()
}

/// Whether a field may be `nil`.
pub(super) fn is_pointer(one: &Struct, field: &Field) -> bool {
    field.pointer && !PLAIN.contains(&(&*one.name, &*field.name))
}

#[cfg(test)]
mod tests {
    use apiserver_schema::built_in;

    use super::{MOVED, NAMES, NAMES_WITHIN, PLAIN, fields, name};

    fn names(of: &str) -> Vec<String> {
        let one = built_in().get(built_in().named(of).unwrap());
        let fields = fields(built_in(), one).into_iter();
        fields.map(|field| name(one, field).into_owned()).collect()
    }

    #[test]
    fn every_exception_is_one_of_a_field_that_there_is() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        let all = || {
            built_in()
                .iter()
                .flat_map(|(_, one)| one.declared().map(move |field| (one, field)))
        };
        for (json, _) in NAMES {
            assert!(all().any(|(_, field)| &*field.name == *json), "{json}");
        }
        for (of, json, _) in NAMES_WITHIN {
            assert!(
                all().any(|(one, field)| one.go.starts_with(of) && &*field.name == *json),
                "{json}"
            );
        }
        let moved = MOVED
            .iter()
            .flat_map(|(of, name, before)| [(*of, *name), (*of, *before)]);
        for (of, json) in moved.chain(PLAIN.iter().copied()) {
            assert!(
                built_in().get(built_in().named(of).unwrap()).field(json).is_some(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_pod_shares_with_its_host_in_its_security_context() {
        let pod = names("io.k8s.api.core.v1.PodSpec");
        assert!(!pod.iter().any(|name| name == "HostNetwork" || name == "ServiceAccount"));
        let at = |name: &str| pod.iter().position(|one| one == name).unwrap();
        assert_eq!(
            (at("SetHostnameAsFQDN") + 1, at("Subdomain") + 1),
            (at("Affinity"), at("SetHostnameAsFQDN"))
        );
        let context = names("io.k8s.api.core.v1.PodSecurityContext");
        let first = [
            "HostNetwork",
            "HostPID",
            "HostIPC",
            "ShareProcessNamespace",
            "HostUsers",
            "SELinuxOptions",
        ];
        assert_eq!(context[..6], first);
    }

    #[test]
    fn volumes_are_in_the_order_of_the_internal_type() {
        let source = names("io.k8s.api.core.v1.PersistentVolumeSource");
        let order = [
            "GCEPersistentDisk",
            "AWSElasticBlockStore",
            "HostPath",
            "Glusterfs",
            "NFS",
            "RBD",
            "Quobyte",
            "ISCSI",
            "FlexVolume",
            "Cinder",
            "CephFS",
            "FC",
            "Flocker",
            "AzureFile",
            "VsphereVolume",
            "AzureDisk",
            "PhotonPersistentDisk",
            "PortworxVolume",
            "ScaleIO",
            "Local",
            "StorageOS",
            "CSI",
        ];
        assert_eq!(source, order);
    }
}
