//! A tree as Go's converter makes it an object, which is how the result of a strategic merge patch is read: it stops at the
//! first value that does not fit, in the order in which fields are declared, and words it in its own way.

use apiserver_api::tree::{Number, Tree};

use super::leaf;
use super::place::Place;
use super::{Findings, Reader};
use crate::model::{Schema, Shape, TypeId};

impl Schema {
    /// Reads a tree as [`Schema::read`] does, but by the rules of the converter (`FromUnstructured`): whole doubles are
    /// numbers, and numbers that are too large lose their upper bits.
    ///
    /// # Errors
    /// What the converter says of the first value that does not fit.
    pub fn restore(&self, id: TypeId, tree: &mut Tree) -> Result<Findings, String> {
        self.fit(&Shape::Struct(id), None, tree)?;
        Ok(self.read(id, tree))
    }

    /// `go` is what Go calls the type of a value and that of its items, where they have names of their own.
    fn fit(&self, shape: &Shape, go: Option<(Option<&str>, Option<&str>)>, value: &mut Tree) -> Result<(), String> {
        if value.is_null() {
            return Ok(());
        }
        let (own, inner) = go.unwrap_or_default();
        match shape {
            Shape::Bool | Shape::Int32 | Shape::Int64 | Shape::Float | Shape::Text => self.fit_plain(shape, own, value),
            Shape::Struct(id) => self.fit_struct(*id, value),
            Shape::List(item, _) => match value {
                Tree::List(items) => items
                    .iter_mut()
                    .try_for_each(|one| self.fit(item, Some((inner, None)), one)),
                other => Err(format!("cannot restore slice from {}", kind(other))),
            },
            Shape::Map(of, _) => match value {
                Tree::Map(entries) => entries
                    .iter_mut()
                    .try_for_each(|(_, one)| self.fit(of, Some((inner, None)), one)),
                other => Err(format!("cannot restore map from {}", kind(other))),
            },
            Shape::Bytes => match value {
                Tree::Text(_) => self
                    .fit_decoded(shape, value)
                    .map_err(|why| format!("error decoding from json: {why}")),
                Tree::List(items) => {
                    let bytes: Result<Vec<u8>, String> = items.iter().map(byte).collect();
                    *value = leaf::encoded(&bytes?);
                    Ok(())
                }
                other => Err(format!("cannot restore slice from {}", kind(other))),
            },
            // Types that read JSON themselves.
            Shape::Quantity
            | Shape::IntOrString
            | Shape::Time
            | Shape::MicroTime
            | Shape::Duration
            | Shape::Raw
            | Shape::Json
            | Shape::FieldsV1
            | Shape::PropsOrArray
            | Shape::PropsOrBool
            | Shape::PropsOrStringArray => self.fit_decoded(shape, value),
        }
    }

    fn fit_struct(&self, id: TypeId, value: &mut Tree) -> Result<(), String> {
        if value.as_map().is_none() {
            return Err(format!("cannot restore struct from: {}", kind(value)));
        }
        let one = self.get(id);
        let meta: &[&str] = if one.typed { &["kind", "apiVersion"] } else { &[] };
        for value in meta.iter().filter_map(|name| value.get(name)) {
            self.fit_plain(&Shape::Text, None, &mut value.clone())?;
        }
        for field in one.declared() {
            if let Some(value) = value.get_mut(&field.name) {
                self.fit(&field.shape, Some(field.names()), value)?;
            }
        }
        Ok(())
    }

