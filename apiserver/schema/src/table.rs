//! The table of built-in types, read.
//!
//! A file begins with `# ` and the prefix of its names in documents; its own name is how other files call it. A line at
//! the margin begins a struct: its name, `atomic` if apply takes it as one value, and `union=by:a,b` if only one of the
//! fields a and b should be set, as the field `by` says (or none does). Below stand its fields, two spaces in and in Go's
//! order: the number in protobuf (`-` for none), the name, the type, and words. `= Name [..]` at the margin names the values
//! of a string that has a constant for each, as JSON.
//!
//! After the name stands `!` if Go never leaves the field out, `~` if it does where all of it is zero. Types are `string`,
//! `bool`, `int32`, `int64`, `float64`, `bytes`, `Time` and its like, a struct's name, `[]` of a type, `{}` of a type (a
//! map), `*` before what may be nil; `v1.Protocol=string` is a string that Go calls `v1.Protocol`. `- TypeMeta` says that
//! the struct is an object, `<Name>` that Go embeds that struct.
//!
//! Words: `required`; `keys=a,b`, `set`, `atomic` (lists; atomic too if nothing is said, which documents then do not say),
//! `atomic` (maps) and `granular` (maps and structs) for apply; `merge`, `merge=key`, `mergekey=key`,
//! `replace`, `retainKeys` for strategic merge patches; `one=Name` for values that have names; `default=` and JSON.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use apiserver_api::tree;
use thiserror::Error;

use crate::model::{Field, Lists, Omit, Patch, Schema, Shape, Struct, TypeId, Values};

/// What is wrong in a table.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{file}, line {line}: {what}")]
pub struct TableError {
    /// The file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// In words.
    pub what: String,
}

mod say;

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The types of Kubernetes itself.
pub fn built_in() -> &'static Schema {
    static BUILT_IN: LazyLock<Schema> = LazyLock::new(|| match read(FILES) {
        Ok(schema) => schema,
        Err(error) => unreachable!("a test reads the table that ships: {error}"),
    });
    &BUILT_IN
}

const NO_PREFIX: &str = "the file says no prefix";

/// A struct's line and those of its fields, with their numbers.
struct Block<'t> {
    file: &'t str,
    line: usize,
    name: &'t str,
    words: Vec<&'t str>,
    fields: Vec<(usize, &'t str)>,
}

struct Reader<'t> {
    /// Prefixes of names, by file.
    prefixes: HashMap<&'t str, &'t str>,
    ids: HashMap<(&'t str, &'t str), TypeId>,
    values: HashMap<(&'t str, &'t str), Arc<Values>>,
    blocks: Vec<Block<'t>>,
}

/// Reads files, each with its name.
pub(crate) fn read(files: &[(&str, &str)]) -> Result<Schema, TableError> {
    let mut reader = Reader {
        prefixes: HashMap::new(),
        ids: HashMap::new(),
        values: HashMap::new(),
        blocks: Vec::new(),
    };
    for (file, text) in files {
        reader.split(file, text)?;
    }
    let mut schema = Schema::default();
    for block in &reader.blocks {
        let one = reader.one(block)?;
        schema.names.insert(one.name.clone(), TypeId(schema.types.len() as u32));
        schema.types.push(one);
    }
    for at in 0..schema.types.len() {
        embed(&mut schema, at);
    }
    Ok(schema)
}

