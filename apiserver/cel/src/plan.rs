//! What is worked out before an expression runs: upstream converts values that are written out, and compiles patterns, when
//! it makes a program of what was checked. Where that fails there is no program.

use apiserver_api::time::{Duration, Time};

use crate::ast::{Ast, Expr, Id, Literal};
use crate::check::Checked;
use crate::go_regex;

/// The first second of the year 1, and the last one of the year 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Whether a number of seconds is a point of time.
pub(crate) fn is_time(seconds: i64) -> bool {
    SECONDS.contains(&seconds)
}

/// Functions that convert, and the types that they convert to.
const CONVERSIONS: &[(&str, &str)] = &[
    ("bool", "bool"),
    ("bytes", "bytes"),
    ("double", "double"),
    ("duration", "google.protobuf.Duration"),
    ("int", "int"),
    ("string", "string"),
    ("timestamp", "google.protobuf.Timestamp"),
    ("uint", "uint"),
];

/// A value that is known before the expression runs.
enum Constant {
    Literal(Literal),
    /// Only its type is known.
    Of(&'static str),
}

/// Why no program can be made of an expression, in upstream's words.
pub(crate) fn fault(checked: &Checked) -> Option<String> {
    plan(&checked.ast, checked, checked.root).err()
}

/// Plans a part and tells its value, if that is known. Parts come in the order in which upstream plans them, for the first
/// fault is the one that is told.
fn plan(ast: &Ast, checked: &Checked, id: Id) -> Result<Option<Constant>, String> {
    Ok(match ast.expr(id) {
        Expr::Literal(value) => Some(Constant::Literal(value.clone())),
        Expr::List { elements, .. } => all(ast, checked, elements)?.then_some(Constant::Of("list")),
        Expr::Map(entries) => {
            let both: Vec<Id> = entries.iter().flat_map(|one| [one.key, one.value]).collect();
            all(ast, checked, &both)?.then_some(Constant::Of("map"))
        }
        Expr::Call {
            function,
            target,
            arguments,
        } => {
            let (function, target) = match checked.name(id) {
                Some(name) => (name, None),
                None => (function.trim_start_matches('.'), *target),
            };
            let mut values = Vec::new();
            for argument in target.iter().chain(arguments) {
                values.push(plan(ast, checked, *argument)?);
            }
            call(function, values)?
        }
        Expr::Comprehension(fold) => {
            for part in [fold.initial, fold.range, fold.condition, fold.step, fold.result] {
                plan(ast, checked, part)?;
            }
            None
        }
        other => {
            all(ast, checked, &other.children())?;
            None
        }
    })
}

/// Whether the values of all parts are known.
fn all(ast: &Ast, checked: &Checked, parts: &[Id]) -> Result<bool, String> {
    let mut known = true;
    for part in parts {
        known &= plan(ast, checked, *part)?.is_some();
    }
    Ok(known)
}

fn call(function: &str, mut values: Vec<Option<Constant>>) -> Result<Option<Constant>, String> {
    if let ("matches" | "find" | "findAll", [_, Some(Constant::Literal(Literal::String(pattern))), ..]) =
        (function, values.as_slice())
    {
        return match go_regex::wrong(pattern) {
            Some(wrong) => Err(format!("error parsing regexp: {wrong}")),
            None => Ok(None),
        };
    }
    match (values.len(), values.pop().flatten()) {
        (1, Some(value)) => convert(function, value),
        _ => Ok(None),
    }
}

/// Converts a value; nothing if the function is no conversion.
fn convert(function: &str, value: Constant) -> Result<Option<Constant>, String> {
    match function {
        "dyn" => return Ok(Some(value)),
        "type" => return Ok(Some(Constant::Of("type"))),
        _ => {}
    }
    let Some((_, of)) = CONVERSIONS.iter().find(|(name, _)| *name == function) else {
        return Ok(None);
    };
    let literal = match value {
        Constant::Literal(literal) => literal,
        Constant::Of(from) => return converted(function, of, from).map(Some),
    };
    let unlike = || format!("type conversion error from 'string' to '{of}'");
    let overflow = || match function {
        "int" => "integer overflow".to_owned(),
        "uint" => "unsigned integer overflow".to_owned(),
        _ => "timestamp overflow".to_owned(),
    };
    let known = match (function, literal) {
        ("int" | "uint" | "double" | "bool", Literal::String(text)) => read(function, &text).ok_or_else(unlike)?,
        ("duration", Literal::String(text)) if Duration::parse(&text).is_err() => return Err(unlike()),
        ("timestamp", Literal::String(text)) if Time::parse(&text).is_err() => return Err(unlike()),
        ("timestamp", Literal::Int(seconds)) if !is_time(seconds) => return Err(overflow()),
        ("int", Literal::Uint(value)) => Literal::Int(i64::try_from(value).map_err(|_| overflow())?),
        ("int", Literal::Double(value)) => Literal::Int(whole(value).ok_or_else(overflow)?),
        ("uint", Literal::Int(value)) => Literal::Uint(u64::try_from(value).map_err(|_| overflow())?),
        ("uint", Literal::Double(value)) => Literal::Uint(natural(value).ok_or_else(overflow)?),
        ("string", Literal::Bytes(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => Literal::String(text),
            Err(_) => return Err("invalid UTF-8 in bytes, cannot convert to string".to_owned()),
        },
        ("bytes", Literal::String(text)) => Literal::Bytes(text.into_bytes()),
        (_, literal) if name(&literal) == *of => literal,
        (_, literal) => return converted(function, of, name(&literal)).map(Some),
    };
    Ok(Some(Constant::Literal(known)))
}

/// A conversion that cannot fail, or that there is none of.
fn converted(function: &str, of: &'static str, from: &str) -> Result<Constant, String> {
    let fits = match function {
        "double" => matches!(from, "int" | "uint"),
        "int" => matches!(from, "google.protobuf.Duration" | "google.protobuf.Timestamp"),
        "string" => !matches!(from, "list" | "map" | "type" | "null_type"),
        "duration" | "timestamp" => matches!(from, "int" | "string"),
        _ => false,
    };
    if fits || from == of {
        Ok(Constant::Of(of))
    } else {
        Err(format!("no such overload: {function}({from})"))
    }
}

fn name(literal: &Literal) -> &'static str {
    match literal {
        Literal::Null => "null_type",
        Literal::Bool(_) => "bool",
        Literal::Int(_) => "int",
        Literal::Uint(_) => "uint",
        Literal::Double(_) => "double",
        Literal::String(_) => "string",
        Literal::Bytes(_) => "bytes",
    }
}

/// A number or a truth value in Go's spelling.
fn read(function: &str, text: &str) -> Option<Literal> {
    match function {
        "int" => text.parse().ok().map(Literal::Int),
        "uint" if text.starts_with('+') => None,
        "uint" => text.parse().ok().map(Literal::Uint),
        "double" => double(text).map(Literal::Double),
        _ => match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(Literal::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(Literal::Bool(false)),
            _ => None,
        },
    }
}

/// A number; what is too large for it is none, unless it says that it is infinite.
fn double(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return hexadecimal(digits);
    }
    let value: f64 = text.parse().ok()?;
    let says_so = unsigned.starts_with(['i', 'I']);
    (value.is_finite() || value.is_nan() || says_so).then_some(value)
}

