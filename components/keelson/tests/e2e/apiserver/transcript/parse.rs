//! A transcript as a list of steps, read and written.

use std::collections::BTreeMap;
use std::fmt;

use super::MINORS;

/// A whole file.
pub(super) struct Script {
    pub(super) items: Vec<Item>,
}

/// A piece of it.
pub(super) enum Item {
    /// A line for the reader.
    Text(String),
    Step(Step),
}

/// A command, and what each version must print.
#[derive(Default)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) command: String,
    pub(super) stdin: String,
    pub(super) save: Option<String>,
    pub(super) until: Option<usize>,
    pub(super) sort: bool,
    pub(super) watches: Option<String>,
    /// The lines above, as they stand in the file.
    above: Vec<String>,
    /// Versions (none means all) and what they print.
    variants: Vec<(Vec<u32>, String)>,
}

impl Script {
    pub(super) fn parse(text: &str) -> Self {
        let mut items: Vec<Item> = Vec::new();
        let mut next = Step::default();
        for (at, line) in text.lines().enumerate() {
            if let Some(about) = line.strip_prefix('@') {
                next.about(about);
                next.above.push(line.to_owned());
                continue;
            }
            if let Some(command) = line.strip_prefix("$ ") {
                next.line = at + 1;
                command.clone_into(&mut next.command);
                items.push(Item::Step(std::mem::take(&mut next)));
                continue;
            }
            let taken = match items.last_mut() {
                Some(Item::Step(step)) => step.take(line),
                _ => false,
            };
            if !taken {
                items.push(Item::Text(line.to_owned()));
            }
        }
        Self { items }
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.items.iter().filter_map(|item| match item {
            Item::Step(step) => Some(step),
            Item::Text(_) => None,
        })
    }
}

impl Step {
    fn about(&mut self, text: &str) {
        let (name, value) = text.split_once(' ').unwrap_or((text, ""));
        match name {
            "save" => self.save = Some(value.to_owned()),
            "until" => self.until = Some(value.parse().unwrap()),
            "sort" => self.sort = true,
            "watches" => self.watches = Some(value.to_owned()),
            other => panic!("@{other} means nothing"),
        }
    }

    /// Takes a line below the command, if it belongs to it.
    fn take(&mut self, line: &str) -> bool {
        if let Some(input) = line.strip_prefix("< ").or_else(|| line.strip_prefix('<')) {
            self.stdin.extend([input, "\n"]);
            return true;
        }
        if let Some(minors) = line.strip_prefix("[1.").and_then(|line| line.strip_suffix(']')) {
            let minors = minors.split(" 1.").map(|minor| minor.parse().unwrap()).collect();
            self.variants.push((minors, String::new()));
            return true;
        }
        if !["| ", "! ", "= "].iter().any(|front| line.starts_with(front)) && line != "|" && line != "!" {
            return false;
        }
        if self.variants.is_empty() {
            self.variants.push((Vec::new(), String::new()));
        }
        if let Some((_, printed)) = self.variants.last_mut() {
            printed.extend([line, "\n"]);
        }
        true
    }

    /// What this version must print, if it is on record.
    pub(super) fn printed_by(&self, minor: u32) -> Option<&str> {
        if self.variants.is_empty() {
            // Nothing is what some commands print.
            return Some("");
        }
        let found = self
            .variants
            .iter()
            .find(|(minors, _)| minors.is_empty() || minors.contains(&minor));
        found.map(|(_, printed)| printed.as_str())
    }

    /// Puts in what versions print; those that print the same stand together.
    pub(super) fn set(&mut self, all: &BTreeMap<u32, String>) {
        self.variants.clear();
        for (minor, printed) in all {
            match self.variants.iter_mut().find(|(_, other)| other == printed) {
                Some((minors, _)) => minors.push(*minor),
                None => self.variants.push((vec![*minor], printed.clone())),
            }
        }
        if let [(minors, _)] = self.variants.as_mut_slice()
            && minors.len() == MINORS.len()
        {
            minors.clear();
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.items {
            match item {
                Item::Text(line) => writeln!(f, "{line}")?,
                Item::Step(step) => write!(f, "{step}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.above {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "$ {}", self.command)?;
        for line in self.stdin.lines() {
            writeln!(f, "{}", format!("< {line}").trim_end())?;
        }
        for (minors, printed) in &self.variants {
            if !minors.is_empty() {
                let minors: Vec<String> = minors.iter().map(|minor| format!("1.{minor}")).collect();
                writeln!(f, "[{}]", minors.join(" "))?;
            }
            f.write_str(printed)?;
        }
        Ok(())
    }
}

/// The words of a command, quoted as in a shell.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (None, ' ') => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# Why.\n\n@save uid\n$ kubectl get -o name 'a b' \"\"\n< in\n| out\n! err\n= 1\n\n$ write f\n< x\n<\n";

    #[test]
    fn what_is_read_is_written_as_it_was() {
        assert_eq!(Script::parse(TEXT).to_string(), TEXT);
        let script = Script::parse(TEXT);
        let step = script.steps().next().unwrap();
        assert_eq!(
            (step.line, step.save.as_deref(), step.stdin.as_str()),
            (4, Some("uid"), "in\n")
        );
        assert_eq!(words(&step.command), ["kubectl", "get", "-o", "name", "a b", ""]);
        assert_eq!(step.printed_by(27), Some("| out\n! err\n= 1\n"));
    }

    #[test]
    fn versions_that_print_the_same_stand_together() {
        let mut step = Step::default();
        let all = |last: &str| -> BTreeMap<u32, String> {
            let text = |minor: u32| if minor == 37 { last } else { "| a\n" };
            MINORS.iter().map(|minor| (*minor, text(*minor).to_owned())).collect()
        };
        step.set(&all("| b\n"));
        assert_eq!(
            step.to_string(),
            "$ \n[1.27 1.28 1.29 1.30 1.31 1.32 1.33]\n| a\n[1.37]\n| b\n"
        );
        assert_eq!(step.printed_by(37), Some("| b\n"));
        assert_eq!(step.printed_by(36), None, "nobody recorded it");
        step.set(&all("| a\n"));
        assert_eq!(step.to_string(), "$ \n| a\n");
    }
}
