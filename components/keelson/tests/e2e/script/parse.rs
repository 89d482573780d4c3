//! Reading a script.

use regex::Regex;

/// A whole script.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) members: usize,
    pub(super) flags: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// One command and what is said about it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) command: String,
    pub(super) stdin: String,
    pub(super) saves: Vec<(String, Regex)>,
    pub(super) ids: Vec<(String, Regex)>,
    pub(super) masks: Vec<Regex>,
    pub(super) until: Option<Regex>,
    pub(super) lines: Option<usize>,
    pub(super) sort: bool,
    pub(super) background: bool,
    pub(super) apart: Option<String>,
}

impl Step {
    fn new() -> Self {
        Self {
            line: 0,
            command: String::new(),
            stdin: String::new(),
            saves: Vec::new(),
            ids: Vec::new(),
            masks: Vec::new(),
            until: None,
            lines: None,
            sort: false,
            background: false,
            apart: None,
        }
    }
}

/// Reads a script; a mistake in it fails the test.
pub(super) fn parse(text: &str) -> Script {
    let mut script = Script {
        members: 1,
        flags: Vec::new(),
        steps: Vec::new(),
    };
    let mut next = Step::new();
    for (at, line) in text.lines().enumerate() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" | "#" => {}
            "cluster" => {
                let mut words = rest.split(' ');
                script.members = words
                    .next()
                    .and_then(|word| word.parse().ok())
                    .expect("cluster MEMBERS FLAGS");
                script.flags = words.map(str::to_owned).collect();
            }
            "|" => {
                let step = script.steps.last_mut().expect("input has a command above it");
                step.stdin += rest;
                step.stdin.push('\n');
            }
            "@save" => {
                let (name, regex) = rest.split_once(' ').expect("@save NAME REGEX");
                next.saves.push((name.to_owned(), regex_of(regex)));
            }
            "@id" => {
                let (name, regex) = rest.split_once(' ').expect("@id NAME REGEX");
                next.ids.push((name.to_owned(), regex_of(regex)));
            }
            "@mask" => next.masks.push(regex_of(rest)),
            "@until" => next.until = Some(regex_of(rest)),
            "@lines" => next.lines = Some(rest.parse().expect("@lines NUMBER")),
            "@sort" => next.sort = true,
            "@background" => next.background = true,
            "@apart" => next.apart = Some(rest.to_owned()),
            _ if word.starts_with('@') => panic!("line {}: unknown {word}", at + 1),
            _ => {
                next.line = at + 1;
                line.clone_into(&mut next.command);
                script.steps.push(std::mem::replace(&mut next, Step::new()));
            }
        }
    }
    script
}

fn regex_of(text: &str) -> Regex {
    Regex::new(&format!("(?m){text}")).unwrap_or_else(|error| panic!("{error}"))
}

/// Splits a command into words as a shell does: spaces, single and double quotes, `\n`, `\0` and the like are left to
/// the tool.
pub(super) fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    for letter in command.chars() {
        match (letter, quote) {
            ('\'' | '"', None) => (quote, begun) = (Some(letter), true),
            (_, Some(open)) if open == letter => quote = None,
            (' ', None) => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_said_about_a_command() {
        let script =
            parse("cluster 3 --a=1\n# note\n@save x (a)\n@sort\netcdctl txn\n| one\n|\n| two\nfetch /health\n");
        assert_eq!((script.members, script.flags.len(), script.steps.len()), (3, 1, 2));
        let [txn, fetch] = &script.steps[..] else { panic!() };
        assert_eq!(txn.stdin, "one\n\ntwo\n");
        assert!(txn.sort && txn.saves[0].0 == "x" && !fetch.sort);
    }

    #[test]
    fn splits_as_a_shell() {
        assert_eq!(
            words(r#"put 'a b' "" x'y'  {"k":1}"#),
            ["put", "a b", "", "xy", "{k:1}"]
        );
        assert_eq!(words(r#"post '{"k":1}'"#), ["post", r#"{"k":1}"#]);
    }
}
