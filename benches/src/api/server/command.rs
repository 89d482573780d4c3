//! Command lines that start servers: their words, and the places in them.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{bail, ensure};

use crate::process::guarded;

/// A command line as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    words: Vec<String>,
}

/// What stands for each place, by name.
pub(crate) type Places = BTreeMap<&'static str, String>;

impl CommandLine {
    /// Splits a text into words as a shell does: by white space, but not in quotes or after a backslash. Nothing else that
    /// a shell does is done.
    ///
    /// # Errors
    /// There is no word, or a quote is not closed.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let words = split(text)?;
        ensure!(!words.is_empty(), "the command is empty");
        Ok(Self { words })
    }

    /// Whether it has the place `{name}`.
    pub(crate) fn has(&self, name: &str) -> bool {
        let place = format!("{{{name}}}");
        self.words.iter().any(|word| word.contains(&place))
    }

    /// The command, with its places filled.
    ///
    /// # Errors
    /// A place that there is nothing for.
    pub(crate) fn command(&self, places: &Places) -> anyhow::Result<Command> {
        let words: Vec<String> = self
            .words
            .iter()
            .map(|word| fill(word, places))
            .collect::<Result<_, _>>()?;
        let mut command = guarded(&words[0]);
        command.args(&words[1..]);
        Ok(command)
    }
}

fn split(text: &str) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(letters.next()),
            (mark, Some(open)) if mark == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(letter);
                // Quotes around nothing are a word too.
                word.get_or_insert_default();
            }
            (space, None) if space.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(open) = quote {
        bail!("a quote {open} is not closed in {text:?}");
    }
    words.extend(word);
    Ok(words)
}

/// Fills `{name}`; `{{` and `}}` are brackets.
fn fill(word: &str, places: &Places) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut rest = word;
    while let Some(bracket) = rest.find(['{', '}']) {
        text.push_str(&rest[..bracket]);
        let (mark, after) = rest[bracket..].split_at(1);
        if let Some(after) = after.strip_prefix(mark) {
            text.push_str(mark);
            rest = after;
            continue;
        }
        let name = after.split_once('}').filter(|_| mark == "{");
        let Some((name, after)) = name else {
            bail!("a bracket in {word:?} has no partner; write it twice if it is to stay");
        };
        let Some(value) = places.get(name) else {
            let known: Vec<&str> = places.keys().copied().collect();
            bail!("there is no place {{{name}}}; there are {}", known.join(", "));
        };
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        for (text, words) in [
            ("a  --b=c\td\n", &["a", "--b=c", "d"][..]),
            (r#"a "b c" 'd "e"' f\ g"#, &["a", "b c", "d \"e\"", "f g"]),
            (r#"a --b="c d"e '' "\"x\"""#, &["a", "--b=c de", "", "\"x\""]),
            (r"a 'b\c'", &["a", r"b\c"]),
        ] {
            assert_eq!(CommandLine::parse(text).unwrap().words, words, "{text}");
        }
        assert!(CommandLine::parse(" ").is_err());
        assert!(
            CommandLine::parse("a 'b")
                .unwrap_err()
                .to_string()
                .contains("not closed")
        );
    }

    #[test]
    fn places_are_filled() {
        let places = Places::from([("port", "6443".to_owned()), ("folder", "/data dir".to_owned())]);
        for (word, filled) in [
            ("--secure-port={port}", "--secure-port=6443"),
            ("{folder}/{port}", "/data dir/6443"),
            ("{{\"a\":{port}}}", "{\"a\":6443}"),
            ("plain", "plain"),
        ] {
            assert_eq!(fill(word, &places).unwrap(), filled, "{word}");
        }
        let error = fill("{pord}", &places).unwrap_err().to_string();
        assert_eq!(error, "there is no place {pord}; there are folder, port");
        assert!(fill("a}b", &places).is_err());
        assert!(fill("{port", &places).is_err());
    }

    #[test]
    fn a_command_has_its_places() {
        let line = CommandLine::parse("server '--dir={folder}' --port {port}").unwrap();
        assert!(line.has("port") && !line.has("store-port"));
        let places = Places::from([("port", "1".to_owned()), ("folder", "/a b".to_owned())]);
        let command = line.command(&places).unwrap();
        let words: Vec<&str> = command.get_args().filter_map(|word| word.to_str()).collect();
        assert!(words.ends_with(&["--dir=/a b", "--port", "1"]), "{words:?}");
    }
}
