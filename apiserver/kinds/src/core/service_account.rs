//! `ServiceAccount`: who pods are when they speak to the API.

use apiserver_api::meta;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::metadata::validate_metadata_update;
use crate::column::{AGE, Column, NAME};
use crate::kind::{Asked, Kind, Rules, Subresource, Verb, Version};

/// The entry of the table.
pub(crate) const SERVICE_ACCOUNT: Kind = Kind {
    kind: "ServiceAccount",
    plural: "serviceaccounts",
    singular: "serviceaccount",
    short_names: &["sa"],
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.ServiceAccount")],
    subresources: &[Subresource {
        name: "token",
        verbs: &[Verb::Create],
        speaks: Some(("authentication.k8s.io", "v1", "TokenRequest")),
    }],
    folder: "serviceaccounts",
    rules: &ServiceAccount,
    columns: COLUMNS,
    ..Kind::PLAIN
};

const COLUMNS: &[Column] = &[NAME, AGE];

/// The annotation by which an account's pods could mount only its own secrets.
const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

struct ServiceAccount;

impl Rules for ServiceAccount {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        keep_names(object);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, _old: &Tree) {
        keep_names(object);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        self.validate(asked, object, refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        let has = |object: &Tree| meta::annotation(object, MOUNTABLE).is_some();
        if !has(object) || old.is_some_and(has) {
            return Vec::new();
        }
        let words = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
        vec![format!("metadata.annotations[{MOUNTABLE}]: {words}")]
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

/// Secrets are of the account's namespace: only their names count.
fn keep_names(object: &mut Tree) {
    for secret in object
        .get_mut("secrets")
        .and_then(Tree::as_list_mut)
        .into_iter()
        .flatten()
    {
        if let Some(secret) = secret.as_map_mut() {
            secret.retain(|field, _| field == "name");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SERVICE_ACCOUNT;
    use crate::trial::{create, object, tree, update};

    #[test]
    fn who_newly_asks_for_its_own_secrets_only_is_warned() {
        let plain = object(&SERVICE_ACCOUNT, "{}");
        let annotation = r#"{"metadata": {"annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}}"#;
        let marked = object(&SERVICE_ACCOUNT, annotation);
        let told = "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer \
                    separate namespaces to isolate access to mounted secrets";
        let rules = SERVICE_ACCOUNT.rules;
        for (new, old, expected) in [
            (&marked, None, Some(told)),
            (&marked, Some(&plain), Some(told)),
            (&marked, Some(&marked), None),
            (&plain, None, None),
            (&plain, Some(&marked), None),
        ] {
            assert_eq!(rules.warnings(new, old).first().map(String::as_str), expected);
        }
    }

    #[test]
    fn only_names_of_secrets_are_kept() {
        let json = r#"{"secrets": [{"name": "a", "namespace": "b"}, {"kind": "c"}]}"#;
        let names = tree(r#"[{"name": "a"}, {}]"#);
        assert_eq!(create(&SERVICE_ACCOUNT, json).unwrap().at("secrets"), &names);
        assert_eq!(update(&SERVICE_ACCOUNT, "{}", json).unwrap().at("secrets"), &names);
    }
}
