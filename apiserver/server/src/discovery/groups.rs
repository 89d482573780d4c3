//! The groups that are known, in the order in which discovery lists them.

/// A group, whether or not any kind of it is served.
#[derive(Debug)]
pub struct Group {
    /// `apps`; empty for the core group.
    pub name: &'static str,
    /// Its versions, the preferred one first. Old ones that no kind has any more are known still: `--runtime-config` may
    /// name them, and documents list them.
    pub versions: &'static [&'static str],
}

const fn group(name: &'static str, versions: &'static [&'static str]) -> Group {
    Group { name, versions }
}

/// In the order of upstream's priorities (`DefaultGenericAPIServicePriorities` and what its programs add); the last ones
/// have none there, since nothing of them is served.
pub const GROUPS: &[Group] = &[
    group("", &["v1"]),
    group("apiregistration.k8s.io", &["v1", "v1beta1"]),
    group("apps", &["v1", "v1beta2", "v1beta1"]),
    group("events.k8s.io", &["v1", "v1beta1"]),
    group("authentication.k8s.io", &["v1", "v1beta1", "v1alpha1"]),
    group("authorization.k8s.io", &["v1", "v1beta1"]),
    group("autoscaling", &["v2", "v1"]),
    group("batch", &["v1", "v1beta1"]),
    group("certificates.k8s.io", &["v1", "v1beta1", "v1alpha1"]),
    group("networking.k8s.io", &["v1", "v1beta1"]),
    group("policy", &["v1", "v1beta1"]),
    group("rbac.authorization.k8s.io", &["v1", "v1beta1", "v1alpha1"]),
    group("storage.k8s.io", &["v1", "v1beta1", "v1alpha1"]),
    group("admissionregistration.k8s.io", &["v1", "v1beta1", "v1alpha1"]),
    group("apiextensions.k8s.io", &["v1", "v1beta1"]),
    group("scheduling.k8s.io", &["v1", "v1beta1", "v1alpha2"]),
    group("coordination.k8s.io", &["v1", "v1beta1", "v1alpha2"]),
    group("node.k8s.io", &["v1", "v1beta1", "v1alpha1"]),
    group("discovery.k8s.io", &["v1", "v1beta1"]),
    group("resource.k8s.io", &["v1", "v1beta2", "v1beta1", "v1alpha3"]),
    group("flowcontrol.apiserver.k8s.io", &["v1", "v1beta3", "v1beta2", "v1beta1"]),
    group("internal.apiserver.k8s.io", &["v1alpha1"]),
    group("storagemigration.k8s.io", &["v1beta1"]),
    group("admission.k8s.io", &["v1", "v1beta1"]),
    group("extensions", &["v1beta1"]),
    group("imagepolicy.k8s.io", &["v1alpha1"]),
];

/// How finished a version is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Stable,
    Beta,
    Alpha,
}

/// The stage of a version: `v1` is stable, `v1beta2` beta.
pub(super) fn stage(version: &str) -> Stage {
    if version.contains("alpha") {
        Stage::Alpha
    } else if version.contains("beta") {
        Stage::Beta
    } else {
        Stage::Stable
    }
}