/// Puts the fields of embedded structs among a struct's own, sorts them by name, and notes in which order they were declared.
/// What has no field yet to sort was done before.
fn embed(schema: &mut Schema, at: usize) {
    let one = &mut schema.types[at];
    if !one.declared.is_empty() {
        return;
    }
    let own = std::mem::take(&mut one.fields);
    let embedded: Vec<(usize, TypeId)> = one
        .embedded_at
        .iter()
        .copied()
        .zip(one.embedded.iter().map(|one| one.1))
        .collect();
    let mut fields: Vec<Field> = Vec::with_capacity(own.len());
    let mut next = embedded.into_iter().peekable();
    for place in 0..=own.len() {
        while let Some((_, id)) = next.next_if(|(before, _)| *before == place) {
            embed(schema, id.0 as usize);
            for field in schema.get(id).declared() {
                if own.iter().chain(&fields).all(|own| own.name != field.name) {
                    fields.push(Field {
                        embedded: Some(id),
                        ..field.clone()
                    });
                }
            }
        }
        fields.extend(own.get(place).cloned());
    }
    let mut sorted: Vec<(u16, Field)> = (0..).zip(fields).collect();
    sorted.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    let mut declared = vec![0; sorted.len()];
    for (at, (place, _)) in (0..).zip(&sorted) {
        declared[usize::from(*place)] = at;
    }
    let one = &mut schema.types[at];
    one.fields = sorted.into_iter().map(|(_, field)| field).collect();
    one.declared = declared;
}

impl<'t> Reader<'t> {
    fn split(&mut self, file: &'t str, text: &'t str) -> Result<(), TableError> {
        for (at, line) in text.lines().enumerate() {
            let wrong = |what: &str| TableError {
                file: file.to_owned(),
                line: at + 1,
                what: what.to_owned(),
            };
            if let Some(prefix) = line.strip_prefix("# ") {
                self.prefixes.insert(file, prefix);
            } else if let Some(values) = line.strip_prefix("= ") {
                let (name, values) = values.split_once(' ').ok_or_else(|| wrong("values without a name"))?;
                let prefix = self.prefixes.get(file).ok_or_else(|| wrong(NO_PREFIX))?;
                let parsed = tree::parse(values.as_bytes()).map_err(|error| wrong(&error.to_string()))?;
                let all = parsed.tree.as_list().unwrap_or_default().iter();
                let values = Values {
                    name: format!("{prefix}.{name}").into(),
                    all: all.filter_map(|value| value.as_str().map(Into::into)).collect(),
                };
                self.values.insert((file, name), Arc::new(values));
            } else if let Some(field) = line.strip_prefix("  ") {
                let block = self.blocks.last_mut().filter(|block| block.file == file);
                block
                    .ok_or_else(|| wrong("a field before any struct"))?
                    .fields
                    .push((at + 1, field));
            } else {
                let mut words = line.split(' ');
                let name = words.next().unwrap_or_default();
                self.ids.insert((file, name), TypeId(self.blocks.len() as u32));
                self.blocks.push(Block {
                    file,
                    line: at + 1,
                    name,
                    words: words.collect(),
                    fields: Vec::new(),
                });
            }
        }
        Ok(())
    }

    fn one(&self, block: &Block<'t>) -> Result<Struct, TableError> {
        let wrong = |line: usize, what: String| TableError {
            file: block.file.to_owned(),
            line,
            what,
        };
        let prefix = self.prefixes.get(block.file);
        let prefix = prefix.ok_or_else(|| wrong(block.line, NO_PREFIX.to_owned()))?;
        let mut one = Struct {
            name: format!("{prefix}.{}", block.name).into(),
            go: block.name.into(),
            fields: Vec::new(),
            declared: Vec::new(),
            typed: false,
            atomic: false,
            embedded: Vec::new(),
            union: None,
            embedded_at: Vec::new(),
        };
        for word in &block.words {
            one.say(word).map_err(|what| wrong(block.line, what))?;
        }
        for (line, text) in &block.fields {
            self.field(block.file, text, &mut one)
                .map_err(|what| wrong(*line, what))?;
        }
        Ok(one)
    }

