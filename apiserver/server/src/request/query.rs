//! The query of a request's address, and values of it as Go reads them.

use apiserver_api::go;

/// Pairs in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands after the question mark.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Self(
            pairs
                .map(|(key, value)| (key.into_owned(), value.into_owned()))
                .collect(),
        )
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
        self.get(key).map(parse_int).transpose()
    }
}

/// A whole number as Go reads it.
fn parse_int(text: &str) -> Result<i64, String> {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let wrong = |why: &str| format!("strconv.ParseInt: parsing {}: {why}", go::quote(text));
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("invalid syntax"));
    }
    text.parse().map_err(|_| wrong("value out of range"))
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

#[cfg(test)]
mod tests {
    use super::{Query, parse_revision};

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
