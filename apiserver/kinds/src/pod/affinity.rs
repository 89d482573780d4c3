//! Which nodes a pod wants, and which pods it wants near.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use apiserver_api::labels::{self, Leniency};
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::scope::{Mistake, Options, Scope};
use crate::node_selector;
use crate::text::tell;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
/// From so many bytes of merged labels on, only those are merged without which a sound pod would select others.
const MERGED_MAX: usize = 8 << 20;
/// What an expression takes beside its key and its value, roughly.
const EXPRESSION: usize = 128;
/// The longest value of a label.
const VALUE_MAX: usize = 63;

/// The affinity of a spec.
pub(super) fn validate(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    let affinity = scope.spec.at("affinity");
    validate_nodes(
        &path.field("nodeAffinity"),
        affinity.at("nodeAffinity"),
        scope.options,
        refusals,
    );
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (path, half) = (path.field(kind), affinity.at(kind));
        let list = path.field(REQUIRED);
        for (at, term) in half.items(REQUIRED).iter().enumerate() {
            validate_pod_term(&list.index(at), term, scope.options, refusals);
        }
        let list = path.field(PREFERRED);
        for (at, term) in half.items(PREFERRED).iter().enumerate() {
            let path = list.index(at);
            validate_weight(&path, term, refusals);
            let inner = term.at("podAffinityTerm");
            validate_pod_term(&path.field("podAffinityTerm"), inner, scope.options, refusals);
        }
    }
}

fn validate_weight(path: &Path<'_>, term: &Tree, refusals: &mut Refusals) {
    let weight = term.int("weight");
    if !(1..=100).contains(&weight) {
        refusals.invalid(&path.field("weight"), weight, "must be in the range 1-100");
    }
}

fn validate_nodes(path: &Path<'_>, affinity: &Tree, options: Options, refusals: &mut Refusals) {
    if affinity.has(REQUIRED) {
        let path = path.field(REQUIRED);
        node_selector::validate(
            &path,
            affinity.at(REQUIRED),
            options.forgives(Mistake::NodeValues),
            refusals,
        );
    }
    let list = path.field(PREFERRED);
    for (at, term) in affinity.items(PREFERRED).iter().enumerate() {
        let path = list.index(at);
        validate_weight(&path, term, refusals);
        node_selector::validate_term(&path.field("preference"), term.at("preference"), true, refusals);
    }
}

fn validate_pod_term(path: &Path<'_>, term: &Tree, options: Options, refusals: &mut Refusals) {
    let leniency = Leniency {
        values: options.forgives(Mistake::SelectorValues),
        operators: false,
    };
    for selector in ["labelSelector", "namespaceSelector"] {
        labels::validate(&path.field(selector), term.at(selector), leniency, refusals);
    }
    for name in term.items("namespaces") {
        let name = name.as_str().unwrap_or_default();
        tell(
            &path.field("namespace"),
            name,
            names::name_is_dns_label(name, false),
            refusals,
        );
    }
    let (keys, other) = (term.items("matchLabelKeys"), term.items("mismatchLabelKeys"));
    validate_keys(&path.field("matchLabelKeys"), keys, term, refusals);
    validate_keys(&path.field("mismatchLabelKeys"), other, term, refusals);
    for (at, key) in doubled_keys(keys, term.at("labelSelector")) {
        refusals.invalid(&path.index(at), key, "exists in both matchLabelKeys and labelSelector");
    }
    let keys_path = path.field("matchLabelKeys");
    let other: BTreeSet<Option<&str>> = other.iter().map(Tree::as_str).collect();
    for (at, key) in keys.iter().enumerate().filter(|(_, key)| other.contains(&key.as_str())) {
        let detail = "exists in both matchLabelKeys and mismatchLabelKeys";
        refusals.invalid(&keys_path.index(at), key, detail);
    }
    let key = term.text("topologyKey");
    if key.is_empty() {
        refusals.required(&path.field("topologyKey"), "can not be empty");
    }
    labels::validate_name(&path.field("topologyKey"), key, refusals);
}

/// Keys of labels beside a selector, which there must be then.
pub(super) fn validate_keys(path: &Path<'_>, keys: &[Tree], holder: &Tree, refusals: &mut Refusals) {
    if !keys.is_empty() && !holder.has("labelSelector") {
        return refusals.forbidden(path, "must not be specified when labelSelector is not set");
    }
    for (at, key) in keys.iter().enumerate() {
        labels::validate_name(&path.index(at), key.as_str().unwrap_or_default(), refusals);
    }
}

/// The keys that a selector has more than once: what the pod's own label was merged into had the key already.
pub(super) fn doubled_keys<'a>(keys: &'a [Tree], selector: &'a Tree) -> Vec<(usize, &'a str)> {
    let at = |(at, key): (usize, &'a Tree)| (key.as_str().unwrap_or_default(), at);
    let positions: BTreeMap<&str, usize> = keys.iter().enumerate().map(at).collect();
    let mut seen: BTreeSet<&str> = selector.entries("matchLabels").keys().collect();
    let expressions = selector.items("matchExpressions").iter();
    expressions
        .map(|expression| expression.text("key"))
        .filter(|key| !seen.insert(key))
        .filter_map(|key| positions.get(key).map(|at| (*at, key)))
        .collect()
}

/// A pod's own labels, which are merged into the selectors that ask for them by key when a pod is made.
pub(crate) struct OwnLabels<'l> {
    labels: &'l Tree,
    /// What was merged so far.
    bytes: usize,
}

impl<'l> OwnLabels<'l> {
    /// None is merged yet.
    pub(crate) const fn new(labels: &'l Tree) -> Self {
        Self { labels, bytes: 0 }
    }