    fn field(&self, file: &str, text: &str, one: &mut Struct) -> Result<(), String> {
        let mut words = text.split(' ');
        let number = words.next().unwrap_or_default();
        let number = match number {
            "-" => 0,
            digits => digits.parse().map_err(|_| format!("{digits:?} is no number"))?,
        };
        let name = words.next().ok_or("a field has a name")?;
        if name == "TypeMeta" {
            one.typed = true;
            return Ok(());
        }
        if let Some(embedded) = name.strip_prefix('<').and_then(|name| name.strip_suffix('>')) {
            one.embedded.push((number, self.id(file, embedded)?));
            one.embedded_at.push(one.fields.len());
            return Ok(());
        }
        let (name, omit) = match name.strip_suffix(['!', '~']) {
            Some(bare) if name.ends_with('!') => (bare, Omit::Never),
            Some(bare) => (bare, Omit::Zero),
            None => (name, Omit::Empty),
        };
        let spelled = words.next().ok_or("a field has a type")?;
        let (spelled, pointer) = match spelled.strip_prefix('*') {
            Some(spelled) => (spelled, true),
            None => (spelled, false),
        };
        let (go, item_go, spelled) = match spelled.split_once('=') {
            Some((go, spelled)) if !go.starts_with(['[', '{']) => (Some(go.into()), None, spelled),
            Some((go, _)) => (
                Some(go.replace("{}", "map[string]").into()),
                Some(go[2..].into()),
                spelled,
            ),
            None => (None, None, spelled),
        };
        let mut field = Field {
            name: name.into(),
            number,
            shape: self.shape(file, spelled)?,
            go,
            item_go,
            pointer,
            omit,
            required: false,
            default: None,
            patch: Patch::default(),
            told: false,
            values: None,
            embedded: None,
        };
        // A default is JSON and the last word; it may have spaces.
        let rest: Vec<&str> = words.collect();
        let rest = rest.join(" ");
        let (rest, default) = match rest.split_once("default=") {
            Some((rest, default)) => (rest, Some(default)),
            None => (rest.as_str(), None),
        };
        if let Some(default) = default {
            let parsed = tree::parse(default.as_bytes()).map_err(|error| format!("{default}: {error}"))?;
            field.default = Some(parsed.tree);
        }
        for word in rest.split_whitespace() {
            match word.strip_prefix("one=") {
                Some(name) => field.values = Some(self.values(file, name)?),
                None => field.say(word)?,
            }
        }
        one.fields.push(field);
        Ok(())
    }

    fn values(&self, file: &str, name: &str) -> Result<Arc<Values>, String> {
        let (file, name) = name.rsplit_once('.').unwrap_or((file, name));
        let values = self.values.get(&(file, name));
        values
            .cloned()
            .ok_or_else(|| format!("there are no values {name} in {file}"))
    }

    fn id(&self, file: &str, name: &str) -> Result<TypeId, String> {
        let (file, name) = name.rsplit_once('.').unwrap_or((file, name));
        let id = self.ids.get(&(file, name)).copied();
        id.ok_or_else(|| format!("there is no struct {name} in {file}"))
    }

    fn shape(&self, file: &str, spelled: &str) -> Result<Shape, String> {
        // What is a pointer or has a name of its own inside of a list is told apart by nobody.
        let spelled = spelled.strip_prefix('*').unwrap_or(spelled);
        if let Some(item) = spelled.strip_prefix("[]") {
            return Ok(Shape::List(Box::new(self.shape(file, item)?), Lists::Atomic));
        }
        if let Some(value) = spelled.strip_prefix("{}") {
            return Ok(Shape::Map(Box::new(self.shape(file, value)?), false));
        }
        if let Some((_, spelled)) = spelled.split_once('=') {
            return self.shape(file, spelled);
        }
        Ok(match spelled {
            "bool" => Shape::Bool,
            "int32" => Shape::Int32,
            "int64" => Shape::Int64,
            "float64" => Shape::Float,
            "string" => Shape::Text,
            "bytes" => Shape::Bytes,
            "Quantity" => Shape::Quantity,
            "IntOrString" => Shape::IntOrString,
            "Time" => Shape::Time,
            "MicroTime" => Shape::MicroTime,
            "Duration" => Shape::Duration,
            "RawExtension" => Shape::Raw,
            "JSON" => Shape::Json,
            "FieldsV1" => Shape::FieldsV1,
            "PropsOrArray" => Shape::PropsOrArray,
            "PropsOrBool" => Shape::PropsOrBool,
            "PropsOrStringArray" => Shape::PropsOrStringArray,
            name => Shape::Struct(self.id(file, name)?),
        })
    }
}

#[cfg(test)]
mod tests;
