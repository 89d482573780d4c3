//! Placeholders for what differs from run to run.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::apiserver::pair::Pair;

/// What may differ anywhere, and what is shown instead.
static ANYWHERE: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let age = r"(?:\d+(?:ms|s|m|h|d|y))+";
    let table = [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".to_owned(), "<uid>"),
        (
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4}( UTC)?)?".to_owned(),
            "<time>",
        ),
        (
            r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000".to_owned(),
            "<time>",
        ),
        (r#"((?i:resource ?version)\\?"?: *\\?"?)\d+"#.to_owned(), "$1<version>"),
        (format!(r"(^|[\s(]){age}($|[\s)])"), "$1<age>$2"),
        // Once more for neighbours, which shared the space between them.
        (format!(r"(^|[\s(]){age}($|[\s)])"), "$1<age>$2"),
        // Addresses and ports that the apiserver draws; those that a transcript chooses lie in the lower parts of the ranges,
        // where nothing is drawn from while there is room above.
        (r"\b10\.0\.(?:[1-9]\d?|[12]\d\d)\.\d+\b".to_owned(), "<address>"),
        (
            r"\b(?:3008[6-9]|3009\d|30[1-9]\d\d|31\d{3}|32\d{3})\b".to_owned(),
            "<port>",
        ),
        (r"\bdrawn-[a-z0-9]{5}\b".to_owned(), "drawn-<drawn>"),
        (r"\bX509SHA256=[0-9a-f]{64}".to_owned(), "X509SHA256=<hash>"),
        (r"eyJ[\w-]+\.[\w-]+\.[\w-]+".to_owned(), "<token>"),
        (r"(resource version to be \d+, was )\d+".to_owned(), "$1<version>"),
        // kubectl's own: its version, its log, its scratch files.
        (
            r#"(Client Version: |Kustomize Version: |"?gitVersion"?: "?)v[\w.+-]+"#.to_owned(),
            "$1<version>",
        ),
        (r"(tooling: kubectl/)v[\w.+-]+".to_owned(), "$1<version>"),
        // A client that gives up within a second of its watch says so, which on a slow machine is any command with a short limit.
        (r"(?m)^[EIW]\d{4} .*very short watch: .*\n?".to_owned(), ""),
        // Whose time is up while it watches may begin once more before it looks at the clock, and says that it could not.
        (
            r"(?m)^[EIW]\d{4} .*[Ff]ailed to (?:list|watch)\b.*context deadline exceeded.*\n?".to_owned(),
            "",
        ),
        (
            r"(?m)^[EIW]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.]+:\d+\]".to_owned(),
            "<log>",
        ),
        (r"(?:/tmp/)?(LIVE|MERGED)-\d+".to_owned(), "$1"),
        (r"kubectl-edit-\d+\.yaml".to_owned(), "<edited>"),
        // Columns are as wide as what stands in them.
        (r"(\S) {2,}".to_owned(), "$1  "),
    ];
    table
        .into_iter()
        .map(|(regex, shown)| (Regex::new(&regex).unwrap(), shown))
        .collect()
});

/// Texts and what is shown instead of them.
pub(super) struct Masks(Vec<(String, String)>);

impl Masks {
    pub(super) fn new(pair: &Pair, home: &Path) -> Self {
        let mut masks = Self(Vec::new());
        masks.add("<home>", &home.display().to_string());
        masks.add("<pair>", &pair.folder().display().to_string());
        masks.add("<server>", &format!("127.0.0.1:{}", pair.port));
        masks.add("<published>", &format!("192.0.2.1:{}", pair.port));
        masks
    }

    /// Shows this instead of that text from now on.
    pub(super) fn add(&mut self, shown: &str, text: &str) {
        if !text.is_empty() {
            self.0.push((text.to_owned(), shown.to_owned()));
        }
    }

    pub(super) fn put_on(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (value, shown) in &self.0 {
            text = text.replace(value.as_str(), shown);
        }
        for (regex, shown) in ANYWHERE.iter() {
            text = regex.replace_all(&text, *shown).into_owned();
        }
        text
    }
}
