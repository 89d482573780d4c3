//! In which order upstream writes the fields of what is no resource: that of its structs.

use apiserver_api::tree::{Order, Tree};

const SORTED: &Order = Order::SORTED;

const CAUSES: Order = Order(&[("reason", SORTED), ("message", SORTED), ("field", SORTED)]);
const DETAILS: Order = Order(&[
    ("name", SORTED),
    ("group", SORTED),
    ("kind", SORTED),
    ("uid", SORTED),
    ("causes", &CAUSES),
    ("retryAfterSeconds", SORTED),
]);
static STATUS: Order = Order(&[
    ("kind", SORTED),
    ("apiVersion", SORTED),
    ("metadata", SORTED),
    ("status", SORTED),
    ("message", SORTED),
    ("reason", SORTED),
    ("details", &DETAILS),
    ("code", SORTED),
]);

/// Of the heads of a table's columns.
pub(super) static COLUMNS: Order = Order(&[
    ("name", SORTED),
    ("type", SORTED),
    ("format", SORTED),
    ("description", SORTED),
    ("priority", SORTED),
]);
static TABLE: Order = Order(&[
    ("kind", SORTED),
    ("apiVersion", SORTED),
    ("metadata", SORTED),
    ("columnDefinitions", &COLUMNS),
    ("rows", SORTED),
]);

static LIST: Order = Order(&[("kind", SORTED), ("apiVersion", SORTED), ("metadata", SORTED)]);

const VERSIONS: Order = Order(&[("groupVersion", SORTED), ("version", SORTED)]);
static GROUP: Order = Order(&[
    ("kind", SORTED),
    ("apiVersion", SORTED),
    ("name", SORTED),
    ("versions", &VERSIONS),
    ("preferredVersion", &VERSIONS),
]);
static GROUPS: Order = Order(&[("kind", SORTED), ("apiVersion", SORTED), ("groups", &GROUP)]);
static CORE: Order = Order(&[
    ("kind", SORTED),
    ("versions", SORTED),
    ("serverAddressByClientCIDRs", SORTED),
]);
const RESOURCES: Order = Order(&[
    ("name", SORTED),
    ("singularName", SORTED),
    ("namespaced", SORTED),
    ("group", SORTED),
    ("version", SORTED),
    ("kind", SORTED),
    ("verbs", SORTED),
    ("shortNames", SORTED),
    ("categories", SORTED),
    ("storageVersionHash", SORTED),
]);
static RESOURCE_LIST: Order = Order(&[
    ("kind", SORTED),
    ("apiVersion", SORTED),
    ("groupVersion", SORTED),
    ("resources", &RESOURCES),
]);

/// The order of what is answered, by its kind.
pub(super) fn of(tree: &Tree) -> &'static Order {
    match tree.text("kind") {
        "Status" => &STATUS,
        "Table" => &TABLE,
        "PartialObjectMetadata" | "PartialObjectMetadataList" => &LIST,
        "APIVersions" => &CORE,
        "APIGroup" => &GROUP,
        "APIGroupList" => &GROUPS,
        "APIResourceList" => &RESOURCE_LIST,
        _ => SORTED,
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::status::Status;
    use apiserver_api::tree::{Order, Tree, parse};

    use super::of;
    use crate::discovery::{self, Served};

    fn written(tree: &Tree) -> String {
        let mut out = Vec::new();
        tree.write_json_in(of(tree), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_status_begins_with_what_it_is_and_ends_with_its_code() {
        let status = Status::bad_request("m").because("r", "f", "w").to_tree();
        let text = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"m","reason":"BadRequest","details":{"causes":[{"reason":"r","message":"w","field":"f"}]},"code":400}"#;
        assert_eq!(written(&status), text);
        let pretty = String::from_utf8(status.to_pretty_json(of(&status))).unwrap();
        assert!(
            pretty.starts_with("{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\","),
            "{pretty}"
        );
        let compact = parse(pretty.as_bytes()).unwrap().tree.to_json();
        assert_eq!(compact, status.to_json());
    }

    #[test]
    fn documents_of_discovery_have_the_order_of_upstream_s_structs() {
        let served = Served::default();
        let groups = written(&discovery::group_list(&served));
        let text = r#"{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"#;
        assert!(groups.starts_with(text), "{groups}");
        let resources = written(&discovery::resource_list(&served, "", "v1").unwrap());
        let text = r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"bindings","singularName":"binding","namespaced":true,"kind":"Binding","verbs":["create"]}"#;
        assert!(resources.starts_with(text), "{resources}");
    }

    #[test]
    fn other_objects_are_sorted() {
        let tree = parse(br#"{"kind":"ConfigMap","data":{"b":1,"a":2}}"#).unwrap().tree;
        assert!(std::ptr::eq(of(&tree), Order::SORTED));
        assert_eq!(written(&tree), r#"{"data":{"a":2,"b":1},"kind":"ConfigMap"}"#);
    }
}