    /// Truths, numbers and strings: what Go converts into one another, and JSON has as one.
    fn fit_plain(&self, shape: &Shape, go: Option<&str>, value: &mut Tree) -> Result<(), String> {
        let fits = match (shape, &*value) {
            (Shape::Bool, Tree::Bool(_))
            | (Shape::Text, Tree::Text(_))
            | (Shape::Int64, Tree::Int(_))
            | (Shape::Float, Tree::Int(_) | Tree::Number(_)) => return Ok(()),
            (Shape::Int32, Tree::Int(number)) => Some(*number),
            (Shape::Int32 | Shape::Int64, Tree::Number(number)) => whole(number),
            // Go converts numbers to strings, but not as JSON means it.
            (Shape::Text, Tree::Int(_)) => None,
            _ => {
                let kind = match shape {
                    Shape::Text => "string".to_owned(),
                    plain => self.go_type(plain),
                };
                return Err(format!("unrecognized type: {kind}"));
            }
        };
        let Some(number) = fits else {
            let of = go.map_or_else(|| self.go_type(shape), str::to_owned);
            return Err(format!("cannot convert {} to {of}", kind(value)));
        };
        // Go keeps the lower bits.
        *value = Tree::Int(match shape {
            Shape::Int32 => i64::from(number as i32),
            _ => number,
        });
        Ok(())
    }

    /// Decodes a value by itself, without a struct around it. Go writes it as JSON for that, numbers in their normal form.
    fn fit_decoded(&self, shape: &Shape, value: &mut Tree) -> Result<(), String> {
        write_anew(value);
        let mut findings = Findings::default();
        let mut reader = Reader::new(self, &mut findings);
        reader.value(shape, (None, None), &mut value.clone(), &Place::root());
        if findings.mistakes.is_empty() {
            return Ok(());
        }
        let mistake = findings.mistake(&value.to_json());
        mistake.map_or(Ok(()), |mistake| Err(mistake.message))
    }
}

/// Makes numbers what they read as once Go has written them: a double that it writes without a point or an exponent is whole.
fn write_anew(value: &mut Tree) {
    match value {
        Tree::Number(number) => {
            let written = Number::from(number.as_f64());
            *value = match written.literal().parse() {
                Ok(whole) => Tree::Int(whole),
                Err(_) => Tree::Number(written),
            };
        }
        Tree::List(items) => items.iter_mut().for_each(write_anew),
        Tree::Map(map) => map.iter_mut().for_each(|(_, value)| write_anew(value)),
        _ => {}
    }
}

/// One of a list of bytes: Go keeps the lower bits.
fn byte(item: &Tree) -> Result<u8, String> {
    match item {
        Tree::Null => Ok(0),
        Tree::Int(number) => Ok(*number as u8),
        Tree::Number(number) => whole(number)
            .map(|number| number as u8)
            .ok_or_else(|| "cannot convert float64 to uint8".to_owned()),
        _ => Err("unrecognized type: uint8".to_owned()),
    }
}

fn whole(number: &Number) -> Option<i64> {
    let number = number.as_f64();
    (number.is_finite() && number.fract() == 0.0).then_some(number as i64)
}

