//! How volumes may be mounted, which volumes and claims say alike.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// The annotation that named a storage class before the field did.
pub(crate) const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
/// What a client is told that uses it.
pub(crate) const CLASS_DEPRECATED: &str = r#"deprecated since v1.8; use "storageClassName" attribute instead"#;

const MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
/// A mode that goes with no other.
const ALONE: &str = "ReadWriteOncePod";
/// What a volume is used as.
const VOLUME_MODES: &[&str] = &["Block", "Filesystem"];

/// Checks the modes of a spec; that there is one is said by `required`.
pub(crate) fn validate(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let path = path.field("accessModes");
    let (mut alone, mut others) = (false, false);
    for mode in spec.items("accessModes") {
        let mode = mode.as_str().unwrap_or_default();
        if !MODES.contains(&mode) {
            refusals.not_supported(&path, mode, MODES);
        } else if mode == ALONE {
            alone = true;
        } else {
            others = true;
        }
    }
    if alone && others {
        refusals.forbidden(&path, "may not use ReadWriteOncePod with other access modes");
    }
}

/// Checks what a volume is used as.
pub(crate) fn validate_volume_mode(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    if let Some(mode) = spec
        .at("volumeMode")
        .as_str()
        .filter(|mode| !VOLUME_MODES.contains(mode))
    {
        refusals.not_supported(&path.field("volumeMode"), mode, VOLUME_MODES);
    }
}

/// The modes as tables show them, always in the same order.
pub(crate) fn short(modes: &[Tree]) -> String {
    let known = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        (ALONE, "RWOP"),
    ];
    let short: Vec<&str> = known
        .into_iter()
        .filter(|(mode, _)| modes.iter().any(|one| one.as_str() == Some(mode)))
        .map(|(_, short)| short)
        .collect();
    short.join(",")
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, short, validate, validate_volume_mode};
    use crate::trial::tree;

    #[test]
    fn modes_are_known_and_one_stands_alone() {
        for (json, count) in [
            (
                r#"{"accessModes": ["ReadWriteOnce", "ReadOnlyMany"], "volumeMode": "Block"}"#,
                0,
            ),
            (r#"{"accessModes": ["ReadWriteOncePod"]}"#, 0),
            (r#"{"accessModes": ["ReadWriteOncePod", "ReadOnlyMany"]}"#, 1),
            (r#"{"accessModes": ["x"], "volumeMode": "y"}"#, 2),
        ] {
            let mut refusals = Refusals::new();
            validate(&Path::of("spec"), &tree(json), &mut refusals);
            validate_volume_mode(&Path::of("spec"), &tree(json), &mut refusals);
            assert_eq!(refusals.len(), count, "{json}");
        }
    }

    #[test]
    fn tables_show_modes_in_one_order() {
        let modes = tree(r#"["ReadWriteOncePod", "ReadOnlyMany", "ReadWriteOnce", "ReadOnlyMany"]"#);
        assert_eq!(short(modes.as_list().unwrap()), "RWO,ROX,RWOP");
    }
}
