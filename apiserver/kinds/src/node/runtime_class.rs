//! `RuntimeClass`: what runs containers, what it costs and where it is.

use std::collections::BTreeSet;

use apiserver_api::labels;
use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use crate::amounts::{amount, is_huge_page};
use crate::check::immutable;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::internal;
use crate::kind::{Asked, Kind, Rules, Version};
use crate::node_labels;
use crate::pod::{resources, tolerations};

const TYPE: &str = "io.k8s.api.node.v1.RuntimeClass";

/// The entry of the table.
pub(crate) const RUNTIME_CLASS: Kind = Kind {
    group: "node.k8s.io",
    kind: "RuntimeClass",
    plural: "runtimeclasses",
    singular: "runtimeclass",
    namespaced: false,
    versions: &[Version::stored("v1", TYPE)],
    folder: "runtimeclasses",
    rules: &RuntimeClass,
    columns: &[
        NAME,
        Column {
            name: "Handler",
            words: Words::Text(""),
            cell: Cell::Is(|object| object.text("handler").into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

struct RuntimeClass;

impl Rules for RuntimeClass {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        // Finalizers without a domain may be any.
        meta::validate(
            &Path::of("metadata"),
            meta::metadata(object),
            false,
            self.name(),
            refusals,
        );
        let (path, handler) = (Path::of("handler"), object.text("handler"));
        if handler.is_empty() {
            refusals.required(&path, "");
        } else {
            for message in names::dns_label(handler) {
                refusals.invalid(&path, handler, &message);
            }
        }
        if object.has("overhead") {
            let fixed = object.at("overhead").entries("podFixed");
            validate_overhead(&Path::of("overhead"), fixed, refusals);
        }
        let (path, scheduling) = (Path::of("scheduling"), object.at("scheduling"));
        let selector = scheduling.entries("nodeSelector");
        labels::validate_labels(&path.field("nodeSelector"), selector, refusals);
        validate_tolerations(&path.field("tolerations"), scheduling.items("tolerations"), refusals);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
        let (new, old_metadata) = (meta::metadata(object), meta::metadata(old));
        meta::validate_update(&Path::of("metadata"), new, old_metadata, refusals);
        immutable(&Path::of("handler"), object.at("handler"), old.at("handler"), refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let labels = object.at("scheduling").entries("nodeSelector").keys();
        // Upstream does not say which of them.
        labels
            .filter_map(node_labels::words)
            .map(|words| format!("scheduling.nodeSelector: {words}"))
            .collect()
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

/// Checks what each pod costs beyond its containers. Upstream checks it as if it were the limits of a container.
fn validate_overhead(path: &Path<'_>, fixed: &Map, refusals: &mut Refusals) {
    let limits = path.field("limits");
    for (name, value) in fixed.iter() {
        let (path, amount) = (limits.key(name), amount(value));
        resources::validate_container_name(&path, name, refusals);
        resources::validate_amount(&path, name, &amount, refusals);
        if is_huge_page(name) && !is_whole_pages(name, &amount) {
            let detail = format!("{amount} is not positive integer multiple of {name}");
            refusals.invalid(&path, &amount, &detail);
        }
    }
    let plain = fixed.contains("cpu") || fixed.contains("memory");
    if !plain && fixed.keys().any(is_huge_page) {
        refusals.forbidden(path, "HugePages require cpu or memory");
    }
}

/// Whether an amount of huge pages is that of whole pages, at least of one.
fn is_whole_pages(name: &str, amount: &Quantity) -> bool {
    let size = name.split_once('-').and_then(|(_, size)| Quantity::parse(size).ok());
    size.is_some_and(|size| {
        let whole = amount.value().checked_rem(size.value()) == Some(0);
        whole && size.sign().is_gt() && amount.sign().is_gt()
    })
}

fn validate_tolerations(path: &Path<'_>, list: &[Tree], refusals: &mut Refusals) {
    tolerations::validate(path, list, refusals);
    let mut seen = BTreeSet::new();
    for (at, one) in list.iter().enumerate() {
        let key = ["key", "operator", "value", "effect"].map(|field| one.text(field));
        if !seen.insert(key) {
            refusals.duplicate(&path.index(at), internal::shown("io.k8s.api.core.v1.Toleration", one));
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    use super::RUNTIME_CLASS;
    use crate::trial::{update, warnings};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn overhead_is_of_what_containers_have() {
        for (fixed, refused) in [
            (r#"{"cpu":"1m","hugepages-2Mi":"4Mi"}"#, 0),
            (r#"{"cpu":"-1"}"#, 1),
            (r#"{"storage":"1"}"#, 1),
            (r#"{"hugepages-2Mi":"1"}"#, 2),
        ] {
            let fixed = tree(fixed);
            let mut refusals = Refusals::new();
            super::validate_overhead(&Path::of("overhead"), fixed.as_map().unwrap(), &mut refusals);
            assert_eq!(refusals.len(), refused, "{fixed:?}: {refusals}");
        }
    }

    #[test]
    fn old_labels_of_nodes_are_told() {
        let class = r#"{"handler":"h","scheduling":{"nodeSelector":{"a":"b",
            "scheduler.alpha.kubernetes.io/preferAvoidPods":"c"}}}"#;
        let told = "scheduling.nodeSelector: deprecated since v1.22; use Taints and Tolerations instead";
        assert_eq!(warnings(&RUNTIME_CLASS, class), [told]);
    }

    #[test]
    fn what_a_new_one_may_not_say_an_update_may_not_either() {
        let old = r#"{"handler":"h"}"#;
        for (new, refused) in [
            (
                r#"{"handler":"h","metadata":{"finalizers":["x"]},"overhead":{"podFixed":{"cpu":"1m"}}}"#,
                0,
            ),
            (r#"{"handler":"h","scheduling":{"nodeSelector":{"a":"b c"}}}"#, 1),
            (
                r#"{"handler":"h","scheduling":{"tolerations":[{"key":"k","operator":"X"}]}}"#,
                1,
            ),
            (r#"{"handler":"h","overhead":{"podFixed":{"cpu":"-1"}}}"#, 1),
            (r#"{"handler":"g"}"#, 1),
        ] {
            let told = update(&RUNTIME_CLASS, old, new).err().unwrap_or_default();
            assert_eq!(told.len(), refused, "{new}: {told:?}");
        }
    }

    #[test]
    fn tolerations_stand_once() {
        let one = r#"{"key":"k","operator":"Exists"}"#;
        for (list, refused) in [(format!("[{one}]"), 0), (format!("[{one},{one}]"), 1)] {
            let mut refusals = Refusals::new();
            super::validate_tolerations(&Path::of("tolerations"), tree(&list).as_list().unwrap(), &mut refusals);
            assert_eq!(refusals.len(), refused, "{refusals}");
        }
    }
}
