//! Values with messages of their own: quantities, times, and what is kept as it is.

use apiserver_api::time::{Duration, Time};
use apiserver_api::tree::{self, MAX_DEPTH, Number, Text, Tree};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::plan::props;
use super::wire::{LENGTH, Reader, VARINT, each, expect, nested, number};
use super::{Error, read, wire, write};
use crate::model::Shape;

/// The seconds that documents can tell: those of years of four digits.
const SECONDS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;
/// Seconds of nanoseconds.
const SECOND: i128 = 1_000_000_000;

/// The double that a tree is.
#[expect(clippy::cast_precision_loss, reason = "Go takes the nearest one, too")]
pub(super) fn double(tree: &Tree) -> f64 {
    match tree {
        Tree::Int(value) => *value as f64,
        Tree::Number(value) => value.as_f64(),
        _ => 0.0,
    }
}

/// A double as a tree; whole numbers as documents have them once they were written.
pub(super) fn of_double(bits: u64) -> Result<Tree, Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = f64::from_bits(bits);
    if value.is_nan() {
        return Err(Error::Float("NaN"));
    }
    if value.is_infinite() {
        return Err(Error::Float(if value > 0.0 { "+Inf" } else { "-Inf" }));
    }
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Ok(Tree::Int(value as i64));
    }
    Ok(Tree::Number(Number::from(value)))
}

/// The bytes that a tree tells in base64.
pub(super) fn bytes(tree: &Tree) -> Option<Vec<u8>> {
    STANDARD.decode(tree.as_str()?).ok()
}

pub(super) fn of_bytes(bytes: &[u8]) -> Tree {
    Tree::from(STANDARD.encode(bytes))
}

/// A string; what is not UTF-8 becomes U+FFFD, byte by byte, as Go writes it in documents.
pub(super) fn text(bytes: &[u8]) -> Text {
    let mut text = Text::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
    }
    text
}

/// What stands in the message of a value.
pub(super) fn write(shape: &Shape, tree: &Tree, out: &mut Vec<u8>) {
    match shape {
        Shape::Quantity => {
            let literal = match tree {
                Tree::Int(value) => &value.to_string(),
                Tree::Number(value) => value.literal(),
                other => other.as_str().unwrap_or("0"),
            };
            wire::bytes(1, literal.as_bytes(), out);
        }
        Shape::IntOrString => {
            number(1, tree.as_str().is_some().into(), out);
            number(2, tree.as_int().unwrap_or_default(), out);
            wire::bytes(3, tree.as_str().unwrap_or_default().as_bytes(), out);
        }
        Shape::Time => moment(tree.as_str().and_then(|text| Time::parse(text).ok()), |_| 0, out),
        Shape::MicroTime => {
            let time = tree.as_str().and_then(|text| Time::parse_micro(text).ok());
            moment(time, |nanos| nanos / 1000 * 1000, out);
        }
        Shape::Duration => {
            let span = tree.as_str().and_then(|text| Duration::parse(text).ok());
            number(1, span.map_or(0, Duration::nanos), out);
        }
        Shape::Raw | Shape::Json | Shape::FieldsV1 => {
            if !tree.is_null() {
                nested(1, out, |out| tree.write_json(out));
            }
        }
        Shape::PropsOrArray => either(1, tree, 2, out),
        Shape::PropsOrBool => {
            // A schema allows what it says.
            let allows = tree.as_bool().unwrap_or(tree.as_map().is_some());
            number(1, allows.into(), out);
            either(2, tree, 0, out);
        }
        Shape::PropsOrStringArray => {
            either(1, tree, 0, out);
            for item in tree.as_list().unwrap_or_default() {
                wire::bytes(2, item.as_str().unwrap_or_default().as_bytes(), out);
            }
        }
        // The others are no messages of their own, or structs.
        Shape::Bool
        | Shape::Int32
        | Shape::Int64
        | Shape::Float
        | Shape::Text
        | Shape::Bytes
        | Shape::Struct(_)
        | Shape::List(..)
        | Shape::Map(..) => {}
    }
}

/// A moment; nothing, where it is Go's zero.
fn moment(time: Option<Time>, cut: impl Fn(i64) -> i64, out: &mut Vec<u8>) {
    if let Some(time) = time.filter(|time| !time.is_zero()) {
        number(1, time.unix(), out);
        number(2, cut(time.unix_nanos().rem_euclid(SECOND) as i64), out);
    }
}

/// A schema under one number, or a list of them under another.
fn either(one: u32, tree: &Tree, many: u32, out: &mut Vec<u8>) {
    let Some(id) = props() else { return };
    match tree {
        Tree::Map(_) => nested(one, out, |out| write::message(id, tree, out)),
        Tree::List(items) if many > 0 => {
            for item in items {
                nested(many, out, |out| write::message(id, item, out));
            }
        }
        _ => {}
    }
}

