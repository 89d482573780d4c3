//! The unified difference of two texts, as upstream's messages show what changed.
//!
//! The longest run of equal lines is found first, then those on both sides of it, as Python's difflib and its child in Go do;
//! other algorithms give other differences.

use std::collections::HashMap;
use std::fmt::Write;

/// So many lines are looked at in all. Texts there are of which each half is as hard as the whole; what is not reached then
/// counts as changed.
pub(crate) const LOOKS: usize = 4_000_000;
/// So many equal lines are shown around a change.
const CONTEXT: usize = 3;
/// From so many lines on, lines that stand there often are no beginnings of runs.
const LONG: usize = 200;

/// A stretch of lines on both sides: from and to, in the old and in the new.
#[derive(Clone, Copy, PartialEq)]
struct Stretch {
    equal: bool,
    old: (usize, usize),
    new: (usize, usize),
}

/// A line. Equal ones have the same number, so that long ones are compared once.
#[derive(Clone, Copy)]
struct Line<'t> {
    text: &'t str,
    number: usize,
}

struct Matcher<'t> {
    old: Vec<Line<'t>>,
    new: Vec<Line<'t>>,
    /// Where the line of a number stands in the new text.
    places: Vec<Vec<usize>>,
}

/// What makes `new` of `old`; nothing where they are equal.
pub(crate) fn unified(old: &str, new: &str) -> String {
    unified_within(old, new, &mut LOOKS.clone())
}

/// The same for one of several: they share `looks`, of which there are [`LOOKS`] in all.
pub(crate) fn unified_within(old: &str, new: &str, looks: &mut usize) -> String {
    let matcher = Matcher::new(old, new);
    let mut out = String::new();
    for group in matcher.groups(looks) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let (from, to) = (range(first.old.0, last.old.1), range(first.new.0, last.new.1));
        // Writing to a string does not fail.
        let _ = writeln!(out, "@@ -{from} +{to} @@");
        for stretch in group {
            let (old, new) = (stretch.old, stretch.new);
            let mark = if stretch.equal { ' ' } else { '-' };
            for line in &matcher.old[old.0..old.1] {
                let _ = writeln!(out, "{mark}{}", line.text);
            }
            for line in matcher.new[new.0..new.1].iter().filter(|_| !stretch.equal) {
                let _ = writeln!(out, "+{}", line.text);
            }
        }
    }
    out
}

fn range(from: usize, to: usize) -> String {
    match to - from {
        1 => format!("{}", from + 1),
        0 => format!("{from},0"),
        count => format!("{},{count}", from + 1),
    }
}

impl<'t> Matcher<'t> {
    fn new(old: &'t str, new: &'t str) -> Self {
        let mut numbers = HashMap::new();
        let mut numbered = |text: &'t str| -> Vec<Line<'t>> {
            let line = |text| {
                let next = numbers.len();
                let number = *numbers.entry(text).or_insert(next);
                Line { text, number }
            };
            text.split('\n').map(line).collect()
        };
        let (old, new) = (numbered(old), numbered(new));
        let mut places = vec![Vec::new(); numbers.len()];
        for (at, line) in new.iter().enumerate() {
            places[line.number].push(at);
        }
        if new.len() >= LONG {
            for at in places.iter_mut().filter(|at| at.len() > new.len() / 100 + 1) {
                at.clear();
            }
        }
        Self { old, new, places }
    }

    /// The longest run of equal lines within bounds, the first of several: where it begins on both sides, and its length.
    fn longest(&self, old: (usize, usize), new: (usize, usize), looks: &mut usize) -> (usize, usize, usize) {
        let (mut i, mut j, mut size) = (old.0, new.0, 0);
        let mut runs: HashMap<usize, usize> = HashMap::new();
        for at in old.0..old.1 {
            let mut next = HashMap::new();
            let places = &self.places[self.old[at].number];
            *looks = looks.saturating_sub(1 + places.len());
            if *looks == 0 {
                return (old.0, new.0, 0);
            }
            for &place in places {
                if !(new.0..new.1).contains(&place) {
                    continue;
                }
                let run = place.checked_sub(1).and_then(|before| runs.get(&before)).unwrap_or(&0) + 1;
                next.insert(place, run);
                if run > size {
                    (i, j, size) = (at + 1 - run, place + 1 - run, run);
                }
            }
            runs = next;
        }
        while i > old.0 && j > new.0 && self.old[i - 1].number == self.new[j - 1].number {
            (i, j, size) = (i - 1, j - 1, size + 1);
        }
        while i + size < old.1 && j + size < new.1 && self.old[i + size].number == self.new[j + size].number {
            size += 1;
        }
        (i, j, size)
    }

