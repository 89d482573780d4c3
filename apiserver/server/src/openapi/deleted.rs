//! What a deletion answers.

/// The resources whose deletion answers the object; that of all others answers a status.
const ANSWER_DELETED: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "podtemplates",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ],
    ),
    (
        "resource.k8s.io",
        &[
            "deviceclasses",
            "devicetaintrules",
            "resourceclaims",
            "resourceclaimtemplates",
            "resourcepoolstatusrequests",
            "resourceslices",
        ],
    ),
    (
        "storage.k8s.io",
        &[
            "csidrivers",
            "csinodes",
            "storageclasses",
            "volumeattachments",
            "volumeattributesclasses",
        ],
    ),
];

/// Whether deleting an object of a resource answers the object rather than a status.
pub fn answers_deleted(group: &str, plural: &str) -> bool {
    let mut groups = ANSWER_DELETED.iter();
    groups.any(|(name, plurals)| *name == group && plurals.contains(&plural))
}
