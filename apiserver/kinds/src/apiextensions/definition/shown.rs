//! Versions and schemas as Go prints its own form of them.

use apiserver_api::refusal::Shown;
use apiserver_api::tree::Tree;

use super::view::{FIELDS, View};
use crate::internal;

const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
const RULE: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule";
const VERSION: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion";

/// A rule of a schema.
pub(super) fn rule(rule: &Tree) -> impl Into<Shown> {
    internal::shown(RULE, rule)
}

/// A schema.
pub(super) fn schema(schema: &Tree) -> impl Into<Shown> {
    internal::shown(SCHEMA, schema)
}

/// All versions, without what they share.
pub(super) fn versions(view: &View<'_>) -> impl Into<Shown> {
    let own = |version: &Tree| {
        let mut own = version.clone();
        for field in FIELDS {
            own.set(field, view.own(version, field).clone());
        }
        own
    };
    let versions = view.spec.at("versions").as_list();
    internal::shown_items(VERSION, versions.map(|all| all.iter().map(own)))
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::super::view::View;
    use super::{schema, versions};

    #[test]
    fn go_prints_all_fields() {
        let spec = r#"{"versions":[{"name":"v1","served":true},{"name":"v2","subresources":{"status":{}}}]}"#;
        let spec = tree::parse(spec.as_bytes()).unwrap().tree;
        let rest = r#""AdditionalPrinterColumns":null,"SelectableFields":null}"#;
        let head = r#""Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources""#;
        let expected = format!(
            r#"[{{"Name":"v1","Served":true,{head}:null,{rest},{{"Name":"v2","Served":false,{head}:{{"Status":{{}},"Scale":null}},{rest}]"#
        );
        let given = tree::parse(br#"{"type":"object","properties":{"a":{}}}"#).unwrap().tree;
        let mut refusals = Refusals::new();
        refusals.invalid(&apiserver_api::path::Path::root(), versions(&View::of(&spec)), "");
        assert_eq!(refusals.to_string(), format!(": Invalid value: {expected}"));
        let mut refusals = Refusals::new();
        refusals.invalid(&apiserver_api::path::Path::root(), schema(&given), "");
        let said = refusals.to_string();
        assert!(said.starts_with(
            r#": Invalid value: {"ID":"","Schema":"","Ref":null,"Description":"","Type":"object","Nullable":false,"#
        ));
        assert!(said.contains(r#""Properties":{"a":{"ID":"""#), "{said}");
    }
}
