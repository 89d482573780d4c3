//! Types and their fields.

use std::collections::HashMap;
use std::sync::Arc;

use apiserver_api::tree::Tree;

/// All types that some API has.
#[derive(Debug, Default)]
pub struct Schema {
    pub(crate) types: Vec<Struct>,
    pub(crate) names: HashMap<Box<str>, TypeId>,
}

/// A struct of a [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(crate) u32);

impl Schema {
    /// The struct of an id.
    ///
    /// # Panics
    /// For an id of another schema.
    pub fn get(&self, id: TypeId) -> &Struct {
        &self.types[id.0 as usize]
    }

    /// The struct of a name as documents spell it: `io.k8s.api.core.v1.Pod`.
    pub fn named(&self, name: &str) -> Option<TypeId> {
        self.names.get(name).copied()
    }

    /// All structs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (TypeId, &Struct)> {
        self.types.iter().enumerate().map(|(at, one)| (TypeId(at as u32), one))
    }
}

/// An object with known fields.
#[derive(Debug)]
pub struct Struct {
    /// `io.k8s.api.core.v1.PodSpec`.
    pub name: Box<str>,
    /// `PodSpec`.
    pub go: Box<str>,
    /// By name in JSON; what Go embeds stands among them.
    pub fields: Vec<Field>,
    /// Where in `fields` they stand, in the order in which Go declares and writes them.
    pub(crate) declared: Vec<u16>,
    /// Whether it is an object with `apiVersion` and `kind`.
    pub typed: bool,
    /// Whether apply takes it as one value.
    pub atomic: bool,
    /// The structs that Go embeds, with their number in protobuf.
    pub embedded: Vec<(u16, TypeId)>,
    /// Before which of its own fields each of these is declared.
    pub(crate) embedded_at: Vec<usize>,
    /// Of which fields only one should be set.
    pub union: Option<Union>,
}

/// Fields of which only one should be set; documents tell it.
#[derive(Debug)]
pub struct Union {
    /// The field that says which one; empty where none does.
    pub discriminator: Box<str>,
    /// Their names, sorted.
    pub fields: Keys,
}

impl Schema {
    /// What Go calls a type, as its messages show it: `map[string]v1.PodSpec`.
    pub fn go_type(&self, shape: &Shape) -> String {
        match shape {
            Shape::Bool => "bool".to_owned(),
            Shape::Int32 => "int32".to_owned(),
            Shape::Int64 => "int64".to_owned(),
            Shape::Float => "float64".to_owned(),
            Shape::Text => "string".to_owned(),
            Shape::Bytes => "[]uint8".to_owned(),
            Shape::Quantity => "resource.Quantity".to_owned(),
            Shape::IntOrString => "intstr.IntOrString".to_owned(),
            Shape::Time => "v1.Time".to_owned(),
            Shape::MicroTime => "v1.MicroTime".to_owned(),
            Shape::Duration => "v1.Duration".to_owned(),
            Shape::Raw => "runtime.RawExtension".to_owned(),
            Shape::Json => "v1.JSON".to_owned(),
            Shape::FieldsV1 => "v1.FieldsV1".to_owned(),
            Shape::PropsOrArray => "v1.JSONSchemaPropsOrArray".to_owned(),
            Shape::PropsOrBool => "v1.JSONSchemaPropsOrBool".to_owned(),
            Shape::PropsOrStringArray => "v1.JSONSchemaPropsOrStringArray".to_owned(),
            Shape::Struct(id) => self.get(*id).go_type(),
            Shape::List(item, _) => format!("[]{}", self.go_type(item)),
            Shape::Map(value, _) => format!("map[string]{}", self.go_type(value)),
        }
    }
}

impl Struct {
    /// What Go calls it: `v1.PodSpec`, by the last part of its package.
    pub fn go_type(&self) -> String {
        let package = self.name.rsplit('.').nth(1).unwrap_or_default();
        format!("{package}.{}", self.go)
    }

