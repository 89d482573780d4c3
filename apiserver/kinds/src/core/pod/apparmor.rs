//! The annotations by which pods said what `AppArmor` confines their containers by, before there was a field for it.

use std::collections::HashMap;

use apiserver_api::path::Path;
use apiserver_api::tree::Tree;

use crate::pod::warnings::APPARMOR_FIELD;
use crate::pod::{annotations, containers};

/// So many bytes of profiles containers get, about twice what those can that have names of their own. A pod in which
/// others have one name is refused.
const BYTES_MAX: usize = 16 << 20;

/// The annotations that say something else than the pod as a whole, by the names of their containers: the profile that is
/// meant, where one is.
fn meant(pod: &Tree) -> HashMap<&str, Option<Tree>> {
    let spec = pod.at("spec");
    if spec.at("os").text("name") == "windows" {
        return HashMap::new();
    }
    let whole = spec.at("securityContext").at("appArmorProfile");
    let written = pod.at("metadata").entries("annotations").iter();
    let written = written
        .filter_map(|(key, value)| Some((key.strip_prefix(annotations::APPARMOR)?, value.as_str()?)))
        .map(|(container, value)| (container, annotations::apparmor_field(value)));
    written.filter(|(_, meant)| meant.as_ref() != Some(whole)).collect()
}

fn has_field(container: &Tree) -> bool {
    container.at("securityContext").has("appArmorProfile")
}

/// Makes fields of the annotations of a new pod.
pub(super) fn apply(pod: &mut Tree) {
    let meant = meant(pod).into_iter();
    let meant: HashMap<String, Tree> = meant
        .filter_map(|(container, profile)| Some((container.to_owned(), profile?)))
        .collect();
    let Some(spec) = pod.get_mut("spec").filter(|_| !meant.is_empty()) else {
        return;
    };
    let mut bytes = 0;
    for list in containers::LISTS {
        let items = spec.get_mut(list).and_then(Tree::as_list_mut);
        for container in items.into_iter().flatten().filter(|container| !has_field(container)) {
            let Some(profile) = meant.get(container.text("name")) else {
                continue;
            };
            bytes += profile.weight();
            if bytes > BYTES_MAX {
                return;
            }
            container
                .child("securityContext")
                .set("appArmorProfile", profile.clone());
        }
    }
}

/// What a client is told of annotations that become fields, and of those of which none can be made.
pub(super) fn warnings(pod: &Tree) -> Vec<String> {
    let mut untold = meant(pod);
    let metadata = Path::of("metadata");
    let path = metadata.field("annotations");
    containers::all(pod.at("spec"))
        .filter(|container| !has_field(container))
        .filter_map(|container| untold.remove_entry(container.text("name")))
        .map(|(container, _)| {
            let key = format!("{}{container}", annotations::APPARMOR);
            format!("{}: {APPARMOR_FIELD}", path.key(&key))
        })
        .collect()
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

    /// A pod with an annotation for containers without a name, of which it has many.
    fn nameless(written: &str) -> apiserver_api::tree::Tree {
        let mut pod = json("{}");
        let annotations = pod.child("metadata").child("annotations");
        annotations.set("container.apparmor.security.beta.kubernetes.io/", written);
        pod.child("spec").set("containers", vec![json("{}"); 100_000]);
        pod
    }

    #[test]
    fn a_profile_is_not_given_to_a_hundred_thousand_containers_of_one_name() {
        let mut pod = nameless(&format!("localhost/{}", "x".repeat(4095)));
        apply(&mut pod);
        assert!(pod.weight() < 32 << 20, "{}", pod.weight());
        let first = pod.at("spec").items("containers")[0].at("securityContext");
        assert_eq!(first.at("appArmorProfile").text("localhostProfile").len(), 4095);
        let mut pod = nameless(&format!("localhost/{}", "x".repeat(1 << 20)));
        apply(&mut pod);
        assert!(!pod.at("spec").items("containers")[0].has("securityContext"));
    }

    #[test]
    fn containers_of_one_name_are_told_of_once() {
        let long = format!("localhost/{}", "x".repeat(1 << 20));
        for written in ["unconfined", &long] {
            assert_eq!(warnings(&nameless(written)).len(), 1);
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
