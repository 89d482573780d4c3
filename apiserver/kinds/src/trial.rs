//! What unit tests of rules share: objects written as JSON go through a kind's rules as requests do.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{self, Tree};
use apiserver_schema::built_in;

use crate::kind::{Asked, Kind};

/// What came of a request: the object, or what was refused, `field: message` each.
pub(crate) type Outcome = Result<Tree, Vec<String>>;

/// A tree of JSON.
pub(crate) fn tree(json: &str) -> Tree {
    tree::parse(json.as_bytes()).unwrap().tree
}

/// An object as a request brings it to the rules: read, defaulted, with what the server sets. `name: "x"` and a namespace
/// are given where they are missing.
pub(crate) fn object(kind: &Kind, json: &str) -> Tree {
    let mut object = tree(json);
    object.child("metadata").set_default("name", "x");
    let version = &kind.versions[0];
    let id = built_in().named(version.schema).unwrap();
    built_in().read(id, &mut object);
    if let Some(conversion) = version.conversion {
        (conversion.store)(&mut object);
    }
    kind.rules.default(&mut object);
    if kind.namespaced {
        object.child("metadata").set_default("namespace", "t");
    }
    object.child("metadata").set_default("resourceVersion", "1");
    object.child("metadata").set_default("uid", "u");
    object
}

fn outcome(object: Tree, result: Result<Vec<String>, Status>) -> Outcome {
    match result {
        Ok(_) => Ok(object),
        Err(status) => {
            let status = status.to_tree();
            let causes = status.at("details").items("causes").iter();
            Err(causes
                .map(|cause| format!("{}: {}", cause.text("field"), cause.text("message")))
                .collect())
        }
    }
}

/// The time and the user of all tests.
pub(crate) fn asked(run: impl FnOnce(&Asked<'_>)) {
    let user = tree(r#"{"username": "jane"}"#);
    let now = Time::from_unix(1_767_225_600);
    run(&Asked { now, user: &user });
}

/// Creates an object.
pub(crate) fn create(kind: &Kind, json: &str) -> Outcome {
    let mut made = Err(Vec::new());
    asked(|asked| {
        let mut object = object(kind, json);
        let result = kind.create(asked, &mut object);
        made = outcome(object, result);
    });
    made
}

/// What is refused of a new object.
pub(crate) fn refused(kind: &Kind, json: &str) -> Vec<String> {
    create(kind, json).err().unwrap_or_default()
}

/// Puts an object in the place of another, which is taken as it is written.
pub(crate) fn update(kind: &Kind, old: &str, new: &str) -> Outcome {
    let mut made = Err(Vec::new());
    asked(|asked| {
        let (old, mut object) = (object(kind, old), object(kind, new));
        let result = kind.update(asked, &mut object, &old);
        made = outcome(object, result);
    });
    made
}

/// Writes the status of an object.
pub(crate) fn update_status(kind: &Kind, old: &str, new: &str) -> Outcome {
    let mut made = Err(Vec::new());
    asked(|asked| {
        let (old, mut object) = (object(kind, old), object(kind, new));
        let result = kind.update_status(asked, &mut object, &old);
        made = outcome(object, result);
    });
    made
}

/// What a client is warned of when it creates an object.
pub(crate) fn warnings(kind: &Kind, json: &str) -> Vec<String> {
    kind.rules.warnings(&object(kind, json), None)
}

/// The cells of an object's row.
pub(crate) fn cells(kind: &Kind, json: &str) -> Vec<String> {
    let object = object(kind, json);
    let cells = kind
        .columns
        .iter()
        .map(|column| column.cell.shown(&object, Time::from_unix(0)));
    cells
        .map(|cell| match cell {
            Tree::Text(text) => text.to_string(),
            other => String::from_utf8(other.to_json()).unwrap(),
        })
        .collect()
}

/// The name that a kind's metadata is tested with.
#[test]
fn a_test_s_object_has_a_name() {
    let object = object(crate::find("", "configmaps").unwrap(), "{}");
    assert_eq!(meta::name(&object), "x");
}
