//! Definitions that are taken, and what is said of those that are not.

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::{self, Tree};

use super::DEFINITION;
use crate::kind::{Asked, End};

fn read(text: &str) -> Tree {
    tree::parse(text.as_bytes()).unwrap().tree
}

const GOOD: &str = r#"{"metadata":{"name":"as.b.c","resourceVersion":"1"},"spec":{"group":"b.c","scope":"Cluster","names":
    {"plural":"as","kind":"A"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":
    {"type":"object"}}}]},"status":{"storedVersions":["v0"]}}"#;

fn play<T>(play: impl FnOnce(&Asked<'_>) -> T) -> T {
    play(&Asked {
        now: Time::from_unix(0),
        user: &Tree::Null,
    })
}

fn causes(result: Result<Vec<String>, apiserver_api::status::Status>) -> Vec<String> {
    let details = result.err().and_then(|status| status.details);
    let causes = details.map(|details| details.causes).unwrap_or_default();
    causes
        .iter()
        .map(|one| format!("{}: {}", one.field, one.message))
        .collect()
}

fn create(text: &str) -> (Vec<String>, Tree) {
    let mut object = read(text);
    DEFINITION.rules.default(&mut object);
    (causes(play(|asked| DEFINITION.create(asked, &mut object))), object)
}

fn update(text: &str, old: &Tree) -> (Vec<String>, Tree) {
    let mut object = read(text);
    DEFINITION.rules.default(&mut object);
    (causes(play(|asked| DEFINITION.update(asked, &mut object, old))), object)
}

#[test]
fn names_follow_the_kind_and_the_stored_version_is_remembered() {
    let (wrong, object) = create(GOOD);
    assert!(wrong.is_empty(), "{wrong:?}");
    let names = object.at("spec").at("names");
    assert_eq!((names.text("singular"), names.text("listKind")), ("a", "AList"));
    assert_eq!(object.at("status").at("storedVersions"), &read(r#"["v1"]"#));
    assert_eq!(meta::generation(&object), 1);
}

#[test]
fn a_definition_is_named_after_what_it_defines() {
    let (wrong, _) = create(&GOOD.replace("as.b.c", "x.y"));
    assert_eq!(
        wrong,
        [r#"metadata.name: Invalid value: "x.y": must be spec.names.plural+"."+spec.group"#]
    );
    let (wrong, _) = create(&GOOD.replace("b.c", "b"));
    assert_eq!(
        wrong,
        [r#"spec.group: Invalid value: "b": should be a domain with at least one dot"#]
    );
}

#[test]
fn one_version_stores_and_all_have_schemas() {
    let (wrong, _) = create(&GOOD.replace(r#""storage":true"#, r#""storage":false"#));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].ends_with("must have exactly one version marked as storage version"));
    assert_eq!(
        wrong[1],
        "status.storedVersions: Invalid value: null: must have at least one stored version"
    );
    let (wrong, _) = create(&GOOD.replace(r#""schema""#, r#""x""#));
    assert_eq!(wrong, ["spec.versions[0].schema.openAPIV3Schema: Required value"]);
    let (wrong, _) = create(&GOOD.replace(r#""scope""#, r#""preserveUnknownFields":true,"scope""#));
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}

#[test]
fn versions_that_may_be_stored_stay_and_so_do_names_in_use() {
    let (_, mut old) = create(GOOD);
    let (wrong, object) = update(&GOOD.replace(r#""name":"v1""#, r#""name":"v2""#), &old);
    assert_eq!(object.at("status").at("storedVersions"), &read(r#"["v1","v2"]"#));
    assert_eq!(meta::generation(&object), 2);
    assert!(
        wrong.len() == 1
            && wrong[0]
                .starts_with(r#"status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was"#)
    );
    let other = GOOD.replace("Cluster", "Namespaced");
    assert!(update(&other, &old).0.is_empty());
    old.child("status")
        .set("conditions", read(r#"[{"type":"Established","status":"True"}]"#));
    assert_eq!(
        update(&other, &old).0,
        [r#"spec.scope: Invalid value: "Namespaced": field is immutable"#]
    );
    let (wrong, _) = update(&GOOD.replace(r#""plural":"as""#, r#""plural":"bs""#), &old);
    assert_eq!(wrong, [r#"spec.names.plural: Invalid value: "bs": field is immutable"#]);
}

#[test]
fn a_client_is_warned_of_formats_that_nobody_knows() {
    let schema = GOOD.replace(
        r#""type":"object""#,
        r#""type":"object","properties":{"p":{"type":"string","format":"x"}}"#,
    );
    let mut object = read(&schema);
    DEFINITION.rules.default(&mut object);
    assert_eq!(
        play(|asked| DEFINITION.create(asked, &mut object)),
        Ok(vec![r#"unrecognized format "x""#.to_owned()])
    );
    assert!(DEFINITION.rules.warnings(&object, Some(&object)).is_empty());
}

#[test]
fn a_definition_is_kept_until_its_objects_are_gone() {
    let end = End {
        now: Time::from_unix(0),
        orphan: None,
        foreground: None,
    };
    let rules = DEFINITION.rules.end().unwrap();
    let mut object = read(GOOD);
    rules.begin(&mut object, &end);
    let finalizers: Vec<&str> = meta::finalizers(&object).collect();
    assert_eq!(finalizers, ["customresourcecleanup.apiextensions.k8s.io"]);
    let condition = object.at("status").items("conditions")[0].clone();
    assert_eq!(
        (condition.text("type"), condition.text("lastTransitionTime")),
        ("Terminating", "1970-01-01T00:00:00Z")
    );
    let later = End {
        now: Time::from_unix(9),
        ..end
    };
    rules.begin(&mut object, &later);
    assert_eq!(object.at("status").items("conditions"), [condition]);
}
