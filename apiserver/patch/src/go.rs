//! Trees as Go prints its maps and slices, which is how upstream's messages quote patches.

use std::fmt::{self, Write};

use apiserver_api::go::quote;
use apiserver_api::tree::{Map, Tree};

/// A tree as `%v` prints it: `map[a:1 b:[x y]]`.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'t>(pub &'t Tree);

/// A tree as `%s` prints it, which complains of what is no text.
#[derive(Clone, Copy, Debug)]
pub struct Worded<'t>(pub &'t Tree);

/// A tree as `%#v` prints it: Go's syntax.
#[derive(Clone, Copy, Debug)]
pub struct Syntax<'t>(pub &'t Tree);

/// The name of the Go type that JSON is read into.
pub const fn type_name(tree: &Tree) -> &'static str {
    match tree {
        Tree::Null => "<nil>",
        Tree::Bool(_) => "bool",
        Tree::Int(_) => "int64",
        Tree::Number(_) => "float64",
        Tree::Text(_) => "string",
        Tree::List(_) => "[]interface {}",
        Tree::Map(_) => "map[string]interface {}",
    }
}

/// The name of a value's Go type as `%s` prints it.
pub(crate) const fn type_shown(tree: &Tree) -> &'static str {
    match tree {
        Tree::Null => "%!s(<nil>)",
        other => type_name(other),
    }
}

impl fmt::Display for Plain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Tree::Null => out.write_str("<nil>"),
            Tree::Bool(value) => write!(out, "{value}"),
            Tree::Int(value) => write!(out, "{value}"),
            Tree::Number(value) => float(value.as_f64(), out),
            Tree::Text(text) => out.write_str(text),
            Tree::List(items) => list(items, Plain, out),
            Tree::Map(map) => entries(map, Plain, out),
        }
    }
}

impl fmt::Display for Worded<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Tree::Text(text) => out.write_str(text),
            Tree::List(items) => list(items, Worded, out),
            Tree::Map(map) => entries(map, Worded, out),
            Tree::Null => out.write_str("%!s(<nil>)"),
            other => write!(out, "%!s({}={})", type_name(other), Plain(other)),
        }
    }
}

impl fmt::Display for Syntax<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Tree::Null => out.write_str("interface {}(nil)"),
            Tree::Text(text) => out.write_str(&quote(text)),
            Tree::List(items) => {
                out.write_str("[]interface {}{")?;
                for (at, item) in items.iter().enumerate() {
                    separate(at, ", ", out)?;
                    Syntax(item).fmt(out)?;
                }
                out.write_char('}')
            }
            Tree::Map(map) => {
                out.write_str("map[string]interface {}{")?;
                for (at, (key, value)) in map.iter().enumerate() {
                    separate(at, ", ", out)?;
                    write!(out, "{}:{}", quote(key), Syntax(value))?;
                }
                out.write_char('}')
            }
            scalar => Plain(scalar).fmt(out),
        }
    }
}

fn separate(at: usize, by: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    if at > 0 { out.write_str(by) } else { Ok(()) }
}

fn list<'t, P: fmt::Display>(
    items: &'t [Tree],
    print: impl Fn(&'t Tree) -> P,
    out: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    out.write_char('[')?;
    for (at, item) in items.iter().enumerate() {
        separate(at, " ", out)?;
        print(item).fmt(out)?;
    }
    out.write_char(']')
}

fn entries<'t, P: fmt::Display>(
    map: &'t Map,
    print: impl Fn(&'t Tree) -> P,
    out: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    out.write_str("map[")?;
    for (at, (key, value)) in map.iter().enumerate() {
        separate(at, " ", out)?;
        write!(out, "{key}:{}", print(value))?;
    }
    out.write_char(']')
}

/// A double as `%v` prints it: shortest digits, with an exponent below -4 and from 6 on, of two digits at least.
fn float(value: f64, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return out.write_str(&text);
    };
    match exponent.parse::<i32>() {
        Ok(power @ (..-4 | 6..)) => {
            let sign = if power < 0 { '-' } else { '+' };
            write!(out, "{digits}e{sign}{:02}", power.unsigned_abs())
        }
        _ => write!(out, "{value}"),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    use super::{Plain, Syntax, Worded};

    #[test]
    fn trees_print_as_go_s() {
        let tree = parse(br#"{"b":[1,"x y",null,{}],"a":{"z":true,"y":1.5},"c":[]}"#)
            .unwrap()
            .tree;
        assert_eq!(
            Plain(&tree).to_string(),
            "map[a:map[y:1.5 z:true] b:[1 x y <nil> map[]] c:[]]"
        );
        assert_eq!(
            Worded(&tree).to_string(),
            "map[a:map[y:%!s(float64=1.5) z:%!s(bool=true)] b:[%!s(int64=1) x y %!s(<nil>) map[]] c:[]]"
        );
        assert_eq!(
            Syntax(tree.at("b")).to_string(),
            r#"[]interface {}{1, "x y", interface {}(nil), map[string]interface {}{}}"#
        );
        assert_eq!(
            Syntax(tree.at("a")).to_string(),
            r#"map[string]interface {}{"y":1.5, "z":true}"#
        );
    }

    #[test]
    fn doubles_print_as_go_s() {
        for (text, shown) in [
            ("1.5", "1.5"),
            ("1.0", "1"),
            ("123456.0", "123456"),
            ("1e6", "1e+06"),
            ("1234567.5", "1.2345675e+06"),
            ("1.5e-7", "1.5e-07"),
            ("0.0001", "0.0001"),
            ("-2.5e300", "-2.5e+300"),
        ] {
            assert_eq!(
                Plain(&parse(text.as_bytes()).unwrap().tree).to_string(),
                shown,
                "{text}"
            );
        }
    }
}
