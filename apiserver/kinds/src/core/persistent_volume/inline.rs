//! Volumes that an attachment describes itself instead of naming them: each is a driver's, and nobody's.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{source, validate_access, validate_recycling};

const NOT_INLINE: &str = "may not be specified in the context of inline volumes";

/// Checks such a volume. What belongs to a volume that stands on its own is refused, and not looked at.
pub(crate) fn validate_inline(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    if spec.has("claimRef") {
        refusals.forbidden(&path.field("claimRef"), NOT_INLINE);
    }
    if !spec.entries("capacity").is_empty() {
        refusals.forbidden(&path.field("capacity"), NOT_INLINE);
    }
    if !spec.has("csi") {
        let detail = "has to be specified in the context of inline volumes";
        refusals.required(&path.field("csi"), detail);
    }
    validate_access(path, spec, refusals);
    if !["", "Retain"].contains(&spec.text("persistentVolumeReclaimPolicy")) {
        let detail = "may only be Retain in the context of inline volumes";
        refusals.forbidden(&path.field("persistentVolumeReclaimPolicy"), detail);
    }
    if spec.has("nodeAffinity") {
        refusals.forbidden(&path.field("nodeAffinity"), NOT_INLINE);
    }
    source::validate(path, spec, "", false, refusals);
    validate_recycling(path, spec, refusals);
    if !spec.text("storageClassName").is_empty() {
        refusals.forbidden(&path.field("storageClassName"), NOT_INLINE);
    }
    if spec.has("volumeMode") && spec.text("volumeMode") != "Filesystem" {
        let detail = "may not specify volumeMode other than Filesystem in the context of inline volumes";
        refusals.forbidden(&path.field("volumeMode"), detail);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::validate_inline;
    use crate::trial::tree;

    #[test]
    fn an_inline_volume_is_a_driver_s_and_nobody_s() {
        for (field, wrong) in [
            (r#""volumeMode":"Filesystem""#, None),
            (r#""volumeMode":"Block""#, Some("volumeMode")),
            (r#""claimRef":{}"#, Some("claimRef")),
            (r#""capacity":{}"#, None),
            (r#""capacity":{"storage":"1"}"#, Some("capacity")),
            (r#""nodeAffinity":{}"#, Some("nodeAffinity")),
            (r#""storageClassName":"a""#, Some("storageClassName")),
            (r#""persistentVolumeReclaimPolicy":"Retain""#, None),
            (
                r#""persistentVolumeReclaimPolicy":"Delete""#,
                Some("persistentVolumeReclaimPolicy"),
            ),
            (r#""csi":null"#, Some("csi")),
            (r#""accessModes":[]"#, Some("accessModes")),
        ] {
            let mut volume = tree(r#"{"csi":{"driver":"d","volumeHandle":"h"},"accessModes":["ReadWriteOnce"]}"#);
            for (name, value) in tree(&format!("{{{field}}}")).as_map().unwrap().iter() {
                volume.set(name, value.clone());
            }
            let mut refusals = Refusals::new();
            validate_inline(&Path::of("v"), &volume, &mut refusals);
            let said = refusals.iter().next().map(|one| one.field.clone());
            assert_eq!(said, wrong.map(|field| format!("v.{field}")));
        }
    }
}
