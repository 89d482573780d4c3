//! Values that are no structs, lists or maps: their types, and the form in which they are kept.

use apiserver_api::quantity::Quantity;
use apiserver_api::time::{Duration, Time};
use apiserver_api::tree::{Number, Told, Tree};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::place::{Place, Step};
use super::{Reader, found};
use crate::model::Shape;
use crate::write::PROPS;

/// Go does not look at the bits that padding leaves over, and writes them as zeroes.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// Bytes as JSON has them.
pub(super) fn encoded(bytes: &[u8]) -> Tree {
    Tree::from(LENIENT.encode(bytes))
}

impl Reader<'_, '_> {
    pub(super) fn leaf(&mut self, shape: &Shape, go: Option<&str>, value: &mut Tree, place: &Place<'_>) {
        match shape {
            Shape::Bool => self.plain(matches!(value, Tree::Bool(_)), go.unwrap_or("bool"), value, place),
            Shape::Text => self.plain(matches!(value, Tree::Text(_)), go.unwrap_or("string"), value, place),
            Shape::Int32 => self.whole(
                |value| i32::try_from(value).is_ok(),
                go.unwrap_or("int32"),
                value,
                place,
                false,
            ),
            Shape::Int64 => self.whole(|_| true, go.unwrap_or("int64"), value, place, false),
            Shape::Float => self.float(value, place),
            Shape::Bytes => self.bytes(value, place),
            Shape::IntOrString if matches!(value, Tree::Text(_)) => {}
            Shape::IntOrString => self.whole(|value| i32::try_from(value).is_ok(), "int32", value, place, true),
            Shape::Quantity => self.quantity(value, place),
            Shape::Time | Shape::MicroTime | Shape::Duration => self.moment(shape, value, place),
            Shape::PropsOrArray => match value {
                Tree::Map(_) => self.props(value, place),
                Tree::List(items) => {
                    for (at, item) in items.iter_mut().enumerate() {
                        self.props(item, &place.then(Step::Index(at)));
                    }
                }
                _ => *value = Tree::Null,
            },
            Shape::PropsOrBool => match value {
                Tree::Map(_) => self.props(value, place),
                Tree::Bool(_) => {}
                _ => self.mistake(place, "boolean or JSON schema expected".to_owned(), true),
            },
            Shape::PropsOrStringArray => match value {
                Tree::Map(_) => self.props(value, place),
                Tree::List(items) => {
                    for (at, item) in items.iter_mut().enumerate() {
                        self.plain(
                            matches!(item, Tree::Text(_)),
                            "string",
                            item,
                            &place.then(Step::Index(at)),
                        );
                    }
                }
                _ => *value = Tree::Null,
            },
            Shape::Raw | Shape::Json | Shape::FieldsV1 | Shape::Struct(_) | Shape::List(..) | Shape::Map(..) => {}
        }
    }

    fn plain(&mut self, fits: bool, of: &str, value: &mut Tree, place: &Place<'_>) {
        if !fits {
            self.soft(place, &found(value), of);
            *value = Tree::Null;
        }
    }

    fn whole(&mut self, fits: impl Fn(i64) -> bool, of: &str, value: &mut Tree, place: &Place<'_>, fatal: bool) {
        let found = match &*value {
            Tree::Int(number) if fits(*number) => return,
            Tree::Int(number) => format!("number {number}"),
            Tree::Number(number) => format!("number {}", number.literal()),
            other => found(other),
        };
        self.wrong(place, &found, of, fatal);
        *value = Tree::Int(0);
    }

    fn float(&mut self, value: &mut Tree, place: &Place<'_>) {
        let found = match &*value {
            Tree::Int(_) => return,
            Tree::Number(number) if number.as_f64().is_finite() => return,
            Tree::Number(number) => format!("number {}", number.literal()),
            other => found(other),
        };
        self.soft(place, &found, "float64");
        *value = Tree::Number(Number::from(0.0));
    }

