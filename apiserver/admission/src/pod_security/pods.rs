//! Pods as they are judged, where templates of pods stand, and which changes of a pod count.

use std::collections::HashMap;

use apiserver_api::meta;
use apiserver_api::tree::Tree;

use crate::plugin::Request;
use crate::pods::containers;

/// Parts of pods through which nothing comes that is judged.
pub(super) const IGNORED: [&str; 8] = [
    "attach",
    "binding",
    "eviction",
    "exec",
    "log",
    "portforward",
    "proxy",
    "status",
];

/// Annotation of old of a pod: a container's profile, by its name.
const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// A pod, or a template of pods.
pub(super) struct Pod<'p> {
    /// The whole, with metadata.
    pub(super) object: &'p Tree,
    /// Its spec.
    pub(super) spec: &'p Tree,
}

impl<'p> Pod<'p> {
    /// A pod or a template.
    pub(super) fn of(object: &'p Tree) -> Self {
        let spec = object.at("spec");
        Self { object, spec }
    }

    /// Its containers: those that come first, the others, those that were added.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'p Tree> {
        containers(self.spec)
    }

    /// What the pod as a whole says of its security.
    pub(super) fn security(&self) -> &'p Tree {
        self.spec.at("securityContext")
    }

    /// The names of containers of which this holds.
    pub(super) fn named(&self, holds: impl Fn(&'p Tree) -> bool) -> Vec<&'p str> {
        let found = self.containers().filter(|container| holds(container));
        found.map(|container| container.text("name")).collect()
    }

    /// Whether it runs on Windows.
    pub(super) fn is_windows(&self) -> bool {
        self.spec.at("os").text("name") == "windows"
    }

    /// Whether its users are not those of its node.
    pub(super) fn has_own_users(&self) -> bool {
        self.spec.at("hostUsers").as_bool() == Some(false)
    }
}

/// The template of an object that makes pods.
pub(super) fn template<'o>(request: &Request<'_>, object: &'o Tree) -> Option<&'o Tree> {
    let path: &[&str] = match (request.resource.group.as_str(), request.resource.resource.as_str()) {
        ("", "podtemplates") => &["template"],
        ("", "replicationcontrollers")
        | ("apps", "daemonsets" | "deployments" | "replicasets" | "statefulsets")
        | ("batch", "jobs") => &["spec", "template"],
        ("batch", "cronjobs") => &["spec", "jobTemplate", "spec", "template"],
        _ => return None,
    };
    Some(object.below(path)).filter(|template| !template.is_null())
}

/// Whether two states of a pod differ in what is judged and may change: images, profiles of old, added containers.
pub(super) fn differ(pod: &Tree, old: &Tree) -> bool {
    let (spec, before) = (pod.at("spec"), old.at("spec"));
    let same = |new: &Tree, other: &Tree| {
        let key = format!("{SECCOMP}{}", new.text("name"));
        let profile = |pod: &Tree| meta::annotation(pod, &key).unwrap_or_default().to_owned();
        new.text("image") == other.text("image") && profile(pod) == profile(old)
    };
    for list in ["containers", "initContainers"] {
        let (new, old) = (spec.items(list), before.items(list));
        if new.len() != old.len() || !new.iter().zip(old).all(|(new, old)| same(new, old)) {
            return true;
        }
    }
    // Of several with one name the first counts.
    let added = before.items("ephemeralContainers").iter().rev();
    let added: HashMap<&str, &Tree> = added.map(|old| (old.text("name"), old)).collect();
    spec.items("ephemeralContainers").iter().any(|new| {
        let known = added.get(new.text("name"));
        !known.is_some_and(|old| same(new, old))
    })
}

#[cfg(test)]
mod tests {
    use super::differ;
    use crate::double::json;

    #[test]
    fn many_added_containers_are_held_against_those_of_their_names() {
        let pod = |last: &str| {
            let one = |at: usize| format!(r#"{{"name":"c{at}","image":"i"}}"#);
            let others: Vec<String> = (0..30_000).map(one).collect();
            let others = others.join(",");
            json(&format!(
                r#"{{"spec":{{"ephemeralContainers":[{others},{{"name":"c0","image":"{last}"}}]}}}}"#
            ))
        };
        assert!(!differ(&pod("i"), &pod("j")));
        assert!(differ(&pod("j"), &pod("i")));
    }
}
