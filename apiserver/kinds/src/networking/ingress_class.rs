//! `IngressClass`: which controller serves ingresses of a name.

use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, reference};
use crate::check::{count_generation, immutable};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::text::tell;

/// The most bytes of a controller's name.
const CONTROLLER_MAX: usize = 250;

/// The entry of the table.
pub(crate) const INGRESS_CLASS: Kind = Kind {
    group: GROUP,
    kind: "IngressClass",
    plural: "ingressclasses",
    singular: "ingressclass",
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.networking.v1.IngressClass")],
    folder: "ingressclasses",
    rules: &IngressClass,
    columns: &[
        NAME,
        Column {
            name: "Controller",
            words: Words::Text("Controller that is responsible for handling this class"),
            cell: Cell::Is(|object| object.at("spec").text("controller").into()),
            ..AGE
        },
        Column {
            name: "Parameters",
            words: Words::Text("A reference to a resource with additional parameters"),
            cell: Cell::Is(|object| parameters(object.at("spec").at("parameters")).into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn parameters(reference: &Tree) -> String {
    let (kind, name) = (reference.text("kind"), reference.text("name"));
    match reference.at("apiGroup").as_str() {
        _ if reference.is_null() => "<none>".to_owned(),
        None => format!("{kind}/{name}"),
        Some(group) => format!("{kind}.{group}/{name}"),
    }
}

struct IngressClass;

impl Rules for IngressClass {
    fn default(&self, object: &mut Tree) {
        let parameters = object.get_mut("spec").and_then(|spec| spec.get_mut("parameters"));
        if let Some(parameters) = parameters.filter(|parameters| !parameters.is_null()) {
            parameters.set_default("scope", "Cluster");
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        count_generation(&INGRESS_CLASS, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let (spec, path) = (object.at("spec"), Path::of("spec"));
        let (controller, at) = (spec.text("controller"), path.field("controller"));
        if controller.len() > CONTROLLER_MAX {
            refusals.too_long(&at, CONTROLLER_MAX);
        }
        names::domain_prefixed_path(&at, controller, refusals);
        if spec.has("parameters") {
            validate_parameters(&path.field("parameters"), spec.at("parameters"), refusals);
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let controller = |object: &Tree| Tree::from(object.at("spec").text("controller"));
        let path = Path::of("spec");
        immutable(
            &path.field("controller"),
            &controller(object),
            &controller(old),
            refusals,
        );
        self.validate(asked, object, refusals);
    }
}

fn validate_parameters(path: &Path<'_>, parameters: &Tree, refusals: &mut Refusals) {
    reference::validate(path, parameters, refusals);
    let namespace = parameters.at("namespace").as_str();
    let at = path.field("namespace");
    match (parameters.at("scope").as_str(), namespace) {
        (None, _) => refusals.required(&path.field("scope"), ""),
        (Some("Namespace"), None) => refusals.required(&at, "`parameters.scope` is set to 'Namespace'"),
        (Some("Namespace"), Some(namespace)) => tell(&at, namespace, names::dns_label(namespace), refusals),
        (Some("Cluster"), Some(_)) => refusals.forbidden(&at, "`parameters.scope` is set to 'Cluster'"),
        (Some("Cluster"), None) => {}
        (Some(other), _) => refusals.not_supported(&path.field("scope"), other, &["Cluster", "Namespace"]),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    use super::{parameters, validate_parameters};

    #[test]
    fn parameters_have_a_namespace_where_their_scope_says_so() {
        for (scope, wrong) in [
            (r#""scope":"Cluster""#, 0),
            (r#""scope":"Cluster","namespace":"n""#, 1),
            (r#""scope":"Namespace","namespace":"n""#, 0),
            (r#""scope":"Namespace","namespace":"A""#, 1),
            (r#""scope":"Namespace""#, 1),
            (r#""scope":"x""#, 1),
            (r#""scope":null"#, 1),
        ] {
            let tree = parse(format!(r#"{{"kind":"K","name":"n",{scope}}}"#).as_bytes());
            let tree = tree.unwrap().tree;
            let mut refusals = Refusals::new();
            validate_parameters(&Path::of("parameters"), &tree, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{scope}");
            assert_eq!(parameters(&tree), "K/n");
        }
    }
}
