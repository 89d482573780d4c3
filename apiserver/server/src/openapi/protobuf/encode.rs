//! Trees as protobuf by a table of messages.

use apiserver_api::tree::Tree;
use apiserver_api::yaml::to_yaml;

/// What becomes of an object.
pub(super) struct Message {
    /// Its known fields: name, number and form, by number.
    pub(super) fields: &'static [(&'static str, u32, Form)],
    /// The number of the list to which fields go whose names begin with `x-`; 0 where they are as any others.
    pub(super) extensions: u32,
    /// The number of the list to which all other fields go with their names, and the form of their values.
    pub(super) others: Option<(u32, Form)>,
}

/// What becomes of a value.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// A string.
    Text,
    /// A truth.
    Flag,
    /// Any value, as YAML.
    Any,
    /// An object.
    One(&'static Message),
    /// Each item of a list.
    Each(&'static Self),
    /// A message whose field of this number is the value.
    Within(u32, &'static Self),
    /// An object that is one of several messages: the numbers of the messages around it, outermost first, and itself.
    Either(fn(&Tree) -> (&'static [u32], &'static Message)),
    /// A scalar that is a number (1), a truth (2) or a string (3); empty for what is none.
    Scalar,
}

/// An object as a message.
pub(super) fn message(message: &Message, tree: &Tree) -> Vec<u8> {
    let mut out = Vec::new();
    write(message, tree, &mut out);
    out
}

fn write(message: &Message, tree: &Tree, out: &mut Vec<u8>) {
    for (name, number, form) in message.fields {
        if let Some(value) = tree.get(name) {
            field(*number, *form, value, out);
        }
    }
    let Some(map) = tree.as_map() else { return };
    for (name, value) in map.iter() {
        if message.fields.iter().any(|(known, ..)| *known == name) {
            continue;
        }
        if message.extensions != 0 && name.starts_with("x-") {
            named(message.extensions, name, Form::Any, value, out);
        } else if let Some((number, form)) = message.others {
            named(number, name, form, value, out);
        }
    }
}

/// A name (1) and a value (2).
fn named(number: u32, name: &str, form: Form, value: &Tree, out: &mut Vec<u8>) {
    within(number, out, |out| {
        bytes(1, name.as_bytes(), out);
        field(2, form, value, out);
    });
}

fn field(number: u32, form: Form, value: &Tree, out: &mut Vec<u8>) {
    match form {
        Form::Text => {
            let text = value.as_str().unwrap_or_default();
            if !text.is_empty() {
                bytes(number, text.as_bytes(), out);
            }
        }
        Form::Flag => {
            if value.as_bool() == Some(true) {
                key(number, VARINT, out);
                out.push(1);
            }
        }
        Form::Any => within(number, out, |out| bytes(2, to_yaml(value).as_bytes(), out)),
        Form::One(message) => within(number, out, |out| write(message, value, out)),
        Form::Each(form) => {
            for item in value.as_list().unwrap_or_default() {
                field(number, *form, item, out);
            }
        }
        Form::Within(inner, form) => within(number, out, |out| field(inner, *form, value, out)),
        Form::Either(choose) => {
            let (around, message) = choose(value);
            let mut inside = Vec::new();
            write(message, value, &mut inside);
            for number in around.iter().rev() {
                let mut outside = Vec::with_capacity(inside.len() + 8);
                bytes(*number, &inside, &mut outside);
                inside = outside;
            }
            bytes(number, &inside, out);
        }
        Form::Scalar => within(number, out, |out| scalar(value, out)),
    }
}

fn scalar(value: &Tree, out: &mut Vec<u8>) {
    match value {
        // Defaults are small.
        Tree::Int(number) => double(f64::from(i32::try_from(*number).unwrap_or_default()), out),
        Tree::Number(number) => double(number.as_f64(), out),
        Tree::Bool(flag) => {
            key(2, VARINT, out);
            out.push(u8::from(*flag));
        }
        Tree::Text(text) => bytes(3, text.as_bytes(), out),
        Tree::Null | Tree::List(_) | Tree::Map(_) => {}
    }
}

fn double(value: f64, out: &mut Vec<u8>) {
    key(1, FIXED_64, out);
    out.extend_from_slice(&value.to_le_bytes());
}

/// The wire types.
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const LENGTH: u32 = 2;

fn within(number: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inside = Vec::new();
    write(&mut inside);
    bytes(number, &inside, out);
}

fn bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    key(number, LENGTH, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

fn key(number: u32, wire: u32, out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | wire), out);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
