//! `DeviceClass`: devices of a name, and what their drivers are told of all claims.

use apiserver_api::meta;
use apiserver_api::names::{self, Messages, NameRule};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::request::{CONFIG_MAX, validate_config, validate_selectors};
use super::{GROUP, conversion, list};
use crate::amounts::is_extended;
use crate::check::count_generation;
use crate::column::{AGE, NAME};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

/// The entry of the table.
pub(crate) const DEVICE_CLASS: Kind = Kind {
    group: GROUP,
    kind: "DeviceClass",
    plural: "deviceclasses",
    singular: "deviceclass",
    namespaced: false,
    versions: &[
        Version::stored("v1", "io.k8s.api.resource.v1.DeviceClass"),
        conversion::same("v1beta2", "io.k8s.api.resource.v1beta2.DeviceClass"),
        conversion::same("v1beta1", "io.k8s.api.resource.v1beta1.DeviceClass"),
    ],
    folder: "deviceclasses",
    rules: &DeviceClass,
    columns: &[NAME, AGE],
    ..Kind::PLAIN
};

struct DeviceClass;

impl Rules for DeviceClass {
    fn name(&self) -> NameRule {
        class_name
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        count_generation(&DEVICE_CLASS, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let (spec, path) = (object.at("spec"), Path::of("spec"));
        validate_selectors(&path.field("selectors"), spec.items("selectors"), refusals);
        let config = spec.items("config");
        list::each(&path.field("config"), config, CONFIG_MAX, refusals, validate_config);
        if let Some(name) = spec
            .at("extendedResourceName")
            .as_str()
            .filter(|name| !is_extended(name))
        {
            let path = path.field("extendedResourceName");
            refusals.invalid(&path, name, "must be a valid extended resource name");
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
        validate_metadata_update(object, old, refusals);
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

/// Names of classes are domains. What a name is generated of is not looked at, and the length is told in bytes.
fn class_name(name: &str, prefix: bool) -> Messages {
    if prefix {
        return Messages::new();
    }
    let mut messages = names::dns_subdomain(name);
    let most = names::DNS_SUBDOMAIN_MAX;
    if let Some(first) = messages.first_mut().filter(|_| name.len() > most) {
        *first = format!("must be no more than {most} bytes").into();
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::DEVICE_CLASS;
    use crate::trial::{refused, update};

    #[test]
    fn a_class_chooses_devices_and_tells_drivers() {
        for (spec, wrong) in [
            (r#"{"selectors":[{"cel":{"expression":"true"}}]}"#, 0),
            (r#"{"selectors":[{}],"config":[{}]}"#, 2),
            (r#"{"extendedResourceName":"example.com/gpu"}"#, 0),
            (r#"{"extendedResourceName":"cpu"}"#, 1),
            (r#"{"extendedResourceName":"requests.a/b"}"#, 1),
        ] {
            let object = format!(r#"{{"spec":{spec}}}"#);
            assert_eq!(refused(&DEVICE_CLASS, &object).len(), wrong, "{spec}");
        }
    }

    #[test]
    fn a_class_is_named_as_a_domain() {
        for (name, prefix, wrong) in [("a.b", false, 0), ("A", false, 1), ("A", true, 0)] {
            assert_eq!((DEVICE_CLASS.rules.name())(name, prefix).len(), wrong, "{name}");
        }
        let long = "a".repeat(254);
        assert_eq!(
            (DEVICE_CLASS.rules.name())(&long, false),
            ["must be no more than 253 bytes"]
        );
    }

    #[test]
    fn a_change_counts() {
        let (old, new) = (r#"{"spec":{}}"#, r#"{"spec":{"extendedResourceName":"a.io/b"}}"#);
        assert_eq!(
            update(&DEVICE_CLASS, old, new)
                .unwrap()
                .at("metadata")
                .int("generation"),
            1
        );
    }
}
