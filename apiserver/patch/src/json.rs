//! JSON patch (RFC 6902): a list of operations, each on one place of the document.
//!
//! The reading is that of the library upstream uses, quirks and all: what stands before the first slash of a pointer is
//! ignored, negative indices count from the end, `replace` of an absent key sets it, and a missing `value` is `null`.

mod items;
mod node;
mod pointer;

use apiserver_api::tree::{MAX_DEPTH, MAX_DUPLICATES, Map, Tree};
use apiserver_schema::{Schema, Shape, TypeId};
use thiserror::Error;

use crate::large::too_large;
use node::Node;
pub(crate) use node::child;
use pointer::{Broken, Pointer};

/// The most operations of one patch.
pub const MAX_OPERATIONS: usize = 10_000;

/// The most bytes that the `copy` operations of one patch may add.
pub const MAX_COPIED: usize = 3 * 1024 * 1024;

/// So many parts of values are looked at for how deep they are, and not many more. What a patch brings has fewer; only who
/// moves much to and fro comes here.
const MAX_LOOKED_AT: usize = 1 << 25;

/// Why a patch does not apply, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// It is no list of operations: a bad request.
    #[error("{0}")]
    Patch(String),
    /// More than [`MAX_OPERATIONS`]: the request is too large.
    #[error("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}")]
    TooMany(usize),
    /// An operation does not fit the document: it cannot be processed. Upstream does not show this text to its clients.
    #[error("{0}")]
    Operation(String),
}

/// What a checked request's patch has beyond an operation's fields; each is a finding of strict decoding, which stops
/// counting at [`MAX_DUPLICATES`].
///
/// # Errors
/// The patch is no list of operations.
pub fn unknown_fields(patch: &Tree) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let wrong = |of: &str, into: &str| {
        Err(Error::Patch(format!(
            "error decoding patch: json: cannot unmarshal {of} into Go {into}"
        )))
    };
    let operations = match patch {
        Tree::Null => return Ok(findings),
        Tree::List(operations) => operations,
        other => return wrong(other.type_name(), "value of type []handlers.jsonPatchOp"),
    };
    for (at, operation) in operations.iter().enumerate() {
        let fields = match operation {
            Tree::Null => continue,
            Tree::Map(fields) => fields,
            other => return wrong(other.type_name(), "value of type handlers.jsonPatchOp"),
        };
        for (name, value) in fields.iter() {
            match (name, value) {
                ("value", value) => {
                    if let Some(number) = too_large(value) {
                        let number = format!("number {}", number.literal());
                        return wrong(&number, "struct field jsonPatchOp.value of type float64");
                    }
                }
                ("op" | "path" | "from", Tree::Text(_) | Tree::Null) => {}
                ("op" | "path" | "from", other) => {
                    return wrong(
                        other.type_name(),
                        &format!("struct field jsonPatchOp.{name} of type string"),
                    );
                }
                _ if findings.len() < MAX_DUPLICATES => {
                    findings.push(format!("json patch unknown field \"[{at}].{name}\""));
                }
                _ => {}
            }
        }
    }
    Ok(findings)
}

/// The document that comes of a patch.
///
/// # Errors
/// The patch is no list of operations, or one of them does not apply.
pub fn apply(document: Tree, patch: &Tree) -> Result<Tree, Error> {
    run(Node::given(document), patch).map(Node::into_tree)
}

