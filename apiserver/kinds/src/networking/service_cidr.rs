//! `ServiceCIDR`: networks from which services get their addresses.

use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::internal::shown;
use crate::kind::{
    Asked, Conversion, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata, validate_metadata,
};
use crate::text::tell;

/// The entry of the table.
pub(crate) const SERVICE_CIDR: Kind = Kind {
    group: GROUP,
    kind: "ServiceCIDR",
    plural: "servicecidrs",
    singular: "servicecidr",
    namespaced: false,
    versions: &[
        Version::stored("v1", "io.k8s.api.networking.v1.ServiceCIDR"),
        Version {
            name: "v1beta1",
            schema: "io.k8s.api.networking.v1beta1.ServiceCIDR",
            conversion: Some(Conversion::SAME),
        },
    ],
    subresources: &[Subresource::STATUS],
    folder: "servicecidrs",
    rules: &ServiceCidr,
    columns: &[
        NAME,
        Column {
            name: "CIDRs",
            words: Words::Of("io.k8s.api.networking.v1.ServiceCIDRSpec", "cidrs"),
            cell: Cell::Is(|object| cidrs(object).join(",").into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn cidrs(object: &Tree) -> Vec<&str> {
    let cidrs = object.at("spec").items("cidrs").iter();
    cidrs.map(|cidr| cidr.as_str().unwrap_or_default()).collect()
}

struct ServiceCidr;

impl Rules for ServiceCidr {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        validate_cidrs(object, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (new, old) = (cidrs(object), cidrs(old));
        let spec = Path::of("spec");
        let path = spec.field("cidrs");
        // A network of the other family may come along.
        let grows = (old.len(), new.len()) == (1, 2);
        if new.len() != old.len() && !grows {
            let cidrs = object.at("spec").at("cidrs");
            return refusals.invalid(&path, cidrs, meta::FIELD_IS_IMMUTABLE);
        }
        for (at, (new, _)) in new.iter().zip(&old).enumerate().filter(|(_, (new, old))| new != old) {
            refusals.invalid(&path.index(at), *new, meta::FIELD_IS_IMMUTABLE);
        }
        if grows {
            validate_cidrs(object, refusals);
        }
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

impl StatusRules for ServiceCidr {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }
}

/// One network, or one of each family.
fn validate_cidrs(object: &Tree, refusals: &mut Refusals) {
    let spec = Path::of("spec");
    let path = spec.field("cidrs");
    let cidrs = cidrs(object);
    if cidrs.is_empty() {
        return refusals.required(&path, "at least one CIDR required");
    }
    if cidrs.len() > 2 {
        let shown = shown("io.k8s.api.networking.v1.ServiceCIDRSpec", object.at("spec"));
        return refusals.invalid(&path, shown, "may only hold up to 2 values");
    }
    for (at, cidr) in cidrs.iter().enumerate() {
        tell(&path.index(at), cidr, names::cidr_canonical(cidr), refusals);
    }
    let family = |cidr: &&str| names::parse_cidr_sloppy(cidr).map(|cidr| cidr.network().v4().is_some());
    let families: Vec<bool> = cidrs.iter().filter_map(family).collect();
    if let [first, second] = families[..]
        && first == second
    {
        let detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        refusals.invalid(&path, object.at("spec").at("cidrs"), detail);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    use super::validate_cidrs;

    #[test]
    fn there_is_a_network_of_each_family_at_most() {
        for (cidrs, wrong) in [
            (r#"["10.0.0.0/16"]"#, 0),
            (r#"["10.0.0.0/16","fd00::/64"]"#, 0),
            (r#"["10.0.0.0/16","10.1.0.0/16"]"#, 1),
            (r#"["10.0.0.1/16"]"#, 1),
            (r#"["a","b"]"#, 2),
            (r#"["10.0.0.0/16","fd00::/64","10.1.0.0/16"]"#, 1),
            ("[]", 1),
        ] {
            let object = parse(format!(r#"{{"spec":{{"cidrs":{cidrs}}}}}"#).as_bytes());
            let mut refusals = Refusals::new();
            validate_cidrs(&object.unwrap().tree, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{cidrs}: {refusals}");
        }
    }
}
