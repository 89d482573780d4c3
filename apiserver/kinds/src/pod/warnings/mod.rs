//! What a client is warned of in a pod or a template: what is of old, what has no effect, what is likely a mistake.

mod lists;
mod overlaps;
mod ports;

use std::collections::BTreeSet;

use apiserver_api::go::quote;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::tree::{Map, Tree};

use super::annotations::{APPARMOR, SECCOMP, SECCOMP_POD};
use super::containers;
use crate::amounts::amount;
use crate::node_labels;

const NO_POD: &str = "a null labelSelector results in matching no pod";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const ANNOTATIONS: &[(&str, &str)] = &[
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    (
        "security.alpha.kubernetes.io/sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];
const SECCOMP_FIELD: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
pub(crate) const APPARMOR_FIELD: &str = "deprecated since v1.30; use the \"appArmorProfile\" field instead";
/// Sources of volumes of old: the field, how it is told, and what is said.
const VOLUMES: &[(&str, &str, &str)] = &[
    (
        "photonPersistentDisk",
        "photonPersistentDisk",
        "deprecated in v1.11, non-functional in v1.16+",
    ),
    (
        "gitRepo",
        "gitRepo",
        "deprecated in v1.11, and disabled by default in v1.33+",
    ),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    (
        "storageos",
        "storageOS",
        "deprecated in v1.22, non-functional in v1.25+",
    ),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    (
        "glusterfs",
        "glusterfs",
        "deprecated in v1.25, non-functional in v1.26+",
    ),
    ("ephemeral", "", ""),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// The warnings of a pod or a template at a path.
pub(super) fn of(path: &Path<'_>, object: &Tree, template: bool) -> Vec<String> {
    let mut told = Told {
        path,
        annotations: object.at("metadata").entries("annotations"),
        spec: object.at("spec"),
        template,
        warnings: Vec::new(),
    };
    let spec = path.field("spec");
    told.nodes(&spec);
    told.annotations();
    told.volumes(&spec.field("volumes"));
    told.warnings.extend(overlaps::of(told.spec.items("volumes")));
    told.lists(&spec);
    told.amounts(&spec.field("overhead"), told.spec.entries("overhead"));
    told.containers(&spec);
    told.warnings.extend(ports::of(&spec, told.spec));
    told.grace(&spec);
    told.pods(&spec.field("affinity"));
    told.addresses(&spec);
    told.warnings
}

struct Told<'a> {
    path: &'a Path<'a>,
    annotations: &'a Map,
    spec: &'a Tree,
    template: bool,
    warnings: Vec<String>,
}

impl Told<'_> {
    fn tell(&mut self, path: &Path<'_>, words: &str) {
        self.warnings.push(format!("{path}: {words}"));
    }

    fn annotation(&mut self, key: &str, words: &str) {
        if self.annotations.contains(key) {
            let path = self.path.field("metadata");
            let path = path.field("annotations");
            self.tell(&path.key(key), words);
        }
    }

    fn nodes(&mut self, path: &Path<'_>) {
        let selector = path.field("nodeSelector");
        for key in self.spec.entries("nodeSelector").keys() {
            if let Some(words) = node_labels::words(key) {
                self.tell(&selector.key(key), words);
            }
        }
        let affinity = path.field("affinity");
        let affinity = affinity.field("nodeAffinity");
        let half = self.spec.below(&["affinity", "nodeAffinity"]);
        let list = affinity.field(REQUIRED);
        let list = list.field("nodeSelectorTerms");
        for (at, term) in half.at(REQUIRED).items("nodeSelectorTerms").iter().enumerate() {
            // What is wrong with values is refused here.
            self.warnings
                .extend(node_labels::term_warnings(&list.index(at), term, false));
        }
        let list = affinity.field(PREFERRED);
        for (at, term) in half.items(PREFERRED).iter().enumerate() {
            let path = list.index(at);
            let path = path.field("preference");
            self.warnings
                .extend(node_labels::term_warnings(&path, term.at("preference"), true));
        }
        let list = path.field("topologySpreadConstraints");
        for (at, constraint) in self.spec.items("topologySpreadConstraints").iter().enumerate() {
            let path = list.index(at);
            let key = constraint.text("topologyKey");
            if let Some(words) = node_labels::words(key) {
                self.tell(&path.field("topologyKey"), &format!("{key} is {words}"));
            }
            if !constraint.has("labelSelector") {
                self.tell(&path.field("labelSelector"), NO_POD);
            }
        }
    }

    fn annotations(&mut self) {
        for (key, words) in ANNOTATIONS {
            self.annotation(key, words);
        }
    }

    fn volumes(&mut self, path: &Path<'_>) {
        for (at, volume) in self.spec.items("volumes").iter().enumerate() {
            let path = path.index(at);
            for (field, name, words) in VOLUMES.iter().filter(|(field, ..)| volume.has(field)) {
                if *field == "ephemeral" {
                    self.claim(&path.field("ephemeral"), volume.at("ephemeral"));
                } else {
                    self.tell(&path.field(name), words);
                }
            }
        }
    }

    fn claim(&mut self, path: &Path<'_>, source: &Tree) {
        let path = path.field("volumeClaimTemplate");
        let path = path.field("spec");
        let path = path.field("resources");
        let resources = source.below(&["volumeClaimTemplate", "spec", "resources"]);
        for half in ["requests", "limits"] {
            let list = path.field(half);
            self.amount(&list, resources.entries(half), "storage");
        }
    }

    fn amount(&mut self, list: &Path<'_>, amounts: &Map, name: &str) {
        let amount = amount(amounts.get(name).unwrap_or(&Tree::Null));
        if amount.milli_value() % 1000 != 0 {
            let shown = quote(&amount.to_string());
            let words = format!("fractional byte value {shown} is invalid, must be an integer");
            self.tell(&list.key(name), &words);
        }
    }

    fn amounts(&mut self, path: &Path<'_>, list: &Map) {
        for name in ["memory", "ephemeral-storage"] {
            self.amount(path, list, name);
        }
    }

    fn containers(&mut self, path: &Path<'_>) {
        let spec = self.spec;
        if !spec.at("securityContext").has("seccompProfile") {
            self.annotation(SECCOMP_POD, SECCOMP_FIELD);
        }
        let pod_profile = spec.at("securityContext").has("appArmorProfile");
        containers::visit(path, spec, |path, container| {
            let name = container.text("name");
            let context = container.at("securityContext");
            if !context.has("seccompProfile") {
                self.annotation(&format!("{SECCOMP}{name}"), SECCOMP_FIELD);
            }
            if self.template && !pod_profile && !context.has("appArmorProfile") {
                self.annotation(&format!("{APPARMOR}{name}"), APPARMOR_FIELD);
            }
            let resources = path.field("resources");
            for resource in ["memory", "ephemeral-storage"] {
                for half in ["limits", "requests"] {
                    let list = container.at("resources").entries(half);
                    self.amount(&resources.field(half), list, resource);
                }
            }
            self.variables(&path.field("env"), container.items("env"));
        });
    }

    /// A variable that stands twice is fine where the later one builds on the earlier.
    fn variables(&mut self, path: &Path<'_>, variables: &[Tree]) {
        let mut seen = BTreeSet::new();
        for (at, variable) in variables.iter().enumerate() {
            let (name, value) = (variable.text("name"), variable.text("value"));
            if seen.insert(name) {
                continue;
            }
            let earlier = format!("$({name})");
            if variable.has("valueFrom") || value == earlier || !value.contains(&earlier) {
                let words = format!(
                    "hides previous definition of {}, which may be dropped when using apply",
                    quote(name)
                );
                self.tell(&path.index(at), &words);
            }
        }
    }

    fn grace(&mut self, path: &Path<'_>) {
        if self.spec.int("terminationGracePeriodSeconds") < 0 {
            let words = "must be >= 0; negative values are invalid and will be treated as 1";
            self.tell(&path.field("terminationGracePeriodSeconds"), words);
        }
    }

    fn pods(&mut self, path: &Path<'_>) {
        for kind in ["podAffinity", "podAntiAffinity"] {
            let path = path.field(kind);
            let half = self.spec.at("affinity").at(kind);
            let list = path.field(REQUIRED);
            for (at, term) in half.items(REQUIRED).iter().enumerate() {
                if !term.has("labelSelector") {
                    self.tell(&list.index(at).field("labelSelector"), NO_POD);
                }
            }
            let list = path.field(PREFERRED);
            for (at, term) in half.items(PREFERRED).iter().enumerate() {
                if !term.at("podAffinityTerm").has("labelSelector") {
                    let path = list.index(at);
                    let path = path.field("podAffinityTerm");
                    self.tell(&path.field("labelSelector"), NO_POD);
                }
            }
        }
    }
}

/// What is said of a name that becomes the name of a host; `what` is where it is used.
pub(crate) fn host_name(name: &str, what: &str) -> Option<String> {
    let messages = names::dns_label(name);
    (!messages.is_empty()).then(|| {
        let joined = messages.join(" ");
        format!(
            "metadata.name: this is used in {what}, which can result in surprising behavior; a DNS label is \
             recommended: [{joined}]"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Path, host_name, of};
    use crate::pod::testing::json;

    #[test]
    fn clients_are_warned_of_what_is_of_old_or_has_no_effect() {
        let cases = [
            (
                r#"{"volumes":[{"name":"v","gitRepo":{}}]}"#,
                "t.spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
            ),
            (
                r#"{"nodeSelector":{"beta.kubernetes.io/os":"linux"}}"#,
                "t.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
            ),
            (
                r#"{"affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,
                    "preference":{"matchExpressions":[{"key":"app.kubernetes.io/created-by","operator":"Exists"}]}}]}}}"#,
                "t.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.\
                 matchExpressions[0].key: app.kubernetes.io/created-by is deprecated since v1.9",
            ),
            (
                r#"{"containers":[{"env":[{"name":"X","value":"a"},{"name":"X","value":"b"}]}]}"#,
                "t.spec.containers[0].env[1]: hides previous definition of \"X\", which may be dropped when using apply",
            ),
            (
                r#"{"containers":[{"resources":{"limits":{"memory":"100m"}}}]}"#,
                "t.spec.containers[0].resources.limits[memory]: fractional byte value \"100m\" is invalid, must be an \
                 integer",
            ),
            (
                r#"{"hostAliases":[{"ip":"1.1.1.1"},{"ip":"1.1.1.1"}]}"#,
                "t.spec.hostAliases[1].ip: duplicate ip \"1.1.1.1\"",
            ),
            (
                r#"{"terminationGracePeriodSeconds":-1}"#,
                "t.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated \
                 as 1",
            ),
            (
                r#"{"topologySpreadConstraints":[{}]}"#,
                "t.spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
            ),
        ];
        for (spec, told) in cases {
            let object = json(&format!(r#"{{"spec":{spec}}}"#));
            assert_eq!(of(&Path::of("t"), &object, true), [told]);
        }
        assert_eq!(of(&Path::of("t"), &json("{}"), true), Vec::<String>::new());
    }

    #[test]
    fn names_that_become_hosts_are_labels() {
        assert_eq!(host_name("a", "x"), None);
        assert!(host_name("a.b", "x").is_some_and(|words| words.ends_with("[must not contain dots]")));
    }
}