/// The document that comes of a patch which applies, as upstream's refusals quote it: objects that the patch went through
/// have their keys in order, all others the order in which Go declares the fields of the object's type. Without a type all
/// keys are in order.
pub fn shown(of: Option<(&Schema, TypeId)>, document: &Tree, patch: &Tree) -> String {
    let shape = of.map(|(schema, id)| (schema, Shape::Struct(id)));
    let of = shape.as_ref().map(|(schema, shape)| (*schema, shape));
    let mut out = Vec::new();
    if let Ok(patched) = run(Node::Closed(document.clone(), of), patch) {
        patched.write(&mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn run<'s>(mut document: Node<'s>, patch: &Tree) -> Result<Node<'s>, Error> {
    let decoding = |of: &Tree, into| {
        Error::Patch(format!(
            "json: cannot unmarshal {} into Go value of type {into}",
            of.type_name()
        ))
    };
    let operations = match patch {
        Tree::Null => return Ok(document),
        Tree::List(operations) => operations,
        other => return Err(decoding(other, "jsonpatch.Patch")),
    };
    if let Some(other) = operations.iter().find(|one| !matches!(one, Tree::Map(_) | Tree::Null)) {
        return Err(decoding(other, "jsonpatch.Operation"));
    }
    if operations.len() > MAX_OPERATIONS {
        return Err(Error::TooMany(operations.len()));
    }
    document.open();
    let mut working = Working {
        document,
        copied: 0,
        looked_at: 0,
    };
    for operation in operations {
        let none = Map::new();
        let operation = Operation(operation.as_map().unwrap_or(&none));
        working.run(&operation).map_err(Error::Operation)?;
    }
    Ok(working.document)
}

struct Operation<'p>(&'p Map);

impl<'p> Operation<'p> {
    fn kind(&self) -> &'p str {
        match self.0.get("op") {
            Some(Tree::Text(kind)) => kind,
            _ => "unknown",
        }
    }

    fn pointer(&self, field: &str, missing: &str) -> Result<Pointer<'p>, String> {
        match self.0.get(field) {
            None | Some(Tree::Null) => Err(format!("{missing}: missing value")),
            Some(Tree::Text(text)) => Ok(Pointer(text)),
            Some(other) => Err(format!(
                "json: cannot unmarshal {} into Go value of type string",
                other.type_name()
            )),
        }
    }

    fn path(&self) -> Result<Pointer<'p>, String> {
        self.pointer("path", "operation missing path field")
    }

    fn from(&self) -> Result<Pointer<'p>, String> {
        self.pointer("from", "operation, missing from field")
    }

    fn given<'s>(&self) -> Node<'s> {
        Node::given(self.value().clone())
    }

    fn value(&self) -> &'p Tree {
        static NULL: Tree = Tree::Null;
        self.0.get("value").unwrap_or(&NULL)
    }
}

struct Working<'s> {
    document: Node<'s>,
    copied: usize,
    /// How many parts of values were looked at to see how deep they are.
    looked_at: usize,
}

impl<'s> Working<'s> {
    fn run(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        match operation.kind() {
            "add" => self.add(operation),
            "remove" => self.remove(operation),
            "replace" => self.replace(operation),
            "move" => self.shift(operation),
            "test" => self.test(operation),
            "copy" => self.copy(operation),
            other => Err(format!("Unexpected kind: {other}")),
        }
    }

    /// Adds a value, if the document does not grow too deep by it. `stood` is how many steps led to it before, if it was in
    /// the document: no deeper than there, it need not be looked at.
    fn put(&mut self, path: Pointer<'_>, value: Node<'s>, stood: usize) -> Result<(), Broken> {
        let place = path.find(&mut self.document).ok_or(Broken::Missing)?;
        let steps = path.steps();
        if steps > stood {
            if self.looked_at > MAX_LOOKED_AT {
                return Err(Broken::Because("too much is moved to where it is deeper".to_owned()));
            }
            if steps + value.depth(&mut self.looked_at) > MAX_DEPTH {
                return Err(Broken::Because("exceeded max depth".to_owned()));
            }
        }
        place.add(value).map_err(Broken::Because)
    }

    fn add(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let path = operation
            .path()
            .map_err(|_| "add operation failed to decode path: missing value".to_owned())?;
        self.put(path, operation.given(), 0).map_err(|broken| match broken {
            Broken::Missing => {
                format!("add operation does not apply: doc is missing path: \"{path}\": missing value")
            }
            Broken::Because(why) => format!("error in add for path: '{path}': {why}"),
        })
    }

