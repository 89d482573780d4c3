//! The labels by which a job knows its pods, which are made of its name and uid unless it says otherwise.

use apiserver_api::labels::Selector;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use crate::internal::{LABEL_SELECTOR, shown};
use crate::workload;

const UID: &str = "batch.kubernetes.io/controller-uid";
const NAME: &str = "batch.kubernetes.io/job-name";
/// The same by names of old.
const OLD_UID: &str = "controller-uid";
const OLD_NAME: &str = "job-name";

/// The labels that pods of old jobs may lack.
pub(super) const LABELS: [&str; 2] = [NAME, UID];

/// Gives a new job its selector and its template the labels for it. What the client said stays and is checked later.
pub(super) fn generate(object: &mut Tree) {
    let (name, uid) = (meta::name(object).to_owned(), meta::uid(object).to_owned());
    let spec = object.child("spec");
    if spec.flag("manualSelector") {
        return;
    }
    let labels = spec.child("template").child("metadata").child("labels").make_map();
    for (label, value) in [(OLD_NAME, &name), (NAME, &name), (OLD_UID, &uid), (UID, &uid)] {
        if !labels.contains(label) {
            labels.insert(label, value.as_str().into());
        }
    }
    let labels = spec.child("selector").child("matchLabels").make_map();
    if !labels.contains(UID) {
        labels.insert(UID, uid.as_str().into());
    }
}

/// Checks what was generated: what a client said may not be what it should be. `prefixed` says that labels with a domain
/// must be there.
pub(super) fn validate(object: &Tree, prefixed: bool, refusals: &mut Refusals) {
    let spec = object.at("spec");
    let selector = spec.at("selector");
    if spec.flag("manualSelector") || selector.is_null() {
        return;
    }
    let (name, uid) = (meta::name(object), meta::uid(object));
    if uid.is_empty() {
        let path = Path::of("metadata");
        refusals.required(&path.field("uid"), "");
    }
    let mut expected = vec![(OLD_UID, uid), (OLD_NAME, name)];
    if prefixed {
        expected.extend([(UID, uid), (NAME, name)]);
    }
    for (label, value) in &expected {
        validate_label(spec.at("template"), label, value, refusals);
    }
    let expected: Map = expected.into_iter().collect();
    if Selector::from_object(selector).is_ok_and(|selector| !selector.matches(&expected)) {
        let path = Path::of("spec");
        let selector = shown(LABEL_SELECTOR, selector);
        refusals.invalid(&path.field("selector"), selector, "`selector` not auto-generated");
    }
}

fn validate_label(template: &Tree, label: &str, expected: &str, refusals: &mut Refusals) {
    let spec = Path::of("spec");
    let template_path = spec.field("template");
    let metadata = template_path.field("metadata");
    let path = metadata.field("labels");
    let detail = format!("must be '{expected}'");
    match workload::template_labels(template).get(label) {
        None => refusals.required(&path.key(label), &detail),
        Some(value) if value.as_str() != Some(expected) => {
            let labels = template.below(&["metadata", "labels"]);
            refusals.invalid(&path.key(label), labels, &detail);
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_selector_is_generated_and_not_of_another_job() {
        for (spec, refused) in [
            ("{}", 0),
            (r#"{"manualSelector":true}"#, 0),
            (r#"{"selector":{"matchLabels":{"a":"b"}}}"#, 1),
            (r#"{"template":{"metadata":{"labels":{"job-name":"other"}}}}"#, 1),
        ] {
            let job = format!(r#"{{"metadata":{{"name":"j","uid":"u"}},"spec":{spec}}}"#);
            let mut job = parse(job.as_bytes()).unwrap().tree;
            super::generate(&mut job);
            let mut refusals = Refusals::new();
            super::validate(&job, true, &mut refusals);
            assert_eq!(refusals.len(), refused, "{spec}: {refusals}");
        }
        let mut refusals = Refusals::new();
        let job = parse(br#"{"metadata":{"name":"j"},"spec":{"selector":{}}}"#)
            .unwrap()
            .tree;
        super::validate(&job, true, &mut refusals);
        assert_eq!(refusals.len(), 5, "{refusals}");
    }
}
