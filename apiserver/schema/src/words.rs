//! What upstream says of types and fields, in its own words: documents, explain and the heads of tables show it.

use std::io::Read;
use std::sync::LazyLock;

use apiserver_api::tree::{self, Tree};
use flate2::read::ZlibDecoder;

use crate::model::{Field, Struct, Values};

/// Compressed, since most who run this never ask.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.zlib"));

/// What is said, by the name of a struct and then of a field; that of the struct itself stands under the empty name. What is
/// said of values stands by the name of their type and then by the value.
static WORDS: LazyLock<Tree> = LazyLock::new(|| {
    let mut text = Vec::new();
    let read = ZlibDecoder::new(PACKED).read_to_end(&mut text);
    match read.ok().and_then(|_| tree::parse(&text).ok()) {
        Some(parsed) => parsed.tree,
        None => unreachable!("the build script packed it"),
    }
});

/// What is said of a type by its name in documents, be it one that the table has no fields of; empty where nothing is.
pub fn words_of(name: &str) -> &'static str {
    WORDS.at(name).text("")
}

/// What is said of a field by the name of its type in documents and its own, be it `apiVersion` or `kind`; empty where
/// nothing is.
pub fn field_words_of(name: &str, field: &str) -> &'static str {
    WORDS.at(name).text(field)
}

impl Struct {
    /// What is said of it; empty where nothing is.
    pub fn words(&self) -> &'static str {
        words_of(&self.name)
    }

    /// What is said of a field as this struct has it; empty where nothing is.
    pub fn field_words(&self, field: &Field) -> &'static str {
        field_words_of(&self.name, &field.name)
    }
}

impl Values {
    /// What is said of one of them; empty where nothing is.
    pub fn words(&self, value: &str) -> &'static str {
        WORDS.at(&self.name).text(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::words_of;
    use crate::built_in;
    use crate::model::Values;

    #[test]
    fn types_and_fields_have_words() {
        let schema = built_in();
        let meta = schema.get(schema.named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").unwrap());
        assert!(meta.words().starts_with("ObjectMeta is metadata that"));
        let name = meta.field("name").unwrap();
        assert!(
            meta.field_words(name)
                .starts_with("Name must be unique within a namespace.")
        );
        // In k8s-openapi lists are generic, and what Go embeds is no type of its own.
        let embedded: Vec<_> = schema
            .iter()
            .flat_map(|(_, one)| one.embedded.iter().map(|(_, id)| *id))
            .collect();
        let silent = schema
            .iter()
            .filter(|(id, one)| one.words().is_empty() && !one.go.ends_with("List") && !embedded.contains(id));
        let silent: Vec<_> = silent.map(|(_, one)| &*one.go).collect();
        // What tells of all groups at once stands in no document.
        let discovery = [
            "APIGroupDiscovery",
            "APIResourceDiscovery",
            "APISubresourceDiscovery",
            "APIVersionDiscovery",
            "GroupVersionKind",
        ];
        assert_eq!(silent[..1], ["MatchCondition"]);
        assert_eq!(silent[1..], discovery);
    }

    #[test]
    fn the_words_of_an_event_are_told_from_those_of_its_object() {
        let schema = built_in();
        let event = schema.get(schema.named("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent").unwrap());
        assert_eq!(event.words(), "Event represents a single event to a watched resource.");
        let object = event.field_words(event.field("object").unwrap());
        assert!(object.starts_with("Object is:\n") && object.ends_with("depending on context."));
    }

    #[test]
    fn values_have_words_where_a_package_has_them() {
        let schema = built_in();
        let values = |name: &str, field: &str| {
            let one = schema.get(schema.named(name).unwrap());
            one.field(field).unwrap().values.clone().unwrap()
        };
        // Another package's values, and those of a list.
        let protocol = values("io.k8s.api.networking.v1.IngressPortStatus", "protocol");
        assert_eq!(&*protocol.name, "io.k8s.api.core.v1.Protocol");
        assert_eq!(protocol.words("TCP"), "is the TCP protocol.");
        let scopes = values("io.k8s.api.core.v1.ResourceQuotaSpec", "scopes");
        assert!(scopes.words("BestEffort").starts_with("Match all pod objects"));
        // Upstream says nothing of these, or something else than it did.
        let restart = values("io.k8s.api.core.v1.PodSpec", "restartPolicy");
        assert_eq!(restart.all.iter().map(|one| restart.words(one)).collect::<String>(), "");
        assert_eq!(scopes.words("CrossNamespacePodAffinity"), "");
        let said = |values: &Values| values.all.iter().filter(|one| !values.words(one).is_empty()).count();
        let all: BTreeMap<_, _> = schema
            .iter()
            .flat_map(|(_, one)| one.declared().filter_map(|field| field.values.as_deref()))
            .map(|values| (&*values.name, said(values)))
            .collect();
        assert_eq!((all.len(), all.values().sum::<usize>()), (84, 71));
    }

    #[test]
    fn types_without_fields_have_words_too() {
        assert!(words_of("io.k8s.apimachinery.pkg.util.intstr.IntOrString").starts_with("IntOrString is a type"));
        assert_eq!(words_of("none"), "");
    }
}
