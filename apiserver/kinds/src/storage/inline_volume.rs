//! A volume that an attachment describes itself instead of naming one: what holds for such a volume alone.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// Fields that mean something only for a volume that stands on its own.
const NOT_INLINE: [&str; 4] = [
    "claimRef",
    "capacity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
];

/// Such volumes are made by drivers, and stand for no object of their own.
pub(super) fn validate(path: &Path<'_>, volume: &Tree, refusals: &mut Refusals) {
    for field in NOT_INLINE.into_iter().filter(|field| !volume.at(field).is_zero()) {
        refusals.forbidden(
            &path.field(field),
            "may not be specified in the context of inline volumes",
        );
    }
    if !volume.has("csi") {
        refusals.required(
            &path.field("csi"),
            "has to be specified in the context of inline volumes",
        );
    }
    if volume.items("accessModes").is_empty() {
        refusals.required(&path.field("accessModes"), "");
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use crate::trial::tree;

    #[test]
    fn an_inline_volume_is_a_driver_s() {
        for (volume, wrong) in [
            (r#"{"csi":{},"accessModes":["ReadWriteOnce"]}"#, 0),
            (
                r#"{"csi":{},"accessModes":["ReadWriteOnce"],"storageClassName":"a"}"#,
                1,
            ),
            ("{}", 2),
        ] {
            let mut refusals = Refusals::new();
            super::validate(&Path::of("inlineVolumeSpec"), &tree(volume), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{volume}");
        }
    }
}
