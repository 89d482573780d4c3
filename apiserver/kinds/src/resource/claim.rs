//! `ResourceClaim`: devices that pods use.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, conversion, request, status};
use crate::check::immutable_struct;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata, validate_metadata};
use crate::text::nothing_for_none;

const SPEC: &str = "io.k8s.api.resource.v1.ResourceClaimSpec";

/// The entry of the table.
pub(crate) const RESOURCE_CLAIM: Kind = Kind {
    group: GROUP,
    kind: "ResourceClaim",
    plural: "resourceclaims",
    singular: "resourceclaim",
    versions: &[
        Version::stored("v1", "io.k8s.api.resource.v1.ResourceClaim"),
        conversion::same("v1beta2", "io.k8s.api.resource.v1beta2.ResourceClaim"),
        conversion::converted(
            "v1beta1",
            "io.k8s.api.resource.v1beta1.ResourceClaim",
            conversion::CLAIM,
        ),
    ],
    subresources: &[Subresource::STATUS],
    folder: "resourceclaims",
    rules: &ResourceClaim,
    columns: &[
        NAME,
        Column {
            name: "State",
            words: Words::Text("A summary of the current state (allocated, pending, reserved, etc.)."),
            cell: Cell::Is(|object| state(object).into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn state(claim: &Tree) -> String {
    let (deleted, status) = (meta::is_deleting(claim), claim.at("status"));
    let allocated = status.has("allocation");
    let states = [
        ("deleted", deleted),
        ("pending", !allocated && !deleted),
        ("allocated", allocated),
        ("reserved", allocated && !status.items("reservedFor").is_empty()),
    ];
    let states: Vec<&str> = states
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(state, _)| state)
        .collect();
    states.join(",")
}

struct ResourceClaim;

impl Rules for ResourceClaim {
    fn default(&self, object: &mut Tree) {
        let devices = object.get_mut("spec").and_then(|spec| spec.get_mut("devices"));
        devices.into_iter().for_each(request::default);
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        let spec = Path::of("spec");
        request::validate(&spec.field("devices"), object.at("spec").at("devices"), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_metadata_update(object, old, refusals);
        immutable_struct(&Path::of("spec"), SPEC, object.at("spec"), old.at("spec"), refusals);
    }

    fn canonicalize(&self, object: &mut Tree) {
        let devices = object.get_mut("spec").and_then(|spec| spec.get_mut("devices"));
        if let Some(devices) = devices {
            nothing_for_none(devices, "requests");
        }
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

impl StatusRules for ResourceClaim {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
        status::forget_lost(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        status::validate(object, old, refusals);
    }
}

#[cfg(test)]
mod tests {
    use super::RESOURCE_CLAIM;
    use crate::trial::{cells, create, update, update_status};

    fn claim(class: &str, status: &str) -> String {
        let request = format!(r#"{{"name":"r","exactly":{{"deviceClassName":"{class}"}}}}"#);
        format!(r#"{{"spec":{{"devices":{{"requests":[{request}]}}}},"status":{status}}}"#)
    }

    #[test]
    fn what_is_claimed_stays() {
        let made = create(&RESOURCE_CLAIM, &claim("c", r#"{"reservedFor":[{}]}"#)).unwrap();
        assert!(made.at("status").is_zero());
        let (old, new) = (claim("c", "{}"), claim("d", "{}"));
        assert!(update(&RESOURCE_CLAIM, &old, &old).is_ok());
        let told = update(&RESOURCE_CLAIM, &old, &new).unwrap_err();
        let head = r#"spec: Invalid value: {"Devices":{"Requests":[{"Name":"r","Exactly":{"DeviceClassName":"d","Selectors":null,"#;
        assert!(told[0].starts_with(head), "{told:?}");
    }

    #[test]
    fn a_claim_is_pending_until_it_is_allocated() {
        let result = r#"{"request":"r","driver":"d.io","pool":"p","device":"d"}"#;
        let allocation = format!(r#"{{"allocation":{{"devices":{{"results":[{result}]}}}}}}"#);
        assert_eq!(cells(&RESOURCE_CLAIM, &claim("c", "{}"))[1], "pending");
        assert_eq!(cells(&RESOURCE_CLAIM, &claim("c", &allocation))[1], "allocated");
        assert!(update_status(&RESOURCE_CLAIM, &claim("c", "{}"), &claim("c", &allocation)).is_ok());
        let reserved = r#"{"reservedFor":[{"resource":"pods","name":"p","uid":"u"}]}"#;
        let told = update_status(&RESOURCE_CLAIM, &claim("c", "{}"), &claim("c", reserved)).unwrap_err();
        assert_eq!(
            told,
            ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"]
        );
    }
}
