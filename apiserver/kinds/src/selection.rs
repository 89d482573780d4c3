//! What field selectors may name of a kind, and what stands behind the names.

use apiserver_api::go;
use apiserver_api::gvk::GroupVersionKind;
use apiserver_api::tree::Tree;

/// What field selectors may name of a kind. The names are those of a group version, the fields those of what is stored:
/// kinds that share a folder share the fields, and may call them otherwise.
pub struct Selection {
    /// The names of fields that selectors may use.
    pub labels: &'static [&'static str],
    /// Other names, and the fields that they stand for.
    pub aliases: &'static [(&'static str, &'static str)],
    /// What is kept of an object to select by, beyond `metadata.name` and `metadata.namespace`. A field that has a label
    /// and is not among them is empty in all objects.
    pub fields: &'static [Selectable],
    /// What a client is told who names something else.
    pub unknown: fn(&GroupVersionKind, &str) -> String,
}

/// A field that is kept of objects to select by.
pub struct Selectable {
    /// Its name: `spec.nodeName`.
    pub name: &'static str,
    value: Value,
}

/// What an object has in a field.
enum Value {
    Text,
    Flag,
    Number,
    Made(fn(&Tree) -> String),
}

impl Selectable {
    /// The text that stands at its name; empty where none does.
    pub(crate) const fn text(name: &'static str) -> Self {
        let value = Value::Text;
        Self { name, value }
    }

    /// The flag that stands at its name; `false` where none does.
    pub(crate) const fn flag(name: &'static str) -> Self {
        let value = Value::Flag;
        Self { name, value }
    }

    /// The whole number that stands at its name; `0` where none does.
    pub(crate) const fn number(name: &'static str) -> Self {
        let value = Value::Number;
        Self { name, value }
    }

    /// What is made of an object.
    pub(crate) const fn made(name: &'static str, value: fn(&Tree) -> String) -> Self {
        let value = Value::Made(value);
        Self { name, value }
    }

    /// What an object has there.
    pub fn value(&self, object: &Tree) -> String {
        let (path, key) = self.name.rsplit_once('.').unwrap_or(("", self.name));
        let parts = path.split('.').filter(|part| !part.is_empty());
        let within = parts.fold(object, |within, part| within.at(part));
        match self.value {
            Value::Text => within.text(key).to_owned(),
            Value::Flag => within.flag(key).to_string(),
            Value::Number => within.int(key).to_string(),
            Value::Made(make) => make(object),
        }
    }
}

impl Selection {
    /// That of most kinds.
    pub const PLAIN: Self = Self {
        labels: &["metadata.name", "metadata.namespace"],
        unknown: not_known,
        ..Self::OWN
    };

    /// That of kinds with labels of their own, to be given the rest with `..`.
    pub const OWN: Self = Self {
        labels: &[],
        aliases: &[],
        fields: &[],
        unknown: not_supported,
    };

    /// The field that a name in a selector stands for.
    pub fn field_of(&self, name: &str) -> Option<&'static str> {
        let alias = self.aliases.iter().find(|(alias, _)| *alias == name);
        let label = || self.labels.iter().find(|label| **label == name);
        alias.map(|(_, field)| *field).or_else(|| label().copied())
    }

    /// The place of a field among those that are kept.
    pub fn place_of(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|kept| kept.name == field)
    }
}

fn not_known(_kind: &GroupVersionKind, name: &str) -> String {
    let quoted = go::quote(name);
    format!(r#"{quoted} is not a known field selector: only "metadata.name", "metadata.namespace""#)
}

fn not_supported(_kind: &GroupVersionKind, name: &str) -> String {
    format!("field label not supported: {name}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use apiserver_api::gvk::GroupVersionKind;

    use crate::kind::Kind;

    const NAMESPACE: &str = "metadata.namespace";

    /// What is said of a name in a selector: the field that it stands for, or why it is refused.
    fn said(group: &str, plural: &str, name: &str) -> String {
        let kind = crate::find(group, plural).unwrap();
        let version = GroupVersionKind::new(group, kind.versions[0].name, kind.kind);
        let selection = &kind.selection;
        let field = selection.field_of(name).map(str::to_owned);
        field.unwrap_or_else(|| (selection.unknown)(&version, name))
    }

    #[test]
    fn names_are_those_of_the_group_version() {
        for (group, plural, name, field) in [
            ("", "pods", "spec.host", "spec.nodeName"),
            ("", "pods", "status.podIPs", "status.podIPs"),
            ("", "events", "involvedObject.uid", "involvedObject.uid"),
            ("events.k8s.io", "events", "regarding.uid", "involvedObject.uid"),
            ("events.k8s.io", "events", "reportingController", "reportingComponent"),
            ("events.k8s.io", "events", "source", "source"),
            ("", "persistentvolumes", NAMESPACE, NAMESPACE),
            ("batch", "jobs", "status.successful", "status.successful"),
        ] {
            assert_eq!(said(group, plural, name), field, "{group} {plural} {name}");
        }
    }

    #[test]
    fn what_else_is_named_is_refused_in_the_words_of_the_group_version() {
        let plain = |name: &str| {
            format!(r#""{name}" is not a known field selector: only "metadata.name", "metadata.namespace""#)
        };
        let own = |name: &str| format!("field label not supported: {name}");
        let slices = "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ";
        for (group, plural, name, words) in [
            ("", "persistentvolumes", "name", plain("name")),
            ("", "persistentvolumeclaims", "x", plain("x")),
            ("apps", "replicasets", "status.replicas", plain("status.replicas")),
            ("", "namespaces", "name", own("name")),
            ("", "nodes", NAMESPACE, own(NAMESPACE)),
            ("", "events", "regarding.uid", own("regarding.uid")),
            (
                "events.k8s.io",
                "events",
                "involvedObject.uid",
                own("involvedObject.uid"),
            ),
            (
                "events.k8s.io",
                "events",
                "reportingComponent",
                own("reportingComponent"),
            ),
            (
                "certificates.k8s.io",
                "podcertificaterequests",
                NAMESPACE,
                own(NAMESPACE),
            ),
            (
                "resource.k8s.io",
                "resourceslices",
                NAMESPACE,
                format!("{slices}{NAMESPACE}"),
            ),
            (
                "batch",
                "jobs",
                "a\"",
                r#"field label "a\"" not supported for batchv1.Job"#.to_owned(),
            ),
        ] {
            assert_eq!(said(group, plural, name), words, "{group} {plural}");
        }
    }

    #[test]
    fn kinds_that_share_a_folder_share_what_is_kept_and_all_of_it_can_be_named() {
        let fields = |kind: &Kind| kind.selection.fields.iter().map(|field| field.name).collect::<Vec<_>>();
        for kind in crate::all() {
            let others = crate::all().filter(|other| !kind.folder.is_empty() && other.folder == kind.folder);
            others.for_each(|other| assert_eq!(fields(kind), fields(other), "{}", kind.folder));
            let (labels, aliases) = (kind.selection.labels, kind.selection.aliases);
            let named = labels.iter().copied().chain(aliases.iter().map(|(_, field)| *field));
            let named: BTreeSet<&str> = named.collect();
            assert!(named.contains("metadata.name"), "{}", kind.kind);
            assert!(fields(kind).iter().all(|field| named.contains(field)), "{}", kind.kind);
        }
    }
}
