//! What a client is warned of beside its answer: each thing once, in order, and no more than is sent.

use std::collections::HashSet;

/// Warnings of one answer have so many letters; where they had more, each is cut.
const LETTERS_MAX: usize = 4096;
/// Whoever told of so many different things is not heard any more.
pub const ENOUGH: usize = LETTERS_MAX;
/// What a warning is cut to.
const CUT: usize = 256;
/// The most warnings; clients there are that take no answer of more than a hundred headers. Upstream has no such limit.
const MOST: usize = 80;

/// Warnings of one answer. Bodies there are that deserve a million of them: what will not be sent is not kept either.
#[derive(Clone, Debug, Default)]
pub struct Warnings {
    texts: Vec<String>,
    known: HashSet<String>,
    /// The letters of all that were added, each as long as it is sent.
    letters: usize,
    /// What that would be if each were cut.
    cut_letters: usize,
    is_cutting: bool,
}

impl Warnings {
    /// Adds one, without what no header may hold.
    pub fn add(&mut self, text: impl Into<String>) {
        if self.is_cutting && self.letters >= LETTERS_MAX {
            return;
        }
        let mut text = text.into();
        text.retain(|letter| !letter.is_control());
        if text.is_empty() || self.known.contains(&text) {
            return;
        }
        self.known.insert(text.clone());
        let letters = text.chars().count();
        self.letters += letters;
        self.cut_letters += letters.min(CUT);
        if !self.is_cutting && self.letters > LETTERS_MAX {
            self.is_cutting = true;
            self.texts.iter_mut().for_each(cut);
        }
        if self.is_cutting {
            self.letters = self.cut_letters;
            cut(&mut text);
        }
        if self.texts.len() < MOST {
            self.texts.push(text);
        }
    }

    /// What is sent.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// Cuts a text behind so many letters.
fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(CUT) {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::Warnings;

    fn of(texts: impl IntoIterator<Item = String>) -> Warnings {
        let mut warnings = Warnings::default();
        texts.into_iter().for_each(|text| warnings.add(text));
        warnings
    }

    #[test]
    fn each_thing_is_told_once_without_letters_that_no_header_may_hold() {
        let warnings = of(["b\n", "a", "b", ""].map(String::from));
        assert_eq!(warnings.texts(), ["b", "a"]);
    }

    #[test]
    fn warnings_that_are_too_long_together_are_cut_each() {
        let letters = |warnings: &Warnings| -> Vec<usize> {
            let texts = warnings.texts().iter();
            texts.map(|text| text.chars().count()).collect()
        };
        let mut warnings = of(["a".repeat(300), "\u{fc}".repeat(3796)]);
        assert_eq!(letters(&warnings), [300, 3796]);
        warnings.add("c");
        assert_eq!(letters(&warnings), [256, 256, 1]);
        // From here each counts as it is sent, until there is no room.
        (0..100).for_each(|at| warnings.add(format!("{at}{}", "d".repeat(1000))));
        let all = letters(&warnings);
        assert_eq!((all.len(), all.iter().sum::<usize>()), (17, 16 * 256 + 1));
    }

    #[test]
    fn what_cannot_be_sent_is_not_kept() {
        let warnings = of((0..1_000_000).map(|at| at.to_string()));
        assert_eq!(warnings.texts().len(), 80);
        assert!(warnings.known.len() < 2000, "{}", warnings.known.len());
    }
}
