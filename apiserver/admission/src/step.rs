//! The two steps of admission, and which of the plugins do something in only one of them.

/// Plugins that only change objects, or refuse them while the others change them.
const CHANGE: [&str; 13] = [
    "DefaultIngressClass",
    "DefaultStorageClass",
    "DefaultTolerationSeconds",
    "ExtendedResourceToleration",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "NamespaceAutoProvision",
    "NamespaceLifecycle",
    "NodeRestriction",
    "PodGroupProtection",
    "PodTopologyLabels",
    "StorageObjectInUseProtection",
    "TaintNodesByCondition",
];

/// Plugins that only look at what the others left.
const LOOK: [&str; 18] = [
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "ClusterTrustBundleAttest",
    "DenyServiceExternalIPs",
    "EventRateLimit",
    "JobValidation",
    "LimitPodHardAntiAffinityTopology",
    "NamespaceExists",
    "NodeDeclaredFeatureValidator",
    "OwnerReferencesPermissionEnforcement",
    "PersistentVolumeClaimResize",
    "PodGroupWorkloadExists",
    "PodResizeValidator",
    "PodSecurity",
    "ResourceQuota",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
];

/// What plugins are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To change the object.
    Admit,
    /// To look at what all have left.
    Validate,
}

impl Step {
    pub(crate) const ALL: [Self; 2] = [Self::Admit, Self::Validate];

    /// As metrics spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Validate => "validate",
        }
    }

    /// Whether a plugin does anything in it; it is not asked where it does not, and nothing is counted.
    pub(crate) fn is_of(self, plugin: &str) -> bool {
        match self {
            Self::Admit => !LOOK.contains(&plugin),
            Self::Validate => !CHANGE.contains(&plugin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHANGE, LOOK};

    #[test]
    fn plugins_that_do_one_step_only_are_plugins() {
        let known = crate::chain::known();
        for name in CHANGE.iter().chain(&LOOK) {
            assert!(known.contains(name), "{name}");
        }
        assert!(CHANGE.iter().all(|name| !LOOK.contains(name)));
    }
}
