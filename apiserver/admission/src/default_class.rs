//! Which of several classes is the one for those who name none.

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;

/// The newest of the classes that one of these annotations makes the default; of those that are as old, the first by name.
pub(crate) fn default_class(classes: Vec<Tree>, annotations: &[&str]) -> Option<Tree> {
    let is_default = |class: &Tree| {
        annotations
            .iter()
            .any(|key| meta::annotation(class, key) == Some("true"))
    };
    let made = |class: &Tree| meta::creation_timestamp(class).and_then(|time| Time::parse(time).ok());
    let defaults = classes.into_iter().filter(is_default);
    defaults.min_by(|a, b| made(b).cmp(&made(a)).then_with(|| meta::name(a).cmp(meta::name(b))))
}

#[cfg(test)]
mod tests {
    use super::default_class;
    use crate::double::json;

    #[test]
    fn the_newest_default_is_taken_and_the_first_name_of_equals() {
        let class = |name: &str, made: &str, value: &str| {
            let text = format!(
                r#"{{"metadata":{{"name":"{name}","creationTimestamp":"{made}","annotations":{{"k":"{value}"}}}}}}"#
            );
            json(&text)
        };
        let (old, new) = ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        let classes = vec![
            class("a", old, "true"),
            class("c", new, "true"),
            class("b", new, "true"),
            class("d", "2027-01-01T00:00:00Z", "false"),
        ];
        let found = default_class(classes, &["j", "k"]).unwrap();
        assert_eq!(apiserver_api::meta::name(&found), "b");
        assert_eq!(default_class(vec![class("a", old, "yes")], &["k"]), None);
    }
}
