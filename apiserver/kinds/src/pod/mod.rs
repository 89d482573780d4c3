//! The rules of what a pod is made of, which pods and all templates of pods share.
//!
//! Start reading at [`validate_template`], then at `spec.rs`, which goes through the parts in order.

pub(crate) mod affinity;
mod aggregate;
pub(crate) mod annotations;
mod claims;
pub(crate) mod containers;
mod defaults;
mod dns;
mod drop;
mod env;
mod handlers;
mod image;
mod mounts;
mod paths;
mod ports;
mod profiles;
pub mod qos;
pub(crate) mod resources;
pub(crate) mod scope;
mod security;
pub(crate) mod spec;
mod spread;
pub mod sum;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tolerations;
pub(crate) mod volumes;
pub(crate) mod warnings;
mod windows;

use apiserver_api::labels::validate_labels;
use apiserver_api::meta::validate_annotations;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use self::scope::{Mistake, Options};

/// Fills in what a template of pods does not say.
pub(crate) fn default_template(template: &mut Tree) {
    defaults::drop_annotations(template);
    default_spec(template.child("spec"));
}

/// Fills in what a spec does not say.
pub(crate) fn default_spec(spec: &mut Tree) {
    defaults::spec(spec);
}

/// Fills in what a pod does not say, which is more than for a template.
pub(crate) fn default_pod(pod: &mut Tree) {
    defaults::drop_annotations(pod);
    defaults::pod(pod);
    default_spec(pod.child("spec"));
}

/// Checks a new template of pods (`ValidatePodTemplateSpec`).
pub(crate) fn validate_template(path: &Path<'_>, template: &Tree, refusals: &mut Refusals) {
    check_template(path, template, Options::new(false, None), refusals);
}

/// The same for a template that takes the place of `old`: what that had already is forgiven.
pub(crate) fn validate_template_update(path: &Path<'_>, template: &Tree, old: &Tree, refusals: &mut Refusals) {
    check_template(path, template, Options::new(false, Some(old)), refusals);
}

fn check_template(path: &Path<'_>, template: &Tree, options: Options, refusals: &mut Refusals) {
    let (metadata, spec) = (template.at("metadata"), template.at("spec"));
    validate_labels(&path.field("labels"), metadata.entries("labels"), refusals);
    let annotations_path = path.field("annotations");
    validate_annotations(&annotations_path, metadata.entries("annotations"), refusals);
    annotations::validate(
        &annotations_path,
        metadata,
        spec,
        options.forgives(Mistake::DeletionCost),
        refusals,
    );
    let spec_path = path.field("spec");
    spec::validate(&spec_path, spec, "", options, refusals);
    annotations::validate_match(&spec_path, metadata, spec, refusals);
    if !spec.items("ephemeralContainers").is_empty() {
        let detail = "ephemeral containers not allowed in pod template";
        refusals.forbidden(&spec_path.field("ephemeralContainers"), detail);
    }
}

/// Takes away what stands behind gates that are off, from a pod or a template that replaces `old`.
pub(crate) fn drop_disabled(template: &mut Tree, old: Option<&Tree>) {
    drop::disabled(template, old);
}

/// What a client is warned of in a template; `old` is what it replaces.
pub(crate) fn template_warnings(path: &Path<'_>, template: &Tree, _old: Option<&Tree>) -> Vec<String> {
    warnings::of(path, template, true)
}

/// What a client is warned of in a pod.
pub(crate) fn pod_warnings(pod: &Tree) -> Vec<String> {
    warnings::of(&Path::root(), pod, false)
}

#[cfg(test)]
mod tests {
    use super::testing::{json, words};
    use super::{Path, Refusals, default_template, validate_template, validate_template_update};

    #[test]
    fn a_template_has_no_ephemeral_containers_and_keeps_old_mistakes() {
        let mut template = json(
            r#"{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"x"}},
                "spec":{"containers":[{"name":"c","image":"i"}]}}"#,
        );
        default_template(&mut template);
        let path = Path::of("template");
        let mut refusals = Refusals::new();
        validate_template(&path, &template, &mut refusals);
        let told = "template.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: \"x\": must be a \
                    32bit integer";
        assert_eq!(words(&refusals), told);
        let mut refusals = Refusals::new();
        validate_template_update(&path, &template, &template, &mut refusals);
        assert_eq!(words(&refusals), "");
        template
            .child("spec")
            .set("ephemeralContainers", json(r#"[{"name":"e","image":"i"}]"#));
        default_template(&mut template);
        validate_template_update(&path, &template, &template, &mut refusals);
        let told = "template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template";
        assert_eq!(words(&refusals), told);
    }
}