    /// Merges them into the selectors of an affinity.
    pub(crate) fn merge_all(&mut self, affinity: &mut Tree) {
        for kind in ["podAffinity", "podAntiAffinity"] {
            for list in [PREFERRED, REQUIRED] {
                let terms = affinity.get_mut(kind).and_then(|half| half.get_mut(list));
                for term in terms.and_then(Tree::as_list_mut).into_iter().flatten() {
                    let term = if list == PREFERRED {
                        term.get_mut("podAffinityTerm")
                    } else {
                        Some(term)
                    };
                    if let Some(term) = term {
                        self.merge(term, "matchLabelKeys", "In");
                        self.merge(term, "mismatchLabelKeys", "NotIn");
                    }
                }
            }
        }
    }

    /// Adds an expression for each key for which the pod has a label; a selector that is not there selects nothing and stays
    /// so.
    pub(crate) fn merge(&mut self, holder: &mut Tree, field: &str, operator: &str) {
        if !holder.has("labelSelector") {
            return;
        }
        let wanted = self.expressions(holder.items(field), operator);
        if wanted.is_empty() {
            return;
        }
        let selector = holder.child("labelSelector");
        let mut expressions = selector.items("matchExpressions").to_vec();
        expressions.extend(wanted);
        selector.set("matchExpressions", expressions);
    }

    fn expressions(&mut self, keys: &[Tree], operator: &str) -> Vec<Tree> {
        let (mut known, mut wanted) = (HashSet::new(), Vec::new());
        for key in keys.iter().filter_map(Tree::as_str) {
            let Some(value) = self.labels.get(key) else {
                continue;
            };
            let (is_new, length) = (known.insert(key), value.as_str().map_or(0, str::len));
            // Saying it again selects the same, and the pod is refused for a value that no label has.
            if self.bytes >= MERGED_MAX && (!is_new || length > VALUE_MAX) {
                continue;
            }
            self.bytes += EXPRESSION + key.len() + length;
            let mut expression = Tree::map();
            expression.set("key", key);
            expression.set("operator", operator);
            expression.set("values", vec![value.clone()]);
            wanted.push(expression);
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::{OwnLabels, Path, Refusals, Tree, validate};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    #[test]
    fn terms_have_a_weight_a_topology_and_sound_selectors() {
        let cases = [
            (
                r#"{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}}"#,
                "a.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: \
                 must have at least one node selector term",
            ),
            (
                r#"{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":0,"preference":
                    {"matchExpressions":[{"key":"k","operator":"Gt","values":["1"]}]}}]}}"#,
                "a.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be \
                 in the range 1-100",
            ),
            (
                r#"{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":
                    [{"matchFields":[{"key":"metadata.name","operator":"In","values":["n"]}]}]}}}"#,
                "",
            ),
            (
                r#"{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
                    [{"topologyKey":"z","matchLabelKeys":["a"]}]}}"#,
                "a.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not \
                 be specified when labelSelector is not set",
            ),
        ];
        for (affinity, told) in cases {
            let spec = json(&format!(r#"{{"affinity":{affinity}}}"#));
            let mut refusals = Refusals::new();
            validate(&Path::of("a"), &Scope::for_tests(&spec), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }

    #[test]
    fn the_pod_s_own_labels_are_merged_into_selectors() {
        let term = r#"{"topologyKey":"z","matchLabelKeys":["a","b"],"labelSelector":{"matchLabels":{"a":"x"}}}"#;
        let mut affinity = json(&format!(
            r#"{{"podAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":[{term}]}}}}"#
        ));
        OwnLabels::new(&json(r#"{"a":"1"}"#)).merge_all(&mut affinity);
        let term = &affinity
            .at("podAffinity")
            .items("requiredDuringSchedulingIgnoredDuringExecution")[0];
        let merged = term.at("labelSelector").at("matchExpressions");
        assert_eq!(merged, &json(r#"[{"key":"a","operator":"In","values":["1"]}]"#));
        let mut spec = json("{}");
        spec.set("affinity", affinity);
        let mut refusals = Refusals::new();
        validate(&Path::of("a"), &Scope::for_tests(&spec), &mut refusals);
        assert_eq!(refusals.len(), 1, "the key is in the selector and beside it");
    }

    fn merged(labels: &Tree, holder: &mut Tree) -> usize {
        OwnLabels::new(labels).merge(holder, "matchLabelKeys", "In");
        holder.at("labelSelector").items("matchExpressions").len()
    }

    #[test]
    fn a_key_that_stands_twice_is_merged_twice() {
        let mut holder = json(r#"{"matchLabelKeys":["a","b","a"],"labelSelector":{}}"#);
        assert_eq!(merged(&json(r#"{"a":"1"}"#), &mut holder), 2);
        let mut holder = json(r#"{"matchLabelKeys":["a"]}"#);
        assert_eq!(merged(&json(r#"{"a":"1"}"#), &mut holder), 0);
        assert!(!holder.has("labelSelector"));
    }

    #[test]
    fn a_long_label_is_not_merged_for_each_of_a_hundred_thousand_keys() {
        let mut labels = json(r#"{"b":"2"}"#);
        labels.set("a", "x".repeat(1 << 20));
        let mut keys = vec!["a"; 100_000];
        keys.push("b");
        let mut holder = Tree::map();
        holder.set("matchLabelKeys", Tree::from_iter(keys));
        assert_eq!(merged(&labels, &mut holder), 0, "there is no selector");
        holder.child("labelSelector");
        assert_eq!(merged(&labels, &mut holder), 9, "what a sound pod selects by is there");
    }
}
