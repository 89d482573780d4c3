//! Upstream's internal types as refusals show them: JSON by the names that Go gives their fields, in the order of the type.

mod container;
mod pod;
mod volume;

pub(crate) use pod::{TOLERATION, template};

use apiserver_api::tree::Tree;

/// A struct. What a client sends has other names (`hostNetwork`) and leaves out what is empty; what it is told has all fields
/// of the type (`"HostNetwork":false`).
pub(crate) struct Type(pub(crate) &'static [Field]);

/// A field of a struct: its name in Go, its name in what clients send, what it holds.
pub(crate) struct Field(&'static str, &'static str, Holds);

/// What a field holds, which says what is shown where it is absent.
enum Holds {
    /// A string: `""`.
    Text,
    /// A number: `0`.
    Number,
    /// A truth: `false`.
    Flag,
    /// A quantity: `"0"`.
    Amount,
    /// A pointer, a list or a map of plain values: `null`.
    Any,
    /// A label selector, which has names of its own: `null`.
    Selector,
    /// A pointer to a struct: `null`.
    Pointer(&'static Type),
    /// A struct: with all that it has.
    Struct(&'static Type),
    /// A list of structs: `null`.
    List(&'static Type),
}

pub(crate) const fn text(go: &'static str, json: &'static str) -> Field {
    Field(go, json, Holds::Text)
}

pub(crate) const fn number(go: &'static str, json: &'static str) -> Field {
    Field(go, json, Holds::Number)
}

pub(crate) const fn any(go: &'static str, json: &'static str) -> Field {
    Field(go, json, Holds::Any)
}

pub(crate) const fn pointer(go: &'static str, json: &'static str, of: &'static Type) -> Field {
    Field(go, json, Holds::Pointer(of))
}

pub(crate) const fn list(go: &'static str, json: &'static str, of: &'static Type) -> Field {
    Field(go, json, Holds::List(of))
}

const fn flag(go: &'static str, json: &'static str) -> Field {
    Field(go, json, Holds::Flag)
}

const fn amount(go: &'static str, json: &'static str) -> Field {
    Field(go, json, Holds::Amount)
}

pub(crate) const fn selector(go: &'static str, json: &'static str) -> Field {
    Field(go, json, Holds::Selector)
}

const fn within(go: &'static str, json: &'static str, of: &'static Type) -> Field {
    Field(go, json, Holds::Struct(of))
}

impl Type {
    /// A value of this type as JSON.
    pub(crate) fn show(&self, value: &Tree) -> String {
        let mut out = String::new();
        self.write(value, &mut out);
        out
    }

    fn write(&self, value: &Tree, out: &mut String) {
        out.push('{');
        for (at, Field(go, json, holds)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_key(go, out);
            holds.write(value.at(json), out);
        }
        out.push('}');
    }
}

impl Holds {
    fn write(&self, value: &Tree, out: &mut String) {
        match (self, value) {
            (Self::Struct(of), value) => of.write(value, out),
            (Self::Text, Tree::Null) => out.push_str("\"\""),
            (Self::Number, Tree::Null) => out.push('0'),
            (Self::Flag, Tree::Null) => out.push_str("false"),
            (Self::Amount, Tree::Null) => out.push_str("\"0\""),
            (Self::Pointer(of), Tree::Map(_)) => of.write(value, out),
            (Self::List(of), Tree::List(items)) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    of.write(item, out);
                }
                out.push(']');
            }
            (Self::Selector, Tree::Map(_)) => write_some(value, &["matchLabels", "matchExpressions"], out),
            _ => write_json(value, out),
        }
    }
}

fn write_key(key: &str, out: &mut String) {
    out.push('"');
    out.push_str(key);
    out.push_str("\":");
}

fn write_json(value: &Tree, out: &mut String) {
    out.push_str(&String::from_utf8_lossy(&value.to_json()));
}

/// What there is of these fields, in this order, by the names that clients know.
fn write_some(value: &Tree, fields: &[&str], out: &mut String) {
    out.push('{');
    write_present(value, fields, out);
    out.push('}');
}

fn write_present(value: &Tree, fields: &[&str], out: &mut String) -> usize {
    let mut written = 0;
    for field in fields.iter().filter(|field| value.has(field)) {
        if written > 0 {
            out.push(',');
        }
        write_key(field, out);
        write_json(value.at(field), out);
        written += 1;
    }
    written
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    #[test]
    fn all_fields_of_a_type_are_shown() {
        let template =
            r#"{"metadata":{"labels":{"a":"b"}},"spec":{"hostNetwork":true,"volumes":[{"name":"v","emptyDir":{}}]}}"#;
        let shown = super::template(&parse(template.as_bytes()).unwrap().tree);
        let start = "{\"labels\":{\"a\":\"b\"},\"Spec\":{\"Volumes\":[{\"Name\":\"v\",\"HostPath\":null,\
                     \"EmptyDir\":{\"Medium\":\"\",\"SizeLimit\":null},\"GCEPersistentDisk\":null,";
        assert!(shown.starts_with(start), "{shown}");
        assert!(shown.contains("\"SecurityContext\":{\"HostNetwork\":true,"), "{shown}");
    }
}