    fn remove(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let path = operation
            .path()
            .map_err(|_| "remove operation failed to decode path: missing value".to_owned())?;
        let place = path.find(&mut self.document).ok_or_else(|| {
            format!("remove operation does not apply: doc is missing path: \"{path}\": missing value")
        })?;
        place
            .remove()
            .map_err(|why| format!("error in remove for path: '{path}': {why}"))?;
        Ok(())
    }

    fn replace(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let path = operation
            .path()
            .map_err(|why| format!("replace operation failed to decode path: {why}"))?;
        if path.0.is_empty() {
            if !matches!(operation.value(), Tree::Map(_) | Tree::List(_)) {
                return Err("replace operation value must be object or array: %!w(<nil>)".to_owned());
            }
            self.document = operation.given();
            self.document.open();
            return Ok(());
        }
        let value = operation.given();
        let place = path
            .find(&mut self.document)
            .ok_or_else(|| format!("replace operation does not apply: doc is missing path: {path}: missing value"))?;
        if path.steps() + value.depth(&mut self.looked_at) > MAX_DEPTH {
            return Err(format!("error in remove for path: '{path}': exceeded max depth"));
        }
        place
            .set(value)
            .map_err(|_| format!("replace operation does not apply: doc is missing key: {path}: missing value"))
    }

    fn shift(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let from = operation
            .from()
            .map_err(|why| format!("move operation failed to decode from: {why}"))?;
        let place = from
            .find(&mut self.document)
            .ok_or_else(|| format!("move operation does not apply: doc is missing from path: {from}: missing value"))?;
        let value = place
            .remove()
            .map_err(|why| format!("error in move for path: '{}': {why}", from.last()))?;
        let path = operation
            .path()
            .map_err(|why| format!("move operation failed to decode path: {why}"))?;
        self.put(path, value, from.steps()).map_err(|broken| match broken {
            Broken::Missing => {
                format!("move operation does not apply: doc is missing destination path: {path}: missing value")
            }
            Broken::Because(why) => format!("error in move for path: '{path}': {why}"),
        })
    }

    fn test(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let path = operation
            .path()
            .map_err(|why| format!("test operation failed to decode path: {why}"))?;
        let found = if path.0.is_empty() {
            Some(&mut self.document)
        } else {
            let place = path
                .find(&mut self.document)
                .ok_or_else(|| format!("test operation does not apply: is missing path: {path}: missing value"))?;
            place
                .get()
                .map_err(|why| format!("error in test for path: '{path}': {why}"))?
        };
        let fits = match &found {
            Some(found) => found.is(operation.value()),
            None => operation.value().is_null(),
        };
        if !fits {
            return Err(format!("testing value {path} failed: test failed"));
        }
        if let Some(found) = found {
            found.open_all();
        }
        Ok(())
    }

    fn copy(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let from = operation
            .from()
            .map_err(|why| format!("copy operation failed to decode from: {why}"))?;
        let place = from
            .find(&mut self.document)
            .ok_or_else(|| format!("copy operation does not apply: doc is missing from path: {from}: missing value"))?;
        let value = place
            .get()
            .map_err(|why| format!("error in copy for from: '{from}': {why}"))?
            .map(|value| value.clone());
        let path = operation
            .path()
            .map_err(|_| "copy operation failed to decode path: missing value".to_owned())?;
        let missing =
            || format!("copy operation does not apply: doc is missing destination path: {path}: missing value");
        if path.find(&mut self.document).is_none() {
            return Err(missing());
        }
        let mut written = Vec::new();
        if let Some(value) = &value {
            value.write(&mut written);
        }
        self.copied += written.len();
        if self.copied > MAX_COPIED {
            return Err(format!(
                "Unable to complete the copy, the accumulated size increase of copy is {}, exceeding the limit {MAX_COPIED}",
                self.copied
            ));
        }
        self.put(path, value.unwrap_or(Node::given(Tree::Null)), from.steps())
            .map_err(|broken| match broken {
                Broken::Missing => missing(),
                Broken::Because(why) => format!("error while adding value during copy: {why}"),
            })
    }
}

#[cfg(test)]
mod tests;
