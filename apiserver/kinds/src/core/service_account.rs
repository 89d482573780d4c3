//! `ServiceAccount`: who pods are when they speak to the API.

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
    use crate::trial::{create, tree, update};

    #[test]
    fn only_names_of_secrets_are_kept() {
        let json = r#"{"secrets": [{"name": "a", "namespace": "b"}, {"kind": "c"}]}"#;
        let names = tree(r#"[{"name": "a"}, {}]"#);
        assert_eq!(create(&SERVICE_ACCOUNT, json).unwrap().at("secrets"), &names);
        assert_eq!(update(&SERVICE_ACCOUNT, "{}", json).unwrap().at("secrets"), &names);
    }
}
