//! The annotations by which pods said what `AppArmor` confines their containers by, before there was a field for it.

use apiserver_api::path::Path;
use apiserver_api::tree::Tree;

use crate::pod::warnings::APPARMOR_FIELD;
use crate::pod::{annotations, containers};

/// The annotation of a container that does not have the field itself.
fn annotation<'p>(pod: &'p Tree, container: &Tree) -> Option<(String, &'p str)> {
    let key = format!("{}{}", annotations::APPARMOR, container.text("name"));
    let written = pod.at("metadata").at("annotations").get(&key)?.as_str()?;
    let has_field = container.at("securityContext").has("appArmorProfile");
    (!has_field).then_some((key, written))
}

/// The fields that become of the annotations, by list and place: those that say something else than the pod as a whole.
fn fields(pod: &Tree) -> Vec<(&'static str, usize, Tree)> {
    let spec = pod.at("spec");
    let whole = spec.at("securityContext").at("appArmorProfile");
    let mut found = Vec::new();
    for list in containers::LISTS {
        for (at, container) in spec.items(list).iter().enumerate() {
            let written = annotation(pod, container);
            let meant = written.and_then(|(_, written)| annotations::apparmor_field(written));
            found.extend(meant.filter(|meant| meant != whole).map(|meant| (list, at, meant)));
        }
    }
    found
}

/// Makes fields of the annotations of a new pod.
pub(super) fn apply(pod: &mut Tree) {
    if says_nothing(pod) {
        return;
    }
    for (list, at, meant) in fields(pod) {
        let spec = pod.get_mut("spec");
        let items = spec.and_then(|spec| spec.get_mut(list)).and_then(Tree::as_list_mut);
        if let Some(container) = items.and_then(|items| items.get_mut(at)) {
            container.child("securityContext").set("appArmorProfile", meant);
        }
    }
}

/// What a client is told of annotations that become fields, and of those of which none can be made.
pub(super) fn warnings(pod: &Tree) -> Vec<String> {
    if says_nothing(pod) {
        return Vec::new();
    }
    let whole = pod.at("spec").at("securityContext").at("appArmorProfile");
    let metadata = Path::of("metadata");
    let path = metadata.field("annotations");
    containers::all(pod.at("spec"))
        .filter_map(|container| annotation(pod, container))
        .filter(|(_, written)| annotations::apparmor_field(written).is_none_or(|meant| meant != *whole))
        .map(|(key, _)| format!("{}: {APPARMOR_FIELD}", path.key(&key)))
        .collect()
}

/// Whether no container need be looked at.
fn says_nothing(pod: &Tree) -> bool {
    pod.at("metadata").at("annotations").is_zero() || pod.at("spec").at("os").text("name") == "windows"
}

#[cfg(test)]
mod tests {
    use super::{apply, warnings};
    use crate::pod::testing::json;

    #[test]
    fn an_annotation_becomes_a_field_where_it_says_something_new() {
        let told = "metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; \
                    use the \"appArmorProfile\" field instead";
        let unconfined = r#"{"appArmorProfile":{"type":"Unconfined"}}"#;
        let default = r#"{"appArmorProfile":{"type":"RuntimeDefault"}}"#;
        for (pod, container, written, became, warns) in [
            ("{}", "{}", "unconfined", unconfined, true),
            (default, "{}", "unconfined", unconfined, true),
            (default, "{}", "runtime/default", "{}", false),
            (default, default, "unconfined", default, false),
            ("{}", "{}", "x", "{}", true),
        ] {
            let mut object = json(&format!(
                r#"{{"metadata":{{"annotations":{{"container.apparmor.security.beta.kubernetes.io/c":"{written}"}}}},
                    "spec":{{"securityContext":{pod},"containers":[{{"name":"c","securityContext":{container}}}]}}}}"#
            ));
            let expected: &[&str] = if warns { &[told] } else { &[] };
            assert_eq!(warnings(&object), expected, "{pod} {written}");
            apply(&mut object);
            let context = object.at("spec").items("containers")[0].at("securityContext");
            assert_eq!(context, &json(became), "{pod} {written}");
        }
    }

    #[test]
    fn there_is_none_on_windows() {
        let mut pod = json(
            r#"{"metadata":{"annotations":{"container.apparmor.security.beta.kubernetes.io/c":"unconfined"}},
                "spec":{"os":{"name":"windows"},"containers":[{"name":"c"}]}}"#,
        );
        let before = pod.clone();
        assert!(warnings(&pod).is_empty());
        apply(&mut pod);
        assert_eq!(pod, before);
    }
}
