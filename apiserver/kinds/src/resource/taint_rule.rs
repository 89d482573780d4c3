//! `DeviceTaintRule`: a taint for all devices that are selected.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::list::{label, pool_name};
use super::{GROUP, conversion, taint};
use crate::check::count_generation;
use crate::column::{AGE, NAME};
use crate::condition;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata, validate_metadata};
use crate::text::driver_name;

const CONDITIONS_MAX: usize = 8;

/// The entry of the table.
pub(crate) const DEVICE_TAINT_RULE: Kind = Kind {
    group: GROUP,
    kind: "DeviceTaintRule",
    plural: "devicetaintrules",
    singular: "devicetaintrule",
    namespaced: false,
    versions: &[
        conversion::same("v1beta2", "io.k8s.api.resource.v1beta2.DeviceTaintRule"),
        Version::stored("v1alpha3", "io.k8s.api.resource.v1alpha3.DeviceTaintRule"),
    ],
    subresources: &[Subresource::STATUS],
    folder: "devicetaintrules",
    rules: &TaintRule,
    columns: &[NAME, AGE],
    ..Kind::PLAIN
};

struct TaintRule;

impl Rules for TaintRule {
    fn prepare_create(&self, asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
        taint::date(asked, object.child("spec").child("taint"));
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        let before = old.at("spec").at("taint");
        let taint = object.child("spec").child("taint");
        taint::date(asked, taint);
        // The time is that of the effect.
        if taint.text("effect") != before.text("effect") && taint.at("timeAdded") == before.at("timeAdded") {
            taint.set("timeAdded", asked.now.to_string());
        }
        count_generation(&DEVICE_TAINT_RULE, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        validate_spec(object.at("spec"), None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_spec(object.at("spec"), Some(old.at("spec").at("taint")), refusals);
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

impl StatusRules for TaintRule {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let status = Path::of("status");
        let (path, conditions) = (status.field("conditions"), object.at("status").items("conditions"));
        condition::validate_all(&path, conditions, refusals);
        if conditions.len() > CONDITIONS_MAX {
            refusals.too_many(&path, conditions.len(), CONDITIONS_MAX);
        }
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

/// Checks a name.
type Rule = fn(&Path<'_>, &str, &mut Refusals);

fn validate_spec(spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (path, selector) = (Path::of("spec"), spec.at("deviceSelector"));
    let at = path.field("deviceSelector");
    let rules: [(&str, Rule); 3] = [("driver", driver_name), ("pool", pool_name), ("device", label)];
    for (field, rule) in rules {
        if let Some(name) = selector.at(field).as_str() {
            rule(&at.field(field), name, refusals);
        }
    }
    taint::validate(&path.field("taint"), spec.at("taint"), old, refusals);
}

#[cfg(test)]
mod tests {
    use super::DEVICE_TAINT_RULE;
    use crate::trial::{create, refused, update, update_status};

    const SOUND: &str =
        r#"{"spec":{"taint":{"key":"k","effect":"None"},"deviceSelector":{"driver":"d.io","pool":"p"}}}"#;

    #[test]
    fn a_rule_selects_devices_and_dates_its_taint() {
        let made = create(&DEVICE_TAINT_RULE, SOUND).unwrap();
        assert!(made.below(&["spec", "taint"]).has("timeAdded"));
        let wrong = r#"{"spec":{"taint":{"key":"k"},"deviceSelector":{"driver":"","device":"A"}}}"#;
        assert_eq!(refused(&DEVICE_TAINT_RULE, wrong).len(), 3);
    }

    #[test]
    fn a_new_effect_has_a_new_time() {
        let at = |effect: &str| {
            format!(r#"{{"spec":{{"taint":{{"key":"k","effect":"{effect}","timeAdded":"2020-01-01T00:00:00Z"}}}}}}"#)
        };
        let time = |new: &str| {
            let made = update(&DEVICE_TAINT_RULE, &at("None"), new).unwrap();
            made.below(&["spec", "taint"]).text("timeAdded").to_owned()
        };
        assert_eq!(time(&at("None")), "2020-01-01T00:00:00Z");
        assert_ne!(time(&at("NoSchedule")), "2020-01-01T00:00:00Z");
    }

    #[test]
    fn the_status_has_whole_conditions() {
        let status = SOUND.replacen('{', r#"{"status":{"conditions":[{"type":"A"}]},"#, 1);
        assert_eq!(update_status(&DEVICE_TAINT_RULE, SOUND, &status).unwrap_err().len(), 3);
    }
}
