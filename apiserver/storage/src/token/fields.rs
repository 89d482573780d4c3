//! The fields of a token as Go's decoder takes them out of JSON, with its words for what does not fit.

use apiserver_api::tree::{Tree, parse, rank};

/// What a token says; what it does not is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// The version of the form.
    pub(super) version: String,
    pub(super) revision: i64,
    pub(super) start: String,
}

const TYPE: &str = "continueToken";

impl Fields {
    /// Reads them.
    ///
    /// # Errors
    /// What Go says: of what is no JSON, or of the first value that is of another type.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let tree = parse(json).map_err(|error| error.to_string())?.tree;
        let mut fields = Self::default();
        let map = match &tree {
            Tree::Map(map) => map,
            Tree::Null => return Ok(fields),
            other => {
                let found = other.type_name();
                return Err(format!(
                    "json: cannot unmarshal {found} into Go value of type storage.{TYPE}"
                ));
            }
        };
        // Keys may be written in any case, and the last of those that mean the same counts.
        let mut entries: Vec<(&str, &Tree)> = map.iter().filter(|(_, value)| !value.is_null()).collect();
        rank(json, &mut entries, |(key, _)| key);
        for (key, value) in entries {
            match key.to_ascii_lowercase().as_str() {
                "v" => fields.version = text("v", value)?,
                "rv" => fields.revision = number("rv", value)?,
                "start" => fields.start = text("start", value)?,
                _ => {}
            }
        }
        Ok(fields)
    }
}

fn text(field: &str, value: &Tree) -> Result<String, String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| unfit(value.type_name(), field, "string"))
}

fn number(field: &str, value: &Tree) -> Result<i64, String> {
    match value {
        Tree::Int(number) => Ok(*number),
        Tree::Number(number) => Err(unfit(&format!("number {}", number.literal()), field, "int64")),
        other => Err(unfit(other.type_name(), field, "int64")),
    }
}

fn unfit(found: &str, field: &str, wanted: &str) -> String {
    format!("json: cannot unmarshal {found} into Go struct field {TYPE}.{field} of type {wanted}")
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn fields_are_read_whatever_the_case_of_their_keys() {
        let read = Fields::read(br#"{"V":"1","RV":7,"more":{},"Start":"a","start":"b","v":null}"#).unwrap();
        let wanted = Fields {
            version: "1".to_owned(),
            revision: 7,
            start: "b".to_owned(),
        };
        assert_eq!(read, wanted);
        assert_eq!(Fields::read(b"null"), Ok(Fields::default()));
    }

    #[test]
    fn what_does_not_fit_is_told_in_gos_words() {
        let told = |json: &str| Fields::read(json.as_bytes()).unwrap_err();
        for (json, found) in [("[]", "array"), ("\"\"", "string"), ("1", "number"), ("true", "bool")] {
            let wanted = format!("json: cannot unmarshal {found} into Go value of type storage.continueToken");
            assert_eq!(told(json), wanted);
        }
        let field = |found: &str, field: &str, wanted: &str| {
            format!("json: cannot unmarshal {found} into Go struct field continueToken.{field} of type {wanted}")
        };
        assert_eq!(told(r#"{"rv":"x"}"#), field("string", "rv", "int64"));
        assert_eq!(told(r#"{"rv":1.5}"#), field("number 1.5", "rv", "int64"));
        assert_eq!(
            told(r#"{"rv":9223372036854775808}"#),
            field("number 9223372036854775808", "rv", "int64")
        );
        // The first in the document, not in the order of keys.
        assert_eq!(told(r#"{"start":5,"rv":"x"}"#), field("number", "start", "string"));
        assert_eq!(told(r#"{"v":[],"start":{}}"#), field("array", "v", "string"));
        assert_eq!(told("{"), "unexpected end of JSON input");
        assert_eq!(told(""), "unexpected end of JSON input");
    }
}
