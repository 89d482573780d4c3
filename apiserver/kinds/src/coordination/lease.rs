//! `Lease`: who holds something, and for how long.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::strategy;
use crate::check::NEGATIVE;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::kind::{Asked, Kind, Rules, Version};

const SPEC: &str = "io.k8s.api.coordination.v1.LeaseSpec";

/// The entry of the table.
pub(crate) const LEASE: Kind = Kind {
    group: "coordination.k8s.io",
    kind: "Lease",
    plural: "leases",
    singular: "lease",
    versions: &[Version::stored("v1", "io.k8s.api.coordination.v1.Lease")],
    folder: "leases",
    rules: &Lease,
    columns: &[
        NAME,
        Column {
            name: "Holder",
            kind: "string",
            format: "",
            words: Words::Of(SPEC, "holderIdentity"),
            priority: 0,
            cell: Cell::Is(|object| object.at("spec").text("holderIdentity").into()),
        },
        AGE,
    ],
    ..Kind::PLAIN
};

struct Lease;

impl Rules for Lease {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        drop_election(object, &Tree::Null);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        drop_election(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate(&path, meta::metadata(object), true, self.name(), refusals);
        validate_spec(object.at("spec"), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
        validate_spec(object.at("spec"), refusals);
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

/// Leases are not given by election unless that is switched on: its fields stay only where they are in use.
fn drop_election(object: &mut Tree, old: &Tree) {
    for field in ["strategy", "preferredHolder"] {
        if !old.at("spec").has(field) {
            object.child("spec").remove(field);
        }
    }
}

fn validate_spec(spec: &Tree, refusals: &mut Refusals) {
    let path = Path::of("spec");
    if let Some(seconds) = spec.at("leaseDurationSeconds").as_int().filter(|seconds| *seconds <= 0) {
        refusals.invalid(&path.field("leaseDurationSeconds"), seconds, "must be greater than 0");
    }
    if let Some(count) = spec.at("leaseTransitions").as_int().filter(|count| *count < 0) {
        refusals.invalid(&path.field("leaseTransitions"), count, NEGATIVE);
    }
    if let Some(name) = spec.at("strategy").as_str() {
        strategy::validate(&path.field("strategy"), name, refusals);
    }
    if !spec.text("preferredHolder").is_empty() && spec.text("strategy").is_empty() {
        let detail = "may only be specified if `strategy` is defined";
        refusals.forbidden(&path.field("preferredHolder"), detail);
    }
}

#[cfg(test)]
mod tests {
    use super::LEASE;
    use crate::trial::{create, refused, update};

    #[test]
    fn a_lease_lasts_and_does_not_change_hands_less_than_never() {
        let told = refused(
            &LEASE,
            r#"{"spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1}}"#,
        );
        assert_eq!(
            told,
            [
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
            ]
        );
        assert!(
            refused(
                &LEASE,
                r#"{"spec": {"leaseDurationSeconds": 1, "leaseTransitions": 0}}"#
            )
            .is_empty()
        );
    }

    #[test]
    fn election_stays_only_where_it_is_in_use() {
        let json = r#"{"spec": {"strategy": "Nope", "preferredHolder": "a"}}"#;
        let made = create(&LEASE, json).unwrap();
        assert!(!made.at("spec").has("strategy") && !made.at("spec").has("preferredHolder"));
        assert!(update(&LEASE, "{}", json).is_ok());
        assert!(update(&LEASE, json, json).is_err());
    }
}
