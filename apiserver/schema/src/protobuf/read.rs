//! A message as a tree.

use apiserver_api::tree::{MAX_DEPTH, SyntaxError, Text, Tree};

use super::Error;
use super::leaf;
use super::plan::{What, planned};
use super::wire::{FIXED_64, LENGTH, Reader, VARINT, each, expect, wrong};
use crate::model::{Field, Shape, TypeId};
use crate::table::built_in;

/// What was found of a field. Messages are not read before all of the one around them is there.
enum Slot<'b> {
    Empty,
    /// The last value of several.
    Value(Tree),
    /// The items of a list.
    Items(Vec<Tree>),
    /// Messages: pieces of one that are read as if they were joined, or items, or entries.
    Messages(Vec<&'b [u8]>),
}

/// Reads the message of an object of a built-in type. Zeroes that were sent are there; [`crate::Schema::read`] gives the
/// tree its normal form, and finds what no field may hold.
///
/// # Errors
/// What upstream's decoder says, or that objects stand in each other deeper than documents may.
pub fn decode(id: TypeId, bytes: &[u8]) -> Result<Tree, Error> {
    message(id, &[bytes], 0)
}

/// Reads a message that came in pieces; its object stands in others that are so deep. Messages stand in each other by way
/// of this function and few others, which keep little on the stack.
pub(super) fn message(id: TypeId, pieces: &[&[u8]], depth: usize) -> Result<Tree, Error> {
    let mut entries = Vec::new();
    for (what, slot) in scan(id, pieces, depth)? {
        slot.join(what, depth, &mut entries)?;
    }
    Ok(Tree::Map(entries.into_iter().collect()))
}

/// What the fields of a message are, as far as they are there.
fn scan<'b>(id: TypeId, pieces: &[&'b [u8]], depth: usize) -> Result<Vec<(&'static What, Slot<'b>)>, Error> {
    if depth >= MAX_DEPTH {
        return Err(SyntaxError::Depth.into());
    }
    let plan = planned(id);
    let mut slots: Vec<Slot<'_>> = std::iter::repeat_with(|| Slot::Empty).take(plan.len()).collect();
    each(&built_in().get(id).go, pieces, |number, wire, reader| {
        match plan.binary_search_by_key(&number, |one| one.number) {
            Ok(at) => slots[at].take(&plan[at].what, wire, reader),
            Err(_) => reader.skip(wire),
        }
    })?;
    let found = plan.iter().map(|one| &one.what).zip(slots);
    Ok(found.filter(|(_, slot)| !matches!(slot, Slot::Empty)).collect())
}

impl<'b> Slot<'b> {
    /// Takes what was met of a field.
    fn take(&mut self, what: &What, wire: u8, reader: &mut Reader<'b>) -> Result<(), Error> {
        match what {
            What::Own(field) => match &field.shape {
                Shape::List(item, _) if !is_message(item) => self.items(item, field, wire, reader),
                Shape::List(..) | Shape::Map(..) => self.message(|| name(field), wire, reader),
                shape if is_message(shape) => self.message(|| name(field), wire, reader),
                shape => {
                    *self = Self::Value(scalar(shape, wire, reader)?.ok_or_else(|| wrong(wire, &name(field)))?);
                    Ok(())
                }
            },
            What::Named(field) => self.message(|| name(field), wire, reader),
            What::Embedded(id) => self.message(|| built_in().get(*id).go.to_string(), wire, reader),
        }
    }

    fn message(&mut self, name: impl FnOnce() -> String, wire: u8, reader: &mut Reader<'b>) -> Result<(), Error> {
        if wire != LENGTH {
            return Err(wrong(wire, &name()));
        }
        let message = reader.chunk()?;
        match self {
            Self::Messages(messages) => messages.push(message),
            other => *other = Self::Messages(vec![message]),
        }
        Ok(())
    }

