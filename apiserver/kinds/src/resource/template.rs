//! `ResourceClaimTemplate`: what claims are made of for pods.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, conversion, request};
use crate::check::immutable_struct;
use crate::column::{AGE, NAME};
use crate::core::metadata;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::text::nothing_for_none;

/// A template as messages show it: Go writes what its metadata has beside its spec.
const SPEC: &str = "io.k8s.api.resource.v1.ResourceClaimTemplateSpec";

/// The entry of the table.
pub(crate) const RESOURCE_CLAIM_TEMPLATE: Kind = Kind {
    group: GROUP,
    kind: "ResourceClaimTemplate",
    plural: "resourceclaimtemplates",
    singular: "resourceclaimtemplate",
    versions: &[
        Version::stored("v1", "io.k8s.api.resource.v1.ResourceClaimTemplate"),
        conversion::same("v1beta2", "io.k8s.api.resource.v1beta2.ResourceClaimTemplate"),
        conversion::converted(
            "v1beta1",
            "io.k8s.api.resource.v1beta1.ResourceClaimTemplate",
            conversion::TEMPLATE,
        ),
    ],
    folder: "resourceclaimtemplates",
    rules: &Template,
    columns: &[NAME, AGE],
    ..Kind::PLAIN
};

/// What claims of the template ask for.
fn devices(object: &mut Tree) -> Option<&mut Tree> {
    let claim = object.get_mut("spec")?.get_mut("spec")?;
    claim.get_mut("devices")
}

struct Template;

impl Rules for Template {
    fn default(&self, object: &mut Tree) {
        devices(object).into_iter().for_each(request::default);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        let (template, path) = (object.at("spec"), Path::of("spec"));
        let (metadata, at) = (template.at("metadata"), path.field("metadata"));
        metadata::validate_template(&at, metadata, refusals);
        let path = path.field("spec");
        request::validate(&path.field("devices"), template.at("spec").at("devices"), refusals);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        self.validate(asked, object, refusals);
        immutable_struct(&Path::of("spec"), SPEC, object.at("spec"), old.at("spec"), refusals);
    }

    fn canonicalize(&self, object: &mut Tree) {
        if let Some(devices) = devices(object) {
            nothing_for_none(devices, "requests");
        }
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::RESOURCE_CLAIM_TEMPLATE;
    use crate::trial::{refused, update};

    fn template(class: &str, labels: &str) -> String {
        let request = format!(r#"{{"name":"r","exactly":{{"deviceClassName":"{class}"}}}}"#);
        let spec = format!(r#"{{"devices":{{"requests":[{request}]}}}}"#);
        format!(r#"{{"spec":{{"metadata":{{"labels":{labels}}},"spec":{spec}}}}}"#)
    }

    #[test]
    fn a_template_is_a_sound_claim_and_stays() {
        let sound = template("c", r#"{"a":"b"}"#);
        assert_eq!(refused(&RESOURCE_CLAIM_TEMPLATE, &sound).len(), 0);
        assert_eq!(
            refused(&RESOURCE_CLAIM_TEMPLATE, &template("", r#"{"a b":"c"}"#)).len(),
            2
        );
        let named = sound.replace(r#""labels""#, r#""name":"n","uid":"u","labels""#);
        let told = refused(&RESOURCE_CLAIM_TEMPLATE, &named);
        assert_eq!(told[1], "spec.metadata.uID: Forbidden: cannot be set");
        let told = update(&RESOURCE_CLAIM_TEMPLATE, &sound, &template("d", r#"{"a":"b"}"#)).unwrap_err();
        let head = r#"spec: Invalid value: {"labels":{"a":"b"},"Spec":{"Devices":{"Requests":[{"Name":"r","#;
        assert!(told[0].starts_with(head), "{told:?}");
    }
}