    /// The fields in the order in which Go declares and writes them; those of an embedded struct stand where it does.
    pub fn declared(&self) -> impl Iterator<Item = &Field> {
        self.declared.iter().map(|at| &self.fields[usize::from(*at)])
    }

    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let at = self.fields.binary_search_by(|field| (*field.name).cmp(name)).ok()?;
        Some(&self.fields[at])
    }
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// In JSON.
    pub name: Box<str>,
    /// In protobuf; 0 where it has none.
    pub number: u16,
    /// What it holds.
    pub shape: Shape,
    /// The name of the type in Go where it is not that of the shape: `v1.Protocol`. Messages show it.
    pub go: Option<Box<str>>,
    /// The same of a list's items or a map's values.
    pub item_go: Option<Box<str>>,
    /// Whether Go tells absent from zero.
    pub pointer: bool,
    /// When it is left out.
    pub omit: Omit,
    /// Whether documents say that it must be there.
    pub required: bool,
    /// What it is where nothing was said, by upstream's marker; the defaults of a kind are its own.
    pub default: Option<Tree>,
    /// How a strategic merge patch treats it.
    pub patch: Patch,
    /// Whether documents say if it is taken as one value, or how its items are told apart. Of a struct that is one value
    /// elsewhere, apply tells the fields apart here.
    pub told: bool,
    /// The values that it, its items or its map's values may have, where Go has a name for each.
    pub values: Option<Arc<Values>>,
    /// The struct that Go embeds and that the field came with: `VolumeSource`. Messages show it in paths.
    pub embedded: Option<TypeId>,
}

impl Field {
    /// Whether Go leaves the field out where it has this value.
    pub fn omits(&self, value: &Tree) -> bool {
        match self.omit {
            Omit::Never => false,
            Omit::Zero => value.is_zero(),
            Omit::Empty if self.pointer => value.is_null(),
            Omit::Empty => self.empties() && value.is_zero(),
        }
    }

    /// Whether Go tells none of it from one with nothing in it: lists, maps and bytes.
    pub(crate) const fn nils(&self) -> bool {
        matches!(self.shape, Shape::Bytes | Shape::List(..) | Shape::Map(..))
    }

    /// Whether `omitempty` can leave out such a value that is no pointer: it never finds a struct empty, and what brings
    /// its own encoder is a struct to it.
    pub(crate) const fn empties(&self) -> bool {
        matches!(
            self.shape,
            Shape::Bool | Shape::Int32 | Shape::Int64 | Shape::Float | Shape::Text
        ) || self.nils()
    }
}

/// The values of a string for each of which Go has a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Values {
    /// The name of their type, as documents would call it: `io.k8s.api.core.v1.Protocol`.
    pub name: Box<str>,
    /// In the order of documents.
    pub all: Box<[Box<str>]>,
}

/// When Go leaves a field out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omit {
    /// Never: absent is written as zero, or `null` for pointers, lists and maps.
    Never,
    /// Where it is empty; a struct that is no pointer is never empty.
    Empty,
    /// Where all of it is zero.
    Zero,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A truth.
    Bool,
    /// 32 bits, signed.
    Int32,
    /// 64 bits, signed.
    Int64,
    /// A double.
    Float,
    /// A string.
    Text,
    /// Bytes in base64.
    Bytes,
    /// A quantity.
    Quantity,
    /// A whole number or a string.
    IntOrString,
    /// A moment in seconds.
    Time,
    /// A moment in microseconds.
    MicroTime,
    /// A span as Go writes it: `1h30m`.
    Duration,
    /// Any object, kept as it is.
    Raw,
    /// Any value, kept as it is.
    Json,
    /// The set of fields that a manager owns.
    FieldsV1,
    /// A schema or a list of them.
    PropsOrArray,
    /// A schema or a truth.
    PropsOrBool,
    /// A schema or a list of strings.
    PropsOrStringArray,
    /// An object with known fields.
    Struct(TypeId),
    /// A list.
    List(Box<Self>, Lists),
    /// An object with any keys; apply takes it as one value where the flag is set.
    Map(Box<Self>, bool),
}

/// How apply tells the items of a list apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lists {
    /// Not at all: it is one value.
    Atomic,
    /// By their value.
    Set,
    /// By these fields.
    Map(Keys),
}

/// The names of fields that together are a key.
pub type Keys = Box<[Box<str>]>;

/// How a strategic merge patch treats a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Lists are merged rather than replaced.
    pub merge: bool,
    /// The field that items are merged by.
    pub key: Option<Box<str>>,
    /// Fields that the patch does not name are cleared (`$retainKeys`).
    pub retain_keys: bool,
    /// Maps are replaced rather than merged.
    pub replace: bool,
}
