//! `ResourcePoolStatusRequest`: a question how full the pools of a driver are.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use super::list::{each, pool_name};
use crate::check::{immutable_struct, non_negative};
use crate::condition;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata, validate_metadata};
use crate::text::tell;

const POOLS_MAX: usize = 1000;
const LIMIT_MAX: i64 = 1000;
const CONDITIONS_MAX: usize = 10;
/// The most bytes of why a pool could not be counted.
const ERROR_MAX: usize = 256;
const COUNTS: [&str; 4] = [
    "totalDevices",
    "allocatedDevices",
    "availableDevices",
    "unavailableDevices",
];

/// A question as messages show it.
const STATUS: &str = "io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestStatus";
const SPEC: &str = "io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestSpec";

/// The entry of the table.
pub(crate) const RESOURCE_POOL_STATUS_REQUEST: Kind = Kind {
    group: GROUP,
    kind: "ResourcePoolStatusRequest",
    plural: "resourcepoolstatusrequests",
    singular: "resourcepoolstatusrequest",
    namespaced: false,
    versions: &[Version::stored(
        "v1alpha3",
        "io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequest",
    )],
    subresources: &[Subresource::STATUS],
    folder: "resourcepoolstatusrequests",
    rules: &Question,
    ..Kind::PLAIN
};

struct Question;

impl Rules for Question {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.remove("status");
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let (spec, path) = (object.at("spec"), Path::of("spec"));
        validate_driver(&path.field("driver"), spec.text("driver"), refusals);
        if let Some(pool) = spec.at("poolName").as_str() {
            pool_name(&path.field("poolName"), pool, refusals);
        }
        if let Some(limit) = spec.at("limit").as_int() {
            let path = path.field("limit");
            if limit < 1 {
                refusals.invalid(&path, limit, "must be greater than or equal to 1");
            }
            if limit > LIMIT_MAX {
                refusals.invalid(&path, limit, "must be less than or equal to 1000");
            }
        }
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let spec = object.at("spec");
        immutable_struct(&Path::of("spec"), SPEC, spec, old.at("spec"), refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

impl StatusRules for Question {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (path, status) = (Path::of("status"), object.at("status"));
        if old.has("status") {
            // A question is answered once.
            immutable_struct(&path, STATUS, status, old.at("status"), refusals);
        } else if !status.is_null() {
            validate_answer(&path, status, refusals);
        }
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

fn validate_driver(path: &Path<'_>, driver: &str, refusals: &mut Refusals) {
    if driver.is_empty() {
        refusals.required(path, "");
    } else {
        tell(path, driver, names::dns_subdomain_caseless(driver), refusals);
    }
}

fn validate_answer(path: &Path<'_>, answer: &Tree, refusals: &mut Refusals) {
    if answer.has("poolCount") {
        non_negative(&path.field("poolCount"), answer.int("poolCount"), refusals);
    } else {
        refusals.required(&path.field("poolCount"), "");
    }
    each(
        &path.field("pools"),
        answer.items("pools"),
        POOLS_MAX,
        refusals,
        validate_pool,
    );
    let (conditions, path) = (answer.items("conditions"), path.field("conditions"));
    if conditions.len() > CONDITIONS_MAX {
        refusals.too_many(&path, conditions.len(), CONDITIONS_MAX);
    }
    condition::validate_all(&path, conditions, refusals);
}

fn validate_pool(path: &Path<'_>, pool: &Tree, refusals: &mut Refusals) {
    validate_driver(&path.field("driver"), pool.text("driver"), refusals);
    pool_name(&path.field("poolName"), pool.text("poolName"), refusals);
    for field in ["generation"].into_iter().chain(COUNTS) {
        non_negative(&path.field(field), pool.int(field), refusals);
    }
    if let Some(slices) = pool.at("resourceSliceCount").as_int().filter(|slices| *slices < 1) {
        refusals.invalid(
            &path.field("resourceSliceCount"),
            slices,
            "must be greater than or equal to 1",
        );
    }
    if let Some(node) = pool.at("nodeName").as_str() {
        tell(&path.field("nodeName"), node, names::dns_subdomain(node), refusals);
    }
    if pool.text("validationError").len() > ERROR_MAX {
        refusals.too_long(&path.field("validationError"), ERROR_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::RESOURCE_POOL_STATUS_REQUEST;
    use crate::trial::{refused, update_status};

    #[test]
    fn a_question_names_a_driver_and_a_sane_limit() {
        for (spec, wrong) in [
            (r#"{"driver":"d.io"}"#, 0),
            ("{}", 1),
            (r#"{"driver":"d.io","poolName":"","limit":0}"#, 2),
            (r#"{"driver":"d.io","limit":1001}"#, 1),
        ] {
            let object = format!(r#"{{"spec":{spec}}}"#);
            assert_eq!(refused(&RESOURCE_POOL_STATUS_REQUEST, &object).len(), wrong, "{spec}");
        }
    }

    #[test]
    fn a_question_is_answered_once() {
        let asked = r#"{"spec":{"driver":"d.io"}}"#;
        let answer = |count: i64| format!(r#"{{"spec":{{"driver":"d.io"}},"status":{{"poolCount":{count}}}}}"#);
        let told = |old: &str, new: &str| update_status(&RESOURCE_POOL_STATUS_REQUEST, old, new).err();
        assert_eq!(told(asked, &answer(1)), None);
        assert_eq!(told(asked, &answer(-1)).map(|told| told.len()), Some(1));
        assert_eq!(told(&answer(1), &answer(2)).map(|told| told.len()), Some(1));
        let pool = r#"{"spec":{"driver":"d.io"},"status":{"pools":[{"generation":-1}]}}"#;
        assert_eq!(told(asked, pool).map(|told| told.len()), Some(4));
    }
}