/// Whether this is what Go takes for a number after `0x`: digits with perhaps a point, and an exponent. Nothing reads the
/// value: one is as good as another.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_number = !exponent.is_empty() && exponent.bytes().all(|one| one.is_ascii_digit());
    let mut digits = mantissa.bytes().filter(|one| *one != b'.');
    let points = mantissa.bytes().filter(|one| *one == b'.').count();
    let has_digits = mantissa.bytes().any(|one| one.is_ascii_hexdigit());
    (is_number && points <= 1 && has_digits && digits.all(|one| one.is_ascii_hexdigit())).then_some(1.0)
}

/// A double as a whole number; its bounds themselves do not count.
fn whole(value: f64) -> Option<i64> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (value > -BOUND && value < BOUND).then_some(value as i64)
}

fn natural(value: f64) -> Option<u64> {
    const BOUND: f64 = 18_446_744_073_709_551_616.0;
    (0.0..BOUND).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use crate::{Admission, Environment};

    fn fault(text: &str) -> Option<String> {
        let environment = Environment::admission(Admission::default());
        environment.compile(text).expect(text).fault()
    }

    #[test]
    fn values_that_are_written_out_are_converted_at_once() {
        for (text, expected) in [
            ("int('x') == 1", "type conversion error from 'string' to 'int'"),
            ("uint('+1') == 1u", "type conversion error from 'string' to 'uint'"),
            (
                "double('1e999') > 1.0",
                "type conversion error from 'string' to 'double'",
            ),
            ("double('a☺') > 1.0", "type conversion error from 'string' to 'double'"),
            ("bool('yes')", "type conversion error from 'string' to 'bool'"),
            (
                "duration(string('x')) == object.d",
                "type conversion error from 'string' to 'google.protobuf.Duration'",
            ),
            ("uint(-1) == 1u", "unsigned integer overflow"),
            ("int(1e30) == 1", "integer overflow"),
            ("int(18446744073709551615u) == 1", "integer overflow"),
            (
                r"string(b'\xff') == 'a'",
                "invalid UTF-8 in bytes, cannot convert to string",
            ),
            ("int(dyn(true)) == 1", "no such overload: int(bool)"),
            ("int(dyn([1])) == 1", "no such overload: int(list)"),
            (
                "object.x.all(y, y == int('x'))",
                "type conversion error from 'string' to 'int'",
            ),
        ] {
            assert_eq!(fault(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "int('-5') == int(2.5) && uint(1) == 1u && int(7u) == 7",
            "double('1e3') == double('0x1p4') && double('inf') > double('NaN')",
            "bool('T') && string(1) == string(true) && bytes('a') == b'a'",
            "duration('1h') == duration(1) && timestamp(0) < timestamp('2020-01-01T00:00:00Z')",
            "int(object.x) == 1 && int(dyn('1')) == 1 && string(b'a') == 'a'",
            "int(timestamp(0)) == 0 && type(1) == int && dyn({'a': 1}) == dyn([1])",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn patterns_that_are_written_out_are_compiled_at_once() {
        let wrong = "error parsing regexp: missing closing ]: `[`";
        for text in [
            "'a'.find('[') == 'a'",
            "object.x.findAll('[') == []",
            "'a'.findAll('[', 2) == []",
            "matches('a', '[')",
            "'a'.matches(string('['))",
        ] {
            assert_eq!(fault(text).as_deref(), Some(wrong), "{text}");
        }
        assert_eq!(fault("'a'.find('[a]') == object.x.find(object.pattern)"), None);
    }
}
