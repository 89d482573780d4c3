//! Claims that are made for a pod: the template of a volume that lives as long as it.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::core::metadata;
use crate::core::persistent_volume_claim::spec;

/// A template of a claim (`ValidatePersistentVolumeClaimTemplate`).
pub(super) fn validate_template(path: &Path<'_>, template: &Tree, refusals: &mut Refusals) {
    metadata::validate_template(&path.field("metadata"), template.at("metadata"), refusals);
    spec::validate(&path.field("spec"), template.at("spec"), &Tree::Null, refusals);
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate_template};
    use crate::pod::testing::{json, words};

    const FINE: &str = r#""accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}"#;

    #[test]
    fn a_template_asks_for_storage_and_names_nothing() {
        let cases = [
            (format!(r#"{{"spec":{{{FINE}}}}}"#), ""),
            (
                format!(r#"{{"metadata":{{"name":"x"}},"spec":{{{FINE}}}}}"#),
                "t.metadata.name: Forbidden: cannot be set",
            ),
            (
                r#"{"spec":{"resources":{"requests":{"storage":"0"}}}}"#.to_owned(),
                "t.spec.accessModes: Required value: at least 1 access mode is required\n\
                 t.spec.resources[storage]: Invalid value: \"0\": must be greater than zero",
            ),
            (
                format!(r#"{{"spec":{{{FINE},"dataSource":{{"kind":"Pod","name":"x"}}}}}}"#),
                "t.spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the \
                 default apiGroup",
            ),
        ];
        for (template, told) in cases {
            let mut refusals = Refusals::new();
            validate_template(&Path::of("t"), &json(&template), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
