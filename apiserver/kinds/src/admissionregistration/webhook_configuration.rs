//! `MutatingWebhookConfiguration` and `ValidatingWebhookConfiguration`: webhooks that change objects on their way in, and
//! such that are asked whether they may come in.

use apiserver_api::meta;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, hook};
use crate::check::count_generation_strictly;
use crate::kind::{Asked, Kind, Rules, Version};

/// The entry of webhooks that change objects.
pub(super) const MUTATING_WEBHOOK: Kind = Kind {
    kind: "MutatingWebhookConfiguration",
    plural: "mutatingwebhookconfigurations",
    singular: "mutatingwebhookconfiguration",
    versions: &[Version::stored(
        "v1",
        "io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
    )],
    folder: "mutatingwebhookconfigurations",
    rules: &Configuration { mutating: true },
    ..WEBHOOK
};

/// The entry of webhooks that are asked.
pub(super) const VALIDATING_WEBHOOK: Kind = Kind {
    kind: "ValidatingWebhookConfiguration",
    plural: "validatingwebhookconfigurations",
    singular: "validatingwebhookconfiguration",
    versions: &[Version::stored(
        "v1",
        "io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration",
    )],
    folder: "validatingwebhookconfigurations",
    rules: &Configuration { mutating: false },
    ..WEBHOOK
};

const WEBHOOK: Kind = Kind {
    group: GROUP,
    categories: &["api-extensions"],
    namespaced: false,
    columns: hook::COLUMNS,
    ..Kind::PLAIN
};

struct Configuration {
    mutating: bool,
}

impl Rules for Configuration {
    fn default(&self, object: &mut Tree) {
        hook::default(object, self.mutating);
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        count_generation_strictly(object, old, "webhooks");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        hook::validate(object, None, self.mutating, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        hook::validate(object, Some(old), self.mutating, refusals);
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta;

    use super::{MUTATING_WEBHOOK, VALIDATING_WEBHOOK};
    use crate::trial::{create, update};

    const HOOK: &str = r#"{"name":"h.example.com","sideEffects":"None","admissionReviewVersions":["v1"],
        "clientConfig":{"url":"https://h.example.com"}}"#;

    #[test]
    fn the_generation_counts_changes_of_the_webhooks_and_tells_an_empty_list_from_none() {
        for kind in [&MUTATING_WEBHOOK, &VALIDATING_WEBHOOK] {
            let object = format!(r#"{{"webhooks":[{HOOK}]}}"#);
            assert_eq!(meta::generation(&create(kind, &object).unwrap()), 1);
            for (new, generation) in [
                (object.clone(), 0),
                (r#"{"webhooks":[]}"#.to_owned(), 1),
                (
                    object.replace(r#""sideEffects""#, r#""matchConditions":[],"sideEffects""#),
                    1,
                ),
            ] {
                assert_eq!(
                    meta::generation(&update(kind, &object, &new).unwrap()),
                    generation,
                    "{new}"
                );
            }
            assert!(update(kind, &object, r#"{"webhooks":[{}]}"#).is_err());
        }
    }

    #[test]
    fn only_what_changes_objects_can_be_asked_again() {
        let object = format!(r#"{{"webhooks":[{HOOK}]}}"#);
        let policy = |kind| {
            create(kind, &object).unwrap().items("webhooks")[0]
                .text("reinvocationPolicy")
                .to_owned()
        };
        assert_eq!(
            (policy(&MUTATING_WEBHOOK), policy(&VALIDATING_WEBHOOK)),
            ("Never".to_owned(), String::new())
        );
    }
}
