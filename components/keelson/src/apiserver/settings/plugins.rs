//! Admission plugins by name: their order, and which are on when nothing is said.

/// Upstream's order, and whether a plugin is on by default.
const PLUGINS: &[(&str, bool)] = &[
    ("AlwaysAdmit", false),
    ("NamespaceAutoProvision", false),
    ("NamespaceLifecycle", true),
    ("NamespaceExists", false),
    ("LimitPodHardAntiAffinityTopology", false),
    ("LimitRanger", true),
    ("ServiceAccount", true),
    ("NodeRestriction", false),
    ("TaintNodesByCondition", true),
    ("AlwaysPullImages", false),
    ("ImagePolicyWebhook", false),
    ("PodSecurity", true),
    ("PodNodeSelector", false),
    ("Priority", true),
    ("DefaultTolerationSeconds", true),
    ("PodTolerationRestriction", false),
    ("EventRateLimit", false),
    ("ExtendedResourceToleration", false),
    ("DefaultStorageClass", true),
    ("StorageObjectInUseProtection", true),
    ("PodGroupProtection", true),
    ("OwnerReferencesPermissionEnforcement", false),
    ("PersistentVolumeClaimResize", true),
    ("RuntimeClass", true),
    ("CertificateApproval", true),
    ("CertificateSigning", true),
    ("ClusterTrustBundleAttest", true),
    ("CertificateSubjectRestriction", true),
    ("DefaultIngressClass", true),
    ("DenyServiceExternalIPs", false),
    ("PodTopologyLabels", true),
    ("PodGroupWorkloadExists", true),
    ("NodeDeclaredFeatureValidator", true),
    ("JobValidation", true),
    ("PodResizeValidator", true),
    ("MutatingAdmissionPolicy", true),
    ("MutatingAdmissionWebhook", true),
    ("ValidatingAdmissionPolicy", true),
    ("ValidatingAdmissionWebhook", true),
    ("ResourceQuota", true),
    ("AlwaysDeny", false),
];

/// Whether there is such a plugin.
pub(super) fn is_known(name: &str) -> bool {
    PLUGINS.iter().any(|(known, _)| *known == name)
}

/// The plugins that run, in their order: the default ones less those disabled, and those enabled.
pub(super) fn running(enabled: &[String], disabled: &[String]) -> Vec<&'static str> {
    let has = |names: &[String], name: &str| names.iter().any(|one| one == name);
    let runs = |(name, default): &&(&str, bool)| has(enabled, name) || *default && !has(disabled, name);
    PLUGINS.iter().filter(runs).map(|(name, _)| *name).collect()
}

/// Exactly these plugins, in their order.
pub(super) fn only(names: &[String]) -> Vec<&'static str> {
    let wanted = |(name, _): &&(&'static str, bool)| names.iter().any(|one| one == name);
    PLUGINS.iter().filter(wanted).map(|(name, _)| *name).collect()
}

/// For the help.
pub(crate) fn on_by_default() -> String {
    listed(true)
}

/// For the help.
pub(crate) fn off_by_default() -> String {
    listed(false)
}

fn listed(on: bool) -> String {
    let rows = PLUGINS.iter().filter(|(_, default)| *default == on);
    let names: Vec<&str> = rows.map(|(name, _)| *name).collect();
    format!(" {}.", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_plugins_as_upstream_has() {
        let on = PLUGINS.iter().filter(|(_, on)| *on).count();
        assert_eq!((PLUGINS.len(), on), (41, 27));
    }

    #[test]
    fn what_is_enabled_and_disabled_wins_over_the_default_but_never_the_order() {
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let running = running(&names(&["AlwaysDeny", "NodeRestriction"]), &names(&["ServiceAccount"]));
        assert_eq!(running.len(), 28);
        assert_eq!(running[..3], ["NamespaceLifecycle", "LimitRanger", "NodeRestriction"]);
        assert_eq!(running.last(), Some(&"AlwaysDeny"));
        assert_eq!(
            only(&names(&["ResourceQuota", "LimitRanger"])),
            ["LimitRanger", "ResourceQuota"]
        );
    }
}