    /// Takes an item that is no message, or several numbers that are packed into one field.
    fn items(&mut self, item: &Shape, field: &Field, wire: u8, reader: &mut Reader<'_>) -> Result<(), Error> {
        if !matches!(self, Self::Items(_)) {
            *self = Self::Items(Vec::new());
        }
        let Self::Items(items) = self else { return Ok(()) };
        if let Some(found) = scalar(item, wire, reader)? {
            items.push(found);
            return Ok(());
        }
        let inside = if *item == Shape::Float { FIXED_64 } else { VARINT };
        if wire != LENGTH {
            return Err(wrong(wire, &name(field)));
        }
        let mut packed = Reader::new(reader.chunk()?);
        while !packed.is_empty() {
            items.extend(scalar(item, inside, &mut packed)?);
        }
        Ok(())
    }

    /// Puts what it is among the fields of an object of this depth.
    fn join(self, what: &What, depth: usize, fields: &mut Vec<(Text, Tree)>) -> Result<(), Error> {
        let field = match (what, &self) {
            (What::Own(field) | What::Named(field), _) => field,
            (What::Embedded(id), Self::Messages(pieces)) => {
                // What is embedded stands among the struct's own fields.
                if let Tree::Map(embedded) = message(*id, pieces, depth)? {
                    fields.extend(embedded);
                }
                return Ok(());
            }
            (What::Embedded(_), _) => return Ok(()),
        };
        let found = match self {
            Self::Empty => return Ok(()),
            Self::Value(value) => value,
            Self::Items(items) => Tree::List(items),
            Self::Messages(messages) => match &field.shape {
                Shape::List(item, _) if matches!(what, What::Own(_)) => list(item, &messages, depth + 2)?,
                Shape::Map(inner, _) => map(inner, &messages, depth + 2)?,
                shape => value(shape, &messages, depth + 1)?,
            },
        };
        fields.push((Text::from(&*field.name), found));
        Ok(())
    }
}

fn list(item: &Shape, messages: &[&[u8]], depth: usize) -> Result<Tree, Error> {
    let mut items = Vec::with_capacity(messages.len());
    for bytes in messages {
        items.push(value(item, &[bytes], depth)?);
    }
    Ok(Tree::List(items))
}

fn map(inner: &Shape, messages: &[&[u8]], depth: usize) -> Result<Tree, Error> {
    let mut entries = Vec::with_capacity(messages.len());
    for bytes in messages {
        let (key, found, message) = entry(inner, bytes)?;
        let found = match (found, inner) {
            (Some(found), _) => found,
            (None, Shape::Text | Shape::Bytes) => Tree::from(""),
            (None, Shape::Bool) => Tree::Bool(false),
            (None, Shape::Int32 | Shape::Int64 | Shape::Float) => Tree::Int(0),
            (None, _) => value(inner, message.as_slice(), depth)?,
        };
        entries.push((key, found));
    }
    Ok(Tree::Map(entries.into_iter().collect()))
}

/// An entry of a map: its key, and its value or the message of it.
type Entry<'b> = (Text, Option<Tree>, Option<&'b [u8]>);

fn entry<'b>(inner: &Shape, bytes: &'b [u8]) -> Result<Entry<'b>, Error> {
    let (mut key, mut found, mut message) = (Text::default(), None, None);
    each("MapEntry", &[bytes], |number, wire, reader| {
        match number {
            1 => key = leaf::text(expect(wire, LENGTH, "key", reader, Reader::chunk)?),
            2 if is_message(inner) => message = Some(expect(wire, LENGTH, "value", reader, Reader::chunk)?),
            2 => match scalar(inner, wire, reader)? {
                None => return Err(wrong(wire, "value")),
                some => found = some,
            },
            _ => reader.skip(wire)?,
        }
        Ok(())
    })?;
    Ok((key, found, message))
}

/// Whether a value is a message on the wire.
const fn is_message(shape: &Shape) -> bool {
    !matches!(
        shape,
        Shape::Bool | Shape::Int32 | Shape::Int64 | Shape::Float | Shape::Text | Shape::Bytes
    )
}

