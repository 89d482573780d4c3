//! Fields that stand behind gates which are off: they are taken away, but for objects that have them already.

use apiserver_api::tree::Tree;

use super::containers;

/// Takes such fields away from a pod or a template that replaces `old`.
pub(super) fn disabled(object: &mut Tree, old: Option<&Tree>) {
    let none = Tree::Null;
    let old = old.map_or(&none, |old| old.at("spec"));
    let Some(spec) = object.get_mut("spec") else {
        return;
    };
    if !containers::all(old).any(|one| one.at("lifecycle").has("stopSignal")) {
        for list in containers::LISTS {
            for container in spec.get_mut(list).and_then(Tree::as_list_mut).into_iter().flatten() {
                drop_signal(container);
            }
        }
    }
    for source in ["clusterTrustBundle", "podCertificate"] {
        if !projects(old, source) {
            drop_projection(spec, source);
        }
    }
    if !old.has("schedulingGroup") {
        spec.remove("schedulingGroup");
    }
}

fn drop_signal(container: &mut Tree) {
    if let Some(lifecycle) = container.get_mut("lifecycle") {
        let had = lifecycle.remove("stopSignal").is_some();
        if had && lifecycle.is_zero() {
            container.remove("lifecycle");
        }
    }
}

fn projects(spec: &Tree, source: &str) -> bool {
    let volumes = spec.items("volumes").iter();
    let mut sources = volumes.flat_map(|volume| volume.at("projected").items("sources"));
    sources.any(|one| one.has(source))
}

fn drop_projection(spec: &mut Tree, source: &str) {
    let volumes = spec.get_mut("volumes").and_then(Tree::as_list_mut);
    for volume in volumes.into_iter().flatten() {
        let sources = volume.get_mut("projected").and_then(|one| one.get_mut("sources"));
        for one in sources.and_then(Tree::as_list_mut).into_iter().flatten() {
            one.remove(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::disabled;
    use crate::pod::testing::json;

    #[test]
    fn what_is_gated_goes_unless_it_was_there() {
        let given = json(
            r#"{"spec":{"schedulingGroup":{"x":"y"},"containers":[{"lifecycle":{"stopSignal":"SIGTERM"}}],
                "volumes":[{"projected":{"sources":[{"podCertificate":{}}]}}]}}"#,
        );
        let mut object = given.clone();
        disabled(&mut object, None);
        let spec = r#"{"spec":{"containers":[{}],"volumes":[{"projected":{"sources":[{}]}}]}}"#;
        assert_eq!(object, json(spec));
        let mut object = given.clone();
        disabled(&mut object, Some(&given));
        assert_eq!(object, given);
    }
}
