//! The internal types of a pod's template.

use apiserver_api::tree::Tree;

use super::container::{CONTAINER, NAME_AND_VALUE, PROFILE, RESOURCES, SE_LINUX, WINDOWS};
use super::volume::VOLUME;
use super::{Type, any, flag, list, number, pointer, selector, text, within, write_json, write_key, write_present};

/// A template as JSON. Its metadata has names of its own; what a pod shares with its host stands in its security context.
pub(crate) fn template(template: &Tree) -> String {
    let mut out = String::from("{");
    let metadata = template.at("metadata");
    if write_metadata(metadata, &mut out) > 0 {
        out.push(',');
    }
    write_key("Spec", &mut out);
    let mut spec = template.at("spec").clone();
    let shared = [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "shareProcessNamespace",
        "hostUsers",
    ];
    for field in shared {
        if let Some(value) = spec.remove(field) {
            spec.child("securityContext").set(field, value);
        }
    }
    out.push_str(&POD.show(&spec));
    out.push('}');
    out
}

/// The fields of metadata, which stand in the object itself.
fn write_metadata(metadata: &Tree, out: &mut String) -> usize {
    const START: &[&str] = &[
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
    ];
    let mut written = write_present(metadata, START, out);
    if metadata.has("ownerReferences") {
        if written > 0 {
            out.push(',');
        }
        write_key("ownerReferences", out);
        out.push('[');
        for (at, owner) in metadata.items("ownerReferences").iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let fields = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
            super::write_some(owner, &fields, out);
        }
        out.push(']');
        written += 1;
    }
    for field in ["finalizers", "managedFields"] {
        if metadata.has(field) {
            if written > 0 {
                out.push(',');
            }
            write_key(field, out);
            write_json(metadata.at(field), out);
            written += 1;
        }
    }
    written
}

