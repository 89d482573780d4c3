//! Calls of `format` whose text and arguments are written out: that each clause fits its argument.

use super::Checked;
use crate::ast::{Expr, Id, Literal};
use crate::types::Type;

/// What is wrong in a call of `format`, and at which part.
pub(super) fn check(checked: &Checked, id: Id) -> Option<(Id, String)> {
    let Expr::Call {
        function,
        target: Some(target),
        arguments,
    } = checked.ast.expr(id)
    else {
        return None;
    };
    if function != "format" || !checked.overloads(id).contains(&"string_format") {
        return None;
    }
    let Expr::Literal(Literal::String(text)) = checked.ast.expr(*target) else {
        return None;
    };
    let Expr::List { elements, .. } = checked.ast.expr(*arguments.first()?) else {
        return None;
    };
    match clauses(checked, text, elements) {
        Err((part, message)) => Some((part.unwrap_or(id), message)),
        Ok(used) if elements.len() > used => Some((
            id,
            format!(
                "too many arguments supplied to string.format (expected {used}, got {})",
                elements.len()
            ),
        )),
        Ok(_) => None,
    }
}

type Fault = (Option<Id>, String);

/// How many arguments the text asks for.
fn clauses(checked: &Checked, text: &str, elements: &[Id]) -> Result<usize, Fault> {
    let mut rest = text;
    let mut used = 0;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return Err((None, "unexpected end of string".to_owned()));
        }
        let Some(element) = elements.get(used) else {
            return Err((None, format!("index {used} out of range")));
        };
        used += 1;
        let (clause, after) = clause(rest).map_err(|wrong| {
            let message = format!("could not parse formatting clause: {wrong}");
            (None, message)
        })?;
        rest = after;
        fits(checked, clause, *element).map_err(|(id, wrong)| {
            let message = format!("error during formatting: {wrong}");
            (Some(id), message)
        })?;
    }
    Ok(used)
}

/// The letter of a clause, after its precision, and what stands behind it.
fn clause(text: &str) -> Result<(char, &str), String> {
    let text = match text.strip_prefix('.') {
        None => text,
        Some(precision) => {
            let digits = precision.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = precision.split_at(digits);
            if after.is_empty() {
                return Err("error while parsing precision: could not find end of precision specifier".to_owned());
            }
            if number.parse::<i64>().is_err() {
                let why = if number.is_empty() {
                    "invalid syntax"
                } else {
                    "value out of range"
                };
                return Err(format!(
                    "error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing \
                     \"{number}\": {why}"
                ));
            }
            after
        }
    };
    // Upstream looks at bytes: of a letter of several it tells the first.
    let first = text.bytes().next().map_or('\u{0}', char::from);
    if "sdfebxXo".contains(first) {
        Ok((first, &text[1..]))
    } else {
        Err(format!("unrecognized formatting clause \"{first}\""))
    }
}

fn fits(checked: &Checked, clause: char, id: Id) -> Result<(), (Id, String)> {
    let of = checked.of(id);
    let (right, wrong) = match clause {
        's' => return fits_string(checked, id),
        'd' => (
            matches!(of, Type::Int | Type::Uint),
            "decimal clause can only be used on integers",
        ),
        'f' => (
            matches!(of, Type::Double | Type::String),
            "fixed-point clause can only be used on doubles",
        ),
        'e' => (
            matches!(of, Type::Double | Type::String),
            "scientific clause can only be used on doubles",
        ),
        'b' => (
            matches!(of, Type::Int | Type::Uint | Type::Bool),
            "only integers and bools can be formatted as binary",
        ),
        'o' => (
            matches!(of, Type::Int | Type::Uint),
            "octal clause can only be used on integers",
        ),
        _ => (
            matches!(of, Type::Int | Type::Uint | Type::String | Type::Bytes),
            "only integers, byte buffers, and strings can be formatted as hex",
        ),
    };
    if right || *of == Type::Dyn {
        return Ok(());
    }
    Err((id, format!("{wrong}, was given {}", of.base())))
}

fn fits_string(checked: &Checked, id: Id) -> Result<(), (Id, String)> {
    let of = checked.of(id);
    if matches!(of, Type::Struct(_) | Type::Opaque(..) | Type::Any | Type::Error) {
        return Err((
            id,
            format!(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
                 and timestamps, was given {}",
                of.base()
            ),
        ));
    }
    match checked.ast.expr(id) {
        Expr::List { .. } | Expr::Map(_) => checked
            .ast
            .expr(id)
            .children()
            .into_iter()
            .try_for_each(|one| fits_string(checked, one)),
        _ => Ok(()),
    }
}