    /// All runs of equal lines, in order, and an empty one at the end.
    fn runs(&self, looks: &mut usize) -> Vec<(usize, usize, usize)> {
        let mut runs = Vec::new();
        let mut open = vec![((0, self.old.len()), (0, self.new.len()))];
        while let Some((old, new)) = open.pop() {
            let (i, j, size) = self.longest(old, new, looks);
            if size > 0 {
                runs.push((i, j, size));
                open.push(((old.0, i), (new.0, j)));
                open.push(((i + size, old.1), (j + size, new.1)));
            }
        }
        runs.sort_unstable();
        let mut joined: Vec<(usize, usize, usize)> = Vec::with_capacity(runs.len() + 1);
        for run in runs {
            match joined.last_mut() {
                Some(last) if last.0 + last.2 == run.0 && last.1 + last.2 == run.1 => last.2 += run.2,
                _ => joined.push(run),
            }
        }
        joined.push((self.old.len(), self.new.len(), 0));
        joined
    }

    fn stretches(&self, looks: &mut usize) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        let (mut i, mut j) = (0, 0);
        for (old, new, size) in self.runs(looks) {
            if i < old || j < new {
                stretches.push(Stretch {
                    equal: false,
                    old: (i, old),
                    new: (j, new),
                });
            }
            (i, j) = (old + size, new + size);
            if size > 0 {
                stretches.push(Stretch {
                    equal: true,
                    old: (old, i),
                    new: (new, j),
                });
            }
        }
        stretches
    }

    /// Changes with what is around them; those that are near each other stand together.
    fn groups(&self, looks: &mut usize) -> Vec<Vec<Stretch>> {
        let mut stretches = self.stretches(looks);
        if let Some(first) = stretches.first_mut().filter(|first| first.equal) {
            first.old.0 = first.old.0.max(first.old.1.saturating_sub(CONTEXT));
            first.new.0 = first.new.0.max(first.new.1.saturating_sub(CONTEXT));
        }
        if let Some(last) = stretches.last_mut().filter(|last| last.equal) {
            last.old.1 = last.old.1.min(last.old.0 + CONTEXT);
            last.new.1 = last.new.1.min(last.new.0 + CONTEXT);
        }
        let mut groups = vec![Vec::new()];
        for mut stretch in stretches {
            let mut group = groups.pop().unwrap_or_default();
            if stretch.equal && stretch.old.1 - stretch.old.0 > 2 * CONTEXT {
                group.push(Stretch {
                    old: (stretch.old.0, stretch.old.0 + CONTEXT),
                    new: (stretch.new.0, stretch.new.0 + CONTEXT),
                    ..stretch
                });
                groups.push(std::mem::take(&mut group));
                stretch.old.0 = stretch.old.1 - CONTEXT;
                stretch.new.0 = stretch.new.1 - CONTEXT;
            }
            group.push(stretch);
            groups.push(group);
        }
        groups.retain(|group| group.iter().any(|stretch| !stretch.equal));
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::{unified, unified_within};

    #[test]
    fn equal_texts_do_not_differ() {
        assert_eq!(unified("a\nb", "a\nb"), "");
    }

    #[test]
    fn a_change_is_shown_with_three_lines_around_it() {
        let told = unified("1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\nx\n6\n7\n8\n9");
        assert_eq!(told, "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
        assert_eq!(unified("", "a"), "@@ -1 +1 @@\n-\n+a\n");
    }

    #[test]
    fn what_is_too_hard_to_compare_counts_as_changed() {
        let text = |odd: &str| {
            (0..40_000)
                .map(|at| format!("{at}\n{odd}{at}\n"))
                .collect::<Vec<_>>()
                .concat()
        };
        let told = unified(&text("a"), &text("b"));
        assert!(told.starts_with("@@ ") && told.contains("-a39999\n"));
    }

    #[test]
    fn differences_that_are_told_together_share_their_looks() {
        let (old, new) = ("1\n2\n3\n4\n5", "1\n2\n3\n4\n6");
        let mut looks = 30;
        let told = unified_within(old, new, &mut looks);
        assert_eq!(told, unified(old, new));
        assert!(looks > 0);
        looks = 1;
        let told = unified_within(old, new, &mut looks);
        assert_eq!(told, "@@ -1,5 +1,5 @@\n-1\n-2\n-3\n-4\n-5\n+1\n+2\n+3\n+4\n+6\n");
    }

    #[test]
    fn changes_far_from_each_other_stand_apart() {
        let old = "a\n1\n2\n3\n4\n5\n6\n7\nb";
        let told = unified(old, "1\n2\n3\n4\n5\n6\n7\nc");
        assert_eq!(
            told,
            "@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n@@ -6,4 +5,4 @@\n 5\n 6\n 7\n-b\n+c\n"
        );
    }
}