/// What Go calls the sort of a value that JSON was read into.
const fn kind(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "invalid",
        Tree::Bool(_) => "bool",
        Tree::Int(_) => "int64",
        Tree::Number(_) => "float64",
        Tree::Text(_) => "string",
        Tree::List(_) => "slice",
        Tree::Map(_) => "map",
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Tree, parse};

    use crate::built_in;

    fn restored(name: &str, document: &str) -> Result<Tree, String> {
        let id = built_in().named(&format!("io.k8s.api.{name}")).unwrap();
        let mut tree = parse(document.as_bytes()).unwrap().tree;
        built_in().restore(id, &mut tree)?;
        Ok(tree)
    }

    fn refused(name: &str, document: &str) -> String {
        restored(name, document).unwrap_err()
    }

    #[test]
    fn a_value_of_another_sort_is_refused_in_the_converters_words() {
        let config = |document| refused("core.v1.ConfigMap", document);
        assert_eq!(config(r#"{"data":{"a":{}}}"#), "unrecognized type: string");
        assert_eq!(config(r#"{"data":{"a":true}}"#), "unrecognized type: string");
        assert_eq!(config(r#"{"data":{"a":1}}"#), "cannot convert int64 to string");
        assert_eq!(config(r#"{"data":"x"}"#), "cannot restore map from string");
        assert_eq!(config(r#"{"metadata":[]}"#), "cannot restore struct from: slice");
        assert_eq!(
            config(r#"{"metadata":{"finalizers":{}}}"#),
            "cannot restore slice from map"
        );
        assert_eq!(config(r#"{"immutable":"x"}"#), "unrecognized type: bool");
        assert_eq!(config(r#"{"kind":1}"#), "cannot convert int64 to string");
        let port = |port: &str| refused("core.v1.ServicePort", &format!(r#"{{"port":{port},"protocol":"TCP"}}"#));
        assert_eq!(port("\"x\""), "unrecognized type: int32");
        assert_eq!(port("1.5"), "cannot convert float64 to int32");
        assert_eq!(
            refused("core.v1.ServicePort", r#"{"protocol":1}"#),
            "cannot convert int64 to v1.Protocol"
        );
    }

    #[test]
    fn a_value_that_reads_itself_is_refused_in_its_own_words() {
        let config = |document| refused("core.v1.ConfigMap", document);
        assert_eq!(
            config(r#"{"binaryData":{"a":"AAE=x"}}"#),
            "error decoding from json: illegal base64 data at input byte 4"
        );
        assert_eq!(config(r#"{"binaryData":{"a":{}}}"#), "cannot restore slice from map");
        assert_eq!(
            config(r#"{"metadata":{"creationTimestamp":1}}"#),
            "json: cannot unmarshal number into Go value of type string"
        );
        assert_eq!(
            refused("core.v1.ServicePort", r#"{"targetPort":true}"#),
            "json: cannot unmarshal bool into Go value of type int32"
        );
    }

    #[test]
    fn the_first_field_as_declared_is_told() {
        // Go declares metadata before data, and data before binary data.
        assert_eq!(
            refused(
                "core.v1.ConfigMap",
                r#"{"binaryData":{"a":"x"},"data":{"a":[]},"metadata":{"labels":"1"}}"#
            ),
            "cannot restore map from string"
        );
    }

    #[test]
    fn numbers_are_taken_as_go_converts_them() {
        let port = |port: &str| {
            let port = restored("core.v1.ServicePort", &format!(r#"{{"port":{port}}}"#)).unwrap();
            port.int("port")
        };
        assert_eq!(port("80"), 80);
        assert_eq!(port("80.0"), 80);
        assert_eq!(port("4294967376"), 80);
        assert_eq!(port("null"), 0);
    }

    #[test]
    fn what_reads_itself_is_given_numbers_as_go_writes_them() {
        let port = |port: &str| restored("core.v1.ServicePort", &format!(r#"{{"targetPort":{port}}}"#));
        assert_eq!(port("25.0").unwrap().int("targetPort"), 25);
        assert_eq!(
            port("2.50").unwrap_err(),
            "json: cannot unmarshal number 2.5 into Go value of type int32"
        );
        for (given, kept) in [
            ("1e3", "1k"),
            ("1e-3", "1m"),
            ("12345678901234567890", "12345678901234567k"),
        ] {
            let limits = restored(
                "core.v1.ResourceRequirements",
                &format!(r#"{{"limits":{{"cpu":{given}}}}}"#),
            );
            assert_eq!(limits.unwrap().at("limits").text("cpu"), kept);
        }
    }

    #[test]
    fn bytes_may_be_a_list_of_numbers() {
        let bytes = |list: &str| restored("core.v1.Secret", &format!(r#"{{"data":{{"a":{list}}}}}"#));
        let text = |list: &str| bytes(list).unwrap().at("data").text("a").to_owned();
        assert_eq!(text("[65,66]"), "QUI=");
        assert_eq!(text("[]"), "");
        // 44, 66 and 0.
        assert_eq!(text("[300,66.0,null]"), "LEIA");
        assert_eq!(bytes("[0.5]").unwrap_err(), "cannot convert float64 to uint8");
        assert_eq!(bytes("[true]").unwrap_err(), "unrecognized type: uint8");
    }
}
