//! What is written: objects as clusters have them, and the requests that write them.
//!
//! Start reading at [`Resource`].

mod config_map;
mod deployment;
mod lease;
mod pod;
mod template;
mod verb;

pub(crate) use config_map::config_maps;
pub(crate) use deployment::deployments;
pub(crate) use lease::{leases, renewal};
pub(crate) use pod::{many_pods, pods};
pub(crate) use template::{SHARDS, Template, Values};
pub(crate) use verb::Verb;

use serde_json::{Value, json};

use super::stamp::ANNOTATION;

/// The namespace of what is written and deleted again.
pub(crate) const NAMESPACE: &str = "keelson-bench";

/// One kind of object: where it is, and the bodies of its requests.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// Path of the collection that an object is created in.
    pub(crate) collection: Template,
    /// Path of an object.
    pub(crate) item: Template,
    /// The whole object, which every request changes a little.
    pub(crate) object: Template,
    /// A JSON merge patch.
    pub(crate) merge: Template,
    /// A strategic merge patch.
    pub(crate) strategic: Template,
    /// What is applied.
    pub(crate) apply: Template,
}

/// What changes an object, besides the marks.
struct Changes {
    merge: Value,
    strategic: Value,
    /// What is applied besides the object's identity.
    apply: Value,
}

impl Changes {
    /// The same in every form.
    fn all(change: Value) -> Self {
        Self {
            merge: change.clone(),
            strategic: change.clone(),
            apply: change,
        }
    }
}

impl Resource {
    /// `folder` is the path of the collection; `object` is whole but for the marks.
    fn of(name: &'static str, folder: &str, object: Value, changes: Changes) -> Self {
        let marked = |mut object: Value| {
            mark(&mut object);
            Template::json(&object)
        };
        let mut apply = json!({
            "apiVersion": object["apiVersion"],
            "kind": object["kind"],
            "metadata": {"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"]},
        });
        merge(&mut apply, &changes.apply);
        let place = object["metadata"]["name"].as_str().unwrap_or_default();
        Self {
            name,
            collection: Template::new(folder),
            item: Template::new(&format!("{folder}/{place}")),
            merge: marked(changes.merge),
            strategic: marked(changes.strategic),
            apply: marked(apply),
            object: marked(object),
        }
    }
}

/// Gives an object the annotations that say who wrote it, when, and in which turn.
fn mark(object: &mut Value) {
    let annotations = &mut object["metadata"]["annotations"];
    annotations[ANNOTATION] = "<due>".into();
    annotations["keelson-bench-turn"] = "<turn>".into();
}

/// Puts the fields of `part` into `whole`, objects into objects.
fn merge(whole: &mut Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                merge(whole.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (whole, part) => *whole = part.clone(),
    }
}

/// The object that makes a namespace.
pub(crate) fn namespace(name: &str) -> String {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string()
}

/// The account without which no pod is admitted to a namespace; a controller makes it in a whole cluster.
pub(crate) fn service_account(namespace: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": namespace},
    })
    .to_string()
}

/// All namespaces that objects are written to.
pub(crate) fn namespaces() -> Vec<String> {
    let mut all: Vec<String> = (0..SHARDS).map(|shard| format!("{NAMESPACE}-{shard}")).collect();
    all.push(NAMESPACE.to_owned());
    all.push(lease::NAMESPACE.to_owned());
    all
}

/// Paths of the collections whose objects no run needs from another one.
pub(crate) fn passing() -> [String; 3] {
    [
        ("/api/v1", "pods"),
        ("/api/v1", "configmaps"),
        ("/apis/apps/v1", "deployments"),
    ]
    .map(|(group, kind)| format!("{group}/namespaces/{NAMESPACE}/{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(template: &Template) -> Value {
        serde_json::from_slice(&template.fill(&Values::default())).unwrap()
    }

    #[test]
    fn every_object_is_json_with_its_name_and_marks() {
        for resource in [config_maps(), pods(), many_pods(), deployments(), leases()] {
            let object = body(&resource.object);
            let name = object["metadata"]["name"].as_str().unwrap();
            let item = resource.item.fill(&Values::default());
            let item = std::str::from_utf8(&item).unwrap();
            let folder = resource.collection.fill(&Values::default());
            assert_eq!(item, format!("{}/{name}", std::str::from_utf8(&folder).unwrap()));
            let namespace = object["metadata"]["namespace"].as_str().unwrap();
            assert!(item.contains(&format!("/namespaces/{namespace}/")), "{item}");
            assert!(namespaces().iter().any(|one| one == namespace), "{namespace}");
            for template in [&resource.object, &resource.merge, &resource.strategic, &resource.apply] {
                let annotations = body(template)["metadata"]["annotations"].clone();
                assert_eq!(annotations[ANNOTATION], "0".repeat(24), "{}", resource.name);
                assert_eq!(annotations["keelson-bench-turn"], "0".repeat(9));
            }
            let applied = body(&resource.apply);
            assert_eq!(applied["metadata"]["name"], name);
            assert_eq!(applied["apiVersion"], object["apiVersion"]);
        }
    }

    #[test]
    fn objects_have_the_sizes_of_those_in_clusters() {
        for (resource, least, most) in [
            (config_maps(), 1000, 1100),
            (pods(), 1536, 2048),
            (many_pods(), 1536, 2048),
            (leases(), 300, 700),
            (deployments(), 8 << 10, 20 << 10),
        ] {
            let size = resource.object.fill(&Values::default()).len();
            assert!((least..=most).contains(&size), "{}: {size}", resource.name);
        }
    }

    #[test]
    fn parts_are_merged_into_wholes() {
        let mut whole = json!({"a": {"b": 1, "c": 2}, "d": 3});
        merge(&mut whole, &json!({"a": {"b": [1]}, "e": {"f": 1}}));
        assert_eq!(whole, json!({"a": {"b": [1], "c": 2}, "d": 3, "e": {"f": 1}}));
    }
}
