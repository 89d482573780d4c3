//! What tables show of templates of pods, and of the pods that they select.

use apiserver_api::labels;
use apiserver_api::tree::{Map, Tree};

use crate::column::{AGE, Cell, Column, Words};

/// Where most kinds have their template.
const TEMPLATE: [&str; 2] = ["spec", "template"];
/// Where the template of a template is.
const INNER: [&str; 4] = ["spec", "jobTemplate", "spec", "template"];

/// The names of a template's containers.
pub(crate) const CONTAINERS: Column = Column {
    name: "Containers",
    words: Words::Text("Names of each container in the template."),
    priority: 1,
    cell: Cell::Is(|object| names(object.below(&TEMPLATE))),
    ..AGE
};

/// The images of a template's containers.
pub(crate) const IMAGES: Column = Column {
    name: "Images",
    words: Words::Text("Images referenced by each container in the template."),
    priority: 1,
    cell: Cell::Is(|object| images(object.below(&TEMPLATE))),
    ..AGE
};

/// The same for a template of templates.
pub(crate) const INNER_CONTAINERS: Column = Column {
    cell: Cell::Is(|object| names(object.below(&INNER))),
    ..CONTAINERS
};

/// The same for a template of templates.
pub(crate) const INNER_IMAGES: Column = Column {
    cell: Cell::Is(|object| images(object.below(&INNER))),
    ..IMAGES
};

/// The selector, but for what is said of it.
pub(crate) const SELECTOR: Column = Column {
    name: "Selector",
    priority: 1,
    cell: Cell::Is(|object| labels::format(object.below(&["spec", "selector"])).into()),
    ..AGE
};

fn of_containers(template: &Tree, field: &str) -> Tree {
    let containers = template.at("spec").items("containers").iter();
    let shown: Vec<&str> = containers.map(|container| container.text(field)).collect();
    shown.join(",").into()
}

/// The names of a template's containers.
pub(crate) fn names(template: &Tree) -> Tree {
    of_containers(template, "name")
}

/// The images of a template's containers.
pub(crate) fn images(template: &Tree) -> Tree {
    of_containers(template, "image")
}

/// Labels: `a=b,c=d`.
pub(crate) fn pairs(labels: &Map) -> Tree {
    if labels.is_empty() {
        return "<none>".into();
    }
    let pair = |(key, value): (&str, &Tree)| format!("{key}={}", value.as_str().unwrap_or_default());
    let mut pairs: Vec<String> = labels.iter().map(pair).collect();
    // Whole pairs are sorted, not keys: what a key may go on with stands partly before the sign, partly behind it.
    pairs.sort_unstable();
    pairs.join(",").into()
}

#[cfg(test)]
mod tests {
    use super::{images, names, pairs};
    use crate::trial::tree;

    #[test]
    fn columns_join_what_containers_say() {
        let template = tree(r#"{"spec":{"containers":[{"name":"a","image":"x"},{"name":"b","image":"y"}]}}"#);
        assert_eq!(names(&template).as_str(), Some("a,b"));
        assert_eq!(images(&template).as_str(), Some("x,y"));
    }

    #[test]
    fn labels_are_shown_sorted_as_pairs() {
        for (labels, shown) in [
            ("{}", "<none>"),
            (r#"{"a":"b","c":"d"}"#, "a=b,c=d"),
            (r#"{"app":"x","app-2":"y","app2":"z"}"#, "app-2=y,app2=z,app=x"),
        ] {
            assert_eq!(pairs(tree(labels).as_map().unwrap()).as_str(), Some(shown));
        }
    }
}
