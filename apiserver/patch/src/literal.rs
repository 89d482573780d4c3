//! JSON with numbers as they were written, which is how upstream quotes what came from a patch.

use apiserver_api::tree::{Tree, quoted};

/// Appends a tree as JSON.
pub(crate) fn write(tree: &Tree, out: &mut Vec<u8>) {
    match tree {
        Tree::Number(number) => out.extend_from_slice(number.literal().as_bytes()),
        Tree::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Tree::Map(map) => {
            out.push(b'{');
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                quoted(key, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
        other => other.write_json(out),
    }
}
