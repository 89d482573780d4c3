//! What tables show of templates of pods.

use apiserver_api::tree::{Map, Tree};

use crate::column::{Column, Words};

/// The names of containers; the cell is the kind's own.
pub(crate) const CONTAINERS: Column = Column {
    name: "Containers",
    kind: "string",
    format: "",
    words: Words::Text("Names of each container in the template."),
    priority: 0,
    cell: |_, _| Tree::Null,
};

/// Their images.
pub(crate) const IMAGES: Column = Column {
    name: "Images",
    words: Words::Text("Images referenced by each container in the template."),
    ..CONTAINERS
};

/// The labels that pods get.
pub(crate) const POD_LABELS: Column = Column {
    name: "Pod Labels",
    words: Words::Text("The labels for the pod template."),
    ..CONTAINERS
};

fn of_containers(template: &Tree, field: &str) -> String {
    let containers = template.at("spec").items("containers").iter();
    let texts: Vec<&str> = containers.map(|container| container.text(field)).collect();
    texts.join(",")
}

/// The names of a template's containers.
pub(crate) fn container_names(template: &Tree) -> String {
    of_containers(template, "name")
}

/// The images of a template's containers.
pub(crate) fn container_images(template: &Tree) -> String {
    of_containers(template, "image")
}

/// Labels as columns show them.
pub(crate) fn pairs(labels: &Map) -> String {
    if labels.is_empty() {
        return "<none>".to_owned();
    }
    let pair = |(key, value): (&str, &Tree)| format!("{key}={}", value.as_str().unwrap_or_default());
    let pairs: Vec<String> = labels.iter().map(pair).collect();
    pairs.join(",")
}

#[cfg(test)]
mod tests {
    use super::{container_images, container_names, pairs};
    use crate::pod::testing::json;

    #[test]
    fn columns_join_what_containers_say() {
        let template = json(r#"{"spec":{"containers":[{"name":"a","image":"x"},{"name":"b","image":"y"}]}}"#);
        assert_eq!(container_names(&template), "a,b");
        assert_eq!(container_images(&template), "x,y");
        assert_eq!(pairs(json(r#"{"k":"v"}"#).as_map().unwrap()), "k=v");
        assert_eq!(pairs(template.entries("none")), "<none>");
    }
}