/// Reads the message of a value, which stands at a depth.
pub(super) fn read(shape: &Shape, chunks: &[&[u8]], depth: usize) -> Result<Tree, Error> {
    match shape {
        Shape::Quantity => {
            let mut found = Text::from("0");
            each("Quantity", chunks, |number, wire, reader| match number {
                1 => {
                    found = text(expect(wire, LENGTH, "String_", reader, Reader::chunk)?);
                    Ok(())
                }
                _ => reader.skip(wire),
            })?;
            Ok(Tree::Text(found))
        }
        Shape::IntOrString => int_or_string(chunks),
        Shape::Time => of_moment(chunks, |_| 0, |time| time.to_string()),
        Shape::MicroTime => of_moment(chunks, |nanos| nanos / 1000 * 1000, Time::to_micro),
        Shape::Duration => {
            let mut nanos = 0;
            each("Duration", chunks, |number, wire, reader| match number {
                1 => {
                    nanos = expect(wire, VARINT, "Duration", reader, Reader::varint)? as i64;
                    Ok(())
                }
                _ => reader.skip(wire),
            })?;
            Ok(Tree::from(Duration::from_nanos(nanos).to_string()))
        }
        Shape::Raw | Shape::Json | Shape::FieldsV1 => {
            let mut found = Tree::Null;
            each("RawExtension", chunks, |number, wire, reader| match number {
                1 => {
                    found = json(expect(wire, LENGTH, "Raw", reader, Reader::chunk)?, depth)?;
                    Ok(())
                }
                _ => reader.skip(wire),
            })?;
            Ok(found)
        }
        other => of_either(other, chunks, depth),
    }
}

/// A schema, or what may stand in its place.
fn of_either(shape: &Shape, chunks: &[&[u8]], depth: usize) -> Result<Tree, Error> {
    let (mut allows, mut schema, mut items) = (false, Vec::new(), Vec::new());
    let named = matches!(shape, Shape::PropsOrBool);
    each("JSONSchemaPropsOr", chunks, |number, wire, reader| {
        match (number, shape) {
            (1, Shape::PropsOrBool) => allows = expect(wire, VARINT, "Allows", reader, Reader::varint)? != 0,
            (2, Shape::PropsOrBool) | (1, _) => {
                schema.push(expect(wire, LENGTH, "Schema", reader, Reader::chunk)?);
            }
            (2, Shape::PropsOrArray) => {
                let item = expect(wire, LENGTH, "JSONSchemas", reader, Reader::chunk)?;
                items.push(of_props(&[item], depth + 1)?);
            }
            (2, _) => items.push(Tree::from(text(expect(
                wire,
                LENGTH,
                "Property",
                reader,
                Reader::chunk,
            )?))),
            _ => reader.skip(wire)?,
        }
        Ok(())
    })?;
    Ok(match (schema.is_empty(), items.is_empty()) {
        (_, false) => Tree::List(items),
        (false, _) => of_props(&schema, depth)?,
        _ if named => Tree::Bool(allows),
        _ => Tree::Null,
    })
}

fn of_props(chunks: &[&[u8]], depth: usize) -> Result<Tree, Error> {
    match props() {
        Some(id) => read::message(id, chunks, depth),
        None => Ok(Tree::Null),
    }
}

fn int_or_string(chunks: &[&[u8]]) -> Result<Tree, Error> {
    let (mut kind, mut whole, mut string) = (0, 0, Text::default());
    each("IntOrString", chunks, |number, wire, reader| {
        match number {
            1 => kind = expect(wire, VARINT, "Type", reader, Reader::varint)?,
            // Go takes the lower 32 bits.
            2 => whole = expect(wire, VARINT, "IntVal", reader, Reader::varint)? as i32,
            3 => string = text(expect(wire, LENGTH, "StrVal", reader, Reader::chunk)?),
            _ => reader.skip(wire)?,
        }
        Ok(())
    })?;
    match kind {
        0 => Ok(Tree::from(whole)),
        1 => Ok(Tree::from(string)),
        _ => Err(Error::IntOrString),
    }
}

/// A moment: of several the last; one without anything in it is Go's zero.
fn of_moment(chunks: &[&[u8]], cut: impl Fn(i64) -> i64, show: impl Fn(Time) -> String) -> Result<Tree, Error> {
    let Some(chunk) = chunks.last().filter(|chunk| !chunk.is_empty()) else {
        return Ok(Tree::Null);
    };
    let (mut seconds, mut nanos) = (0, 0);
    each("Timestamp", &[chunk], |number, wire, reader| {
        match number {
            1 => seconds = expect(wire, VARINT, "Seconds", reader, Reader::varint)? as i64,
            2 => nanos = expect(wire, VARINT, "Nanos", reader, Reader::varint)? as i32,
            _ => reader.skip(wire)?,
        }
        Ok(())
    })?;
    let nanos = i128::from(seconds) * SECOND + i128::from(cut(nanos.into()));
    let time = Time::from_unix_nanos(nanos);
    if time.is_zero() {
        return Ok(Tree::Null);
    }
    if !SECONDS.contains(&time.unix()) {
        return Err(Error::Time);
    }
    Ok(Tree::from(show(time)))
}

/// What is kept as it is, and must not stand deeper than documents may.
fn json(bytes: &[u8], depth: usize) -> Result<Tree, Error> {
    if bytes.is_empty() {
        return Ok(Tree::Null);
    }
    let tree = tree::parse(bytes)?.tree;
    if fits(&tree, MAX_DEPTH.saturating_sub(depth)) {
        return Ok(tree);
    }
    Err(tree::SyntaxError::Depth.into())
}

fn fits(tree: &Tree, left: usize) -> bool {
    match tree {
        Tree::List(items) => left > 0 && items.iter().all(|item| fits(item, left - 1)),
        Tree::Map(map) => left > 0 && map.iter().all(|(_, item)| fits(item, left - 1)),
        _ => true,
    }
}
