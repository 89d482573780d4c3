//! Stored objects for tests of answers.

use apiserver_api::tree::{Text, Tree, parse};
use apiserver_storage::object::{Object, Reading};

/// Objects of a kind that nobody selects by its fields.
struct Plain;

impl Reading for Plain {
    fn fields(&self, _object: &Tree) -> Vec<Text> {
        Vec::new()
    }
}

/// The object that a JSON document is, as it stands under some key.
pub(super) fn object(json: &str) -> Object {
    Object::of("/registry/x/a", 7, parse(json.as_bytes()).unwrap().tree, &Plain)
}