    /// Base64 with padding, or a list of numbers; Go skips line ends in the first and writes it without.
    fn bytes(&mut self, value: &mut Tree, place: &Place<'_>) {
        let text = match value {
            Tree::Text(text) => text,
            Tree::List(items) => {
                let bytes = items.iter().enumerate();
                let bytes = bytes.map(|(at, item)| self.byte(item, &place.then(Step::Index(at))));
                *value = encoded(&bytes.collect::<Vec<_>>());
                return;
            }
            other => return self.plain(false, "[]uint8", other, place),
        };
        if text.contains(['\r', '\n']) {
            text.retain(|letter| !matches!(letter, '\r' | '\n'));
        }
        if let Ok(bytes) = LENIENT.decode(text.as_bytes()) {
            *value = encoded(&bytes);
        } else {
            let at = illegal_at(text.as_bytes());
            self.mistake(place, format!("illegal base64 data at input byte {at}"), false);
            *value = Tree::Null;
        }
    }

    /// One of a list of bytes; null is zero.
    fn byte(&mut self, item: &Tree, place: &Place<'_>) -> u8 {
        let found = match item {
            Tree::Null => return 0,
            Tree::Int(number) => match u8::try_from(*number) {
                Ok(byte) => return byte,
                Err(_) => format!("number {number}"),
            },
            Tree::Number(number) => format!("number {}", number.literal()),
            other => found(other),
        };
        self.soft(place, &found, "uint8");
        0
    }

    fn quantity(&mut self, value: &mut Tree, place: &Place<'_>) {
        match Quantity::read(value) {
            Ok(quantity) => *value = Tree::from(quantity.to_string()),
            Err(error) => self.mistake(place, error.to_string(), true),
        }
    }

    fn moment(&mut self, shape: &Shape, value: &mut Tree, place: &Place<'_>) {
        let Tree::Text(text) = value else {
            let found = found(value);
            return self.wrong(place, &found, "string", true);
        };
        // Go's zero time is none, as null is.
        let written = |time: Time, write: fn(Time) -> String| {
            let there = (!time.is_zero()).then(|| Tree::from(write(time)));
            there.unwrap_or(Tree::Null)
        };
        let normal = match shape {
            Shape::Time => Time::parse(text)
                .map(|time| written(time, |time| time.to_string()))
                .map_err(|error| error.to_string()),
            Shape::MicroTime => Time::parse_micro(text)
                .map(|time| written(time, Time::to_micro))
                .map_err(|error| error.to_string()),
            _ => Duration::parse(text)
                .map(|span| Tree::from(span.to_string()))
                .map_err(|error| error.to_string()),
        };
        match normal {
            Ok(normal) => *value = normal,
            Err(error) => self.mistake(place, error, true),
        }
    }

    /// A schema of a custom resource. Unknown fields in it are not told: Go reads it with another decoder.
    fn props(&mut self, value: &mut Tree, place: &Place<'_>) {
        let Some(id) = self.schema.named(PROPS) else {
            return;
        };
        let told = std::mem::replace(&mut self.unknown, Told::ENOUGH);
        self.object(self.schema.get(id), value, place);
        self.unknown = told;
    }
}

/// Where Go's decoder says that base64 is wrong: the first byte that cannot stand where it stands.
fn illegal_at(text: &[u8]) -> usize {
    let mut digits = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => digits += 1,
            // Padding ends the data: one after three digits, two after two.
            b'=' => {
                let rest = &text[at..];
                return match digits % 4 {
                    0 | 1 => at,
                    2 if rest == b"==" => at,
                    2 if rest.len() == 1 => text.len(),
                    2 if rest[1] != b'=' => at + 1,
                    2 => at + 2,
                    _ => at + 1,
                };
            }
            _ => return at,
        }
    }
    // The text stops within a group, which Go counts from its beginning.
    text.len() - digits % 4
}
