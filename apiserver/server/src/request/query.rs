//! The query of a request's address, and values of it as Go reads them.

use apiserver_api::go;
use apiserver_api::status::Status;

/// Pairs in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands after the question mark. As in Go, pairs with a semicolon and those with a percent sign that makes no
    /// sense are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
        let read = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescaped(key)?, unescaped(value)?))
        };
        Self(pairs.filter_map(read).collect())
    }

    /// The first value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(own, _)| own == key)?;
        Some(&found.1)
    }

    /// The first value of a key, empty where there is none.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// All values of a key.
    pub(crate) fn all<'q>(&'q self, key: &'q str) -> impl Iterator<Item = &'q str> {
        let pairs = self.0.iter().filter(move |(own, _)| own == key);
        pairs.map(|(_, value)| value.as_str())
    }

    /// Whether a key is said to be true: by anything but `false` and `0`.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        let text = self.get(key)?;
        Some(!(text.eq_ignore_ascii_case("false") || text == "0"))
    }

    /// A whole number.
    ///
    /// # Errors
    /// What Go says of it.
    pub(crate) fn int(&self, key: &str) -> Result<Option<i64>, String> {
        self.get(key).map(go::parse_int).transpose()
    }
}

/// A text without its escapes; nothing where one is none.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// A revision as Go reads it; 0 where nothing is said.
///
/// # Errors
/// What upstream says of it.
pub(crate) fn parse_revision(text: &str) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let quoted = go::quote(text);
    let wrong =
        |why: &str| format!("resourceVersion: Invalid value: {quoted}: strconv.ParseUint: parsing {quoted}: {why}");
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("invalid syntax"));
    }
    let revision: u64 = text.parse().map_err(|_| wrong("value out of range"))?;
    // The store counts to here.
    Ok(i64::try_from(revision).unwrap_or(i64::MAX))
}

/// What the store says of a revision that it does not reach, with the revision as it was asked for: that may be larger than
/// any to which the store counts.
pub(crate) fn as_asked(text: &str, mut status: Status) -> Status {
    let asked = text.parse::<u64>().ok().filter(|asked| i64::try_from(*asked).is_err());
    if let Some(asked) = asked {
        status.message = status.message.replacen(&i64::MAX.to_string(), &asked.to_string(), 1);
    }
    status
}

#[cfg(test)]
mod tests {
    use apiserver_api::status::Status;

    use super::{Query, as_asked, parse_revision};

    #[test]
    fn the_first_of_several_values_counts() {
        let query = Query::parse("limit=3&limit=4&watch=1&x=a%2Cb+c&dryRun=All");
        assert_eq!(
            (query.int("limit"), query.flag("watch"), query.text("x")),
            (Ok(Some(3)), Some(true), "a,b c")
        );
        assert_eq!((query.flag("force"), query.all("limit").count()), (None, 2));
        assert_eq!(Query::parse("watch=FALSE").flag("watch"), Some(false));
    }

    #[test]
    fn pairs_that_go_does_not_read_are_passed_over() {
        let query = Query::parse("limit=1;x&a=%zz&b=%4&%=c&labelSelector=a%3Db;x=1&d=e;&&f&g=%C3%BC%ff+%2B&=h");
        let pairs = query.0.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let read: Vec<_> = pairs.collect();
        assert_eq!(read, [("f", ""), ("g", "\u{fc}\u{fffd} +"), ("", "h")]);
    }

    #[test]
    fn a_revision_that_no_store_reaches_is_told_as_it_was_asked_for() {
        let told = |text: &str| {
            let asked = parse_revision(text).unwrap() as u64;
            as_asked(text, Status::too_large_resource_version(asked, 7, 1)).message
        };
        for text in [
            "8",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
        ] {
            assert_eq!(
                told(text),
                format!("Timeout: Too large resource version: {text}, current: 7")
            );
        }
        let beyond = parse_revision("18446744073709551616").unwrap_err();
        assert!(beyond.ends_with("value out of range"), "{beyond}");
    }

    #[test]
    fn numbers_that_are_none_are_told_in_gos_words() {
        let int = |text: &str| Query::parse(&format!("limit={text}")).int("limit").unwrap_err();
        assert_eq!(int("x"), r#"strconv.ParseInt: parsing "x": invalid syntax"#);
        assert_eq!(
            int("99999999999999999999"),
            r#"strconv.ParseInt: parsing "99999999999999999999": value out of range"#
        );
        assert_eq!(
            parse_revision("-1").unwrap_err(),
            r#"resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax"#
        );
    }
}