static POD: Type = Type(&[
    list("Volumes", "volumes", &VOLUME),
    list("InitContainers", "initContainers", &CONTAINER),
    list("Containers", "containers", &CONTAINER),
    any("EphemeralContainers", "ephemeralContainers"),
    text("RestartPolicy", "restartPolicy"),
    any("TerminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
    any("ActiveDeadlineSeconds", "activeDeadlineSeconds"),
    text("DNSPolicy", "dnsPolicy"),
    any("NodeSelector", "nodeSelector"),
    text("ServiceAccountName", "serviceAccountName"),
    any("AutomountServiceAccountToken", "automountServiceAccountToken"),
    text("NodeName", "nodeName"),
    pointer("SecurityContext", "securityContext", &POD_SECURITY),
    list("ImagePullSecrets", "imagePullSecrets", &NAMED),
    text("Hostname", "hostname"),
    text("Subdomain", "subdomain"),
    any("SetHostnameAsFQDN", "setHostnameAsFQDN"),
    pointer("Affinity", "affinity", &AFFINITY),
    text("SchedulerName", "schedulerName"),
    list("Tolerations", "tolerations", &TOLERATION),
    list(
        "HostAliases",
        "hostAliases",
        &Type(&[text("IP", "ip"), any("Hostnames", "hostnames")]),
    ),
    text("PriorityClassName", "priorityClassName"),
    any("Priority", "priority"),
    any("PreemptionPolicy", "preemptionPolicy"),
    pointer("DNSConfig", "dnsConfig", &DNS),
    list(
        "ReadinessGates",
        "readinessGates",
        &Type(&[text("ConditionType", "conditionType")]),
    ),
    any("RuntimeClassName", "runtimeClassName"),
    any("Overhead", "overhead"),
    any("EnableServiceLinks", "enableServiceLinks"),
    list("TopologySpreadConstraints", "topologySpreadConstraints", &SPREAD),
    pointer("OS", "os", &NAMED),
    list("SchedulingGates", "schedulingGates", &NAMED),
    list("ResourceClaims", "resourceClaims", &CLAIM),
    pointer("Resources", "resources", &RESOURCES),
    any("HostnameOverride", "hostnameOverride"),
    pointer(
        "SchedulingGroup",
        "schedulingGroup",
        &Type(&[any("PodGroupName", "podGroupName")]),
    ),
]);

/// Something that has only a name.
pub(super) static NAMED: Type = Type(&[text("Name", "name")]);

/// What tolerates a taint.
pub(crate) static TOLERATION: Type = Type(&[
    text("Key", "key"),
    text("Operator", "operator"),
    text("Value", "value"),
    text("Effect", "effect"),
    any("TolerationSeconds", "tolerationSeconds"),
]);

static CLAIM: Type = Type(&[
    text("Name", "name"),
    any("ResourceClaimName", "resourceClaimName"),
    any("ResourceClaimTemplateName", "resourceClaimTemplateName"),
]);

static DNS: Type = Type(&[
    any("Nameservers", "nameservers"),
    any("Searches", "searches"),
    list(
        "Options",
        "options",
        &Type(&[text("Name", "name"), any("Value", "value")]),
    ),
]);

static SPREAD: Type = Type(&[
    number("MaxSkew", "maxSkew"),
    text("TopologyKey", "topologyKey"),
    text("WhenUnsatisfiable", "whenUnsatisfiable"),
    selector("LabelSelector", "labelSelector"),
    any("MinDomains", "minDomains"),
    any("NodeAffinityPolicy", "nodeAffinityPolicy"),
    any("NodeTaintsPolicy", "nodeTaintsPolicy"),
    any("MatchLabelKeys", "matchLabelKeys"),
]);

static AFFINITY: Type = Type(&[
    pointer("NodeAffinity", "nodeAffinity", &NODE_AFFINITY),
    pointer("PodAffinity", "podAffinity", &POD_AFFINITY),
    pointer("PodAntiAffinity", "podAntiAffinity", &POD_AFFINITY),
]);

const REQUIRED: (&str, &str) = (
    "RequiredDuringSchedulingIgnoredDuringExecution",
    "requiredDuringSchedulingIgnoredDuringExecution",
);
const PREFERRED: (&str, &str) = (
    "PreferredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
);

static NODE_AFFINITY: Type = Type(&[
    pointer(
        REQUIRED.0,
        REQUIRED.1,
        &Type(&[list("NodeSelectorTerms", "nodeSelectorTerms", &TERM)]),
    ),
    list(
        PREFERRED.0,
        PREFERRED.1,
        &Type(&[number("Weight", "weight"), within("Preference", "preference", &TERM)]),
    ),
]);

static TERM: Type = Type(&[
    list("MatchExpressions", "matchExpressions", &REQUIREMENT),
    list("MatchFields", "matchFields", &REQUIREMENT),
]);

static REQUIREMENT: Type = Type(&[
    text("Key", "key"),
    text("Operator", "operator"),
    any("Values", "values"),
]);

static POD_AFFINITY: Type = Type(&[
    list(REQUIRED.0, REQUIRED.1, &AFFINITY_TERM),
    list(
        PREFERRED.0,
        PREFERRED.1,
        &Type(&[
            number("Weight", "weight"),
            within("PodAffinityTerm", "podAffinityTerm", &AFFINITY_TERM),
        ]),
    ),
]);

static AFFINITY_TERM: Type = Type(&[
    selector("LabelSelector", "labelSelector"),
    any("Namespaces", "namespaces"),
    text("TopologyKey", "topologyKey"),
    selector("NamespaceSelector", "namespaceSelector"),
    any("MatchLabelKeys", "matchLabelKeys"),
    any("MismatchLabelKeys", "mismatchLabelKeys"),
]);

static POD_SECURITY: Type = Type(&[
    flag("HostNetwork", "hostNetwork"),
    flag("HostPID", "hostPID"),
    flag("HostIPC", "hostIPC"),
    any("ShareProcessNamespace", "shareProcessNamespace"),
    any("HostUsers", "hostUsers"),
    pointer("SELinuxOptions", "seLinuxOptions", &SE_LINUX),
    pointer("WindowsOptions", "windowsOptions", &WINDOWS),
    any("RunAsUser", "runAsUser"),
    any("RunAsGroup", "runAsGroup"),
    any("RunAsNonRoot", "runAsNonRoot"),
    any("SupplementalGroups", "supplementalGroups"),
    any("SupplementalGroupsPolicy", "supplementalGroupsPolicy"),
    any("FSGroup", "fsGroup"),
    any("FSGroupChangePolicy", "fsGroupChangePolicy"),
    list("Sysctls", "sysctls", &NAME_AND_VALUE),
    pointer("SeccompProfile", "seccompProfile", &PROFILE),
    pointer("AppArmorProfile", "appArmorProfile", &PROFILE),
    any("SELinuxChangePolicy", "seLinuxChangePolicy"),
]);
