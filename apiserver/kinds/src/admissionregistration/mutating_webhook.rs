//! `MutatingWebhookConfiguration`: webhooks that change objects on their way in.

use apiserver_api::meta;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, hook};
use crate::check::count_generation;
use crate::kind::{Asked, Kind, Rules, Version};

/// The entry of the table.
pub(super) const MUTATING_WEBHOOK: Kind = Kind {
    group: GROUP,
    kind: "MutatingWebhookConfiguration",
    plural: "mutatingwebhookconfigurations",
    singular: "mutatingwebhookconfiguration",
    categories: &["api-extensions"],
    namespaced: false,
    versions: &[Version::stored(
        "v1",
        "io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
    )],
    folder: "mutatingwebhookconfigurations",
    rules: &MutatingWebhook,
    columns: hook::COLUMNS,
    ..Kind::PLAIN
};

struct MutatingWebhook;

impl Rules for MutatingWebhook {
    fn default(&self, object: &mut Tree) {
        hook::default(object, true);
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        count_generation(object, old, &["webhooks"]);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        hook::validate(object, None, true, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        hook::validate(object, Some(old), true, refusals);
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::{meta, time::Time, tree};

    use super::MUTATING_WEBHOOK;
    use crate::kind::Asked;

    #[test]
    fn the_generation_counts_changes_of_the_webhooks() {
        let asked = Asked {
            now: Time::from_unix(0),
            user: &tree::Tree::map(),
        };
        let text = br#"{"metadata":{"name":"w","resourceVersion":"1"},"webhooks":[]}"#;
        let mut object = tree::parse(text).unwrap().tree;
        assert!(MUTATING_WEBHOOK.create(&asked, &mut object).unwrap().is_empty());
        assert_eq!(meta::generation(&object), 1);
        let mut same = object.clone();
        assert!(MUTATING_WEBHOOK.update(&asked, &mut same, &object).unwrap().is_empty());
        assert_eq!(meta::generation(&same), 1);
        let mut changed = object.clone();
        changed.remove("webhooks");
        assert!(
            MUTATING_WEBHOOK
                .update(&asked, &mut changed, &object)
                .unwrap()
                .is_empty()
        );
        assert_eq!(meta::generation(&changed), 2);
        changed.set("webhooks", tree::parse(b"[{}]").unwrap().tree);
        assert_eq!(
            MUTATING_WEBHOOK.update(&asked, &mut changed, &object).unwrap_err().code,
            422
        );
    }
}