/// Reads a value that is no message, where it has the wire type of its shape.
fn scalar(shape: &Shape, wire: u8, reader: &mut Reader<'_>) -> Result<Option<Tree>, Error> {
    Ok(Some(match (shape, wire) {
        (Shape::Bool, VARINT) => Tree::Bool(reader.varint()? != 0),
        // Go takes the lower 32 bits.
        (Shape::Int32, VARINT) => Tree::from(reader.varint()? as i32),
        (Shape::Int64, VARINT) => Tree::Int(reader.varint()? as i64),
        (Shape::Float, FIXED_64) => leaf::of_double(reader.fixed_64()?)?,
        (Shape::Text, LENGTH) => Tree::Text(leaf::text(reader.chunk()?)),
        (Shape::Bytes, LENGTH) => leaf::of_bytes(reader.chunk()?),
        _ => return Ok(None),
    }))
}

/// Reads a value that is a message, of this depth.
fn value(shape: &Shape, pieces: &[&[u8]], depth: usize) -> Result<Tree, Error> {
    match shape {
        Shape::Struct(id) => message(*id, pieces, depth),
        Shape::List(item, _) => named(item, pieces),
        special => leaf::read(special, pieces, depth),
    }
}

/// Reads a list with a name.
fn named(item: &Shape, pieces: &[&[u8]]) -> Result<Tree, Error> {
    let mut items = Vec::new();
    each("Items", pieces, |number, wire, reader| match number {
        1 => {
            items.push(scalar(item, wire, reader)?.ok_or_else(|| wrong(wire, "Items"))?);
            Ok(())
        }
        _ => reader.skip(wire),
    })?;
    // Go cannot tell no items from no list.
    Ok(if items.is_empty() {
        Tree::Null
    } else {
        Tree::List(items)
    })
}

/// What Go calls a field, as far as its name in JSON tells: few have another name in Go.
fn name(field: &Field) -> String {
    /// What Go writes in capitals where a name begins with it.
    const CAPITALS: &[&str] = &[
        "api", "aws", "ca", "cel", "chap", "cidr", "csi", "dns", "fc", "fs", "gce", "gid", "gmsa", "grpc", "http",
        "id", "ip", "iqn", "iscsi", "json", "nfs", "os", "pd", "pkix", "qos", "rbd", "ssl", "tcp", "tls", "ttl", "tty",
        "uid", "url", "wwid",
    ];
    if &*field.name == "metadata"
        && let Shape::Struct(id) = field.shape
    {
        return built_in().get(id).go.to_string();
    }
    if let Some(words) = field.name.strip_prefix("x-kubernetes-") {
        return words
            .split('-')
            .fold("X".to_owned(), |name, word| name + &capital(word));
    }
    let whole = field.name.trim_start_matches('$');
    let end = whole.find(|letter: char| !letter.is_ascii_lowercase());
    let (first, rest) = whole.split_at(end.unwrap_or(whole.len()));
    let (one, plural) = first.strip_suffix('s').map_or((first, ""), |one| (one, "s"));
    if CAPITALS.contains(&first) || first == "se" {
        first.to_ascii_uppercase() + rest
    } else if CAPITALS.contains(&one) {
        one.to_ascii_uppercase() + plural + rest
    } else {
        capital(whole)
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::name;
    use crate::table::built_in;

    #[test]
    fn fields_are_called_as_go_calls_them() {
        for (holder, json, go) in [
            ("api.core.v1.PodSpec", "dnsPolicy", "DNSPolicy"),
            ("api.core.v1.PodSpec", "nodeName", "NodeName"),
            ("api.core.v1.PodStatus", "podIPs", "PodIPs"),
            ("api.core.v1.PodSecurityContext", "seLinuxOptions", "SELinuxOptions"),
            ("api.core.v1.Pod", "metadata", "ObjectMeta"),
            ("apimachinery.pkg.apis.meta.v1.OwnerReference", "uid", "UID"),
            (
                "apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
                "x-kubernetes-list-map-keys",
                "XListMapKeys",
            ),
            (
                "apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
                "$ref",
                "Ref",
            ),
            (
                "apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
                "id",
                "ID",
            ),
        ] {
            let id = built_in().named(&format!("io.k8s.{holder}")).unwrap();
            assert_eq!(name(built_in().get(id).field(json).unwrap()), go);
        }
        // Every field has some name.
        for (_, one) in built_in().iter() {
            assert!(one.fields.iter().all(|field| !name(field).is_empty()), "{}", one.name);
        }
    }
}
