//! `IPAddress`: an address of the services' networks and who has it.

use apiserver_api::meta;
use apiserver_api::names::{self, NameRule};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::internal::shown;
use crate::kind::{Asked, Conversion, Kind, Rules, Version, validate_metadata};
use crate::text::{required, tell};

/// Who has an address, as messages show it.
const PARENT: &str = "io.k8s.api.networking.v1.ParentReference";

/// The entry of the table.
pub(crate) const IP_ADDRESS: Kind = Kind {
    group: GROUP,
    kind: "IPAddress",
    plural: "ipaddresses",
    singular: "ipaddress",
    short_names: &["ip"],
    namespaced: false,
    versions: &[
        Version::stored("v1", "io.k8s.api.networking.v1.IPAddress"),
        Version {
            name: "v1beta1",
            schema: "io.k8s.api.networking.v1beta1.IPAddress",
            conversion: Some(Conversion::SAME),
        },
    ],
    folder: "ipaddresses",
    rules: &IpAddress,
    columns: &[
        NAME,
        Column {
            name: "ParentRef",
            words: Words::Of("io.k8s.api.networking.v1.IPAddressSpec", "parentRef"),
            cell: Cell::Is(|object| parent(object.at("spec").at("parentRef")).into()),
            ..AGE
        },
        // Upstream writes the age without a head above it.
        Column { name: "", ..AGE },
    ],
    ..Kind::PLAIN
};

fn parent(reference: &Tree) -> String {
    if reference.is_null() {
        return "<none>".to_owned();
    }
    let resource = reference.text("resource");
    let mut parts = vec![match reference.text("group") {
        "" => resource.to_lowercase(),
        group => format!("{resource}.{group}").to_lowercase(),
    }];
    let namespace = reference.text("namespace");
    parts.extend((!namespace.is_empty()).then(|| namespace.to_owned()));
    parts.push(reference.text("name").to_owned());
    parts.join("/")
}

struct IpAddress;

impl Rules for IpAddress {
    fn name(&self) -> NameRule {
        |name, _| names::ip_canonical(name)
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let spec = Path::of("spec");
        let path = spec.field("parentRef");
        let parent = object.at("spec").at("parentRef");
        if parent.is_null() {
            return refusals.required(&path, "");
        }
        let group = parent.text("group");
        if !group.is_empty() {
            tell(&path.field("group"), group, names::dns_subdomain(group), refusals);
        }
        for field in ["resource", "name"] {
            required(&path.field(field), parent.text(field), names::path_segment, refusals);
        }
        let namespace = parent.text("namespace");
        tell(
            &path.field("namespace"),
            namespace,
            names::path_segment(namespace),
            refusals,
        );
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let spec = Path::of("spec");
        let parent = object.at("spec").at("parentRef");
        if parent != old.at("spec").at("parentRef") {
            let path = spec.field("parentRef");
            refusals.invalid(&path, shown(PARENT, parent), meta::FIELD_IS_IMMUTABLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    use super::{IP_ADDRESS, parent};

    #[test]
    fn an_address_is_named_by_itself_in_normal_form() {
        for (name, wrong) in [("10.0.0.1", 0), ("2001:db8::1", 0), ("2001:DB8::1", 1), ("a", 1)] {
            assert_eq!((IP_ADDRESS.rules.name())(name, false).len(), wrong, "{name}");
        }
    }

    #[test]
    fn tables_show_who_has_it() {
        for (reference, shown) in [
            ("null", "<none>"),
            (r#"{"resource":"services","namespace":"t","name":"s"}"#, "services/t/s"),
            (r#"{"resource":"Xs","group":"a.io","name":"s"}"#, "xs.a.io/s"),
        ] {
            assert_eq!(parent(&parse(reference.as_bytes()).unwrap().tree), shown);
        }
    }
}
