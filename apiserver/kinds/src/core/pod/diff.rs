//! What differs between two objects, as a unified diff of their text.

use apiserver_api::tree::Tree;

/// Unchanged lines that are shown around a change.
const CONTEXT: usize = 3;
/// The most pairs of lines that are compared; what differs more is shown as replaced.
const PAIRS_MAX: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edit {
    Keep,
    Remove,
    Add,
}

/// The changes from one object to the other.
pub(super) fn unified(old: &Tree, new: &Tree) -> String {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    lines(old, 0, "", "", &mut a);
    lines(new, 0, "", "", &mut b);
    let edits = edits(&a, &b);
    let mut out = String::new();
    let mut at = 0;
    while let Some(first) = (at..edits.len()).find(|at| edits[*at] != Edit::Keep) {
        let begin = first.saturating_sub(CONTEXT).max(at);
        // A hunk goes on while the next change is near.
        let mut end = first;
        while let Some(next) = (end..edits.len().min(end + 2 * CONTEXT + 1)).find(|at| edits[*at] != Edit::Keep) {
            end = next + 1;
        }
        let end = (end + CONTEXT).min(edits.len());
        hunk(&edits, begin, end, &a, &b, &mut out);
        at = end;
    }
    out
}

fn hunk(edits: &[Edit], begin: usize, end: usize, a: &[String], b: &[String], out: &mut String) {
    let count = |edits: &[Edit], but: Edit| edits.iter().filter(|edit| **edit != but).count();
    let mut old = count(&edits[..begin], Edit::Add);
    let mut new = count(&edits[..begin], Edit::Remove);
    let hunk = &edits[begin..end];
    for part in [
        "@@ -",
        &range(old, count(hunk, Edit::Add)),
        " +",
        &range(new, count(hunk, Edit::Remove)),
        " @@\n",
    ] {
        out.push_str(part);
    }
    for edit in hunk {
        let (sign, line) = match edit {
            Edit::Keep => (' ', &a[old]),
            Edit::Remove => ('-', &a[old]),
            Edit::Add => ('+', &b[new]),
        };
        old += usize::from(*edit != Edit::Add);
        new += usize::from(*edit != Edit::Remove);
        out.push(sign);
        out.push_str(line);
        out.push('\n');
    }
}

fn range(begin: usize, count: usize) -> String {
    match count {
        1 => (begin + 1).to_string(),
        0 => format!("{begin},0"),
        _ => format!("{},{count}", begin + 1),
    }
}

/// JSON, one value a line, a space for each level.
fn lines(tree: &Tree, depth: usize, head: &str, tail: &str, out: &mut Vec<String>) {
    let pad = " ".repeat(depth);
    let ends = |last: bool| if last { "" } else { "," };
    match tree {
        Tree::Map(map) if !map.is_empty() => {
            out.push(format!("{pad}{head}{{"));
            for (at, (key, value)) in map.iter().enumerate() {
                let head = format!("\"{key}\": ");
                lines(value, depth + 1, &head, ends(at + 1 == map.len()), out);
            }
            out.push(format!("{pad}}}{tail}"));
        }
        Tree::List(items) if !items.is_empty() => {
            out.push(format!("{pad}{head}["));
            for (at, item) in items.iter().enumerate() {
                lines(item, depth + 1, "", ends(at + 1 == items.len()), out);
            }
            out.push(format!("{pad}]{tail}"));
        }
        leaf => {
            let json = leaf.to_json();
            out.push(format!("{pad}{head}{}{tail}", String::from_utf8_lossy(&json)));
        }
    }
}

/// The fewest edits that make one list of lines of the other.
fn edits(a: &[String], b: &[String]) -> Vec<Edit> {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (&a[same..], &b[same..]);
    let tail = rest_a.iter().rev().zip(rest_b.iter().rev());
    let tail = tail.take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (&rest_a[..rest_a.len() - tail], &rest_b[..rest_b.len() - tail]);
    let mut edits = vec![Edit::Keep; same];
    if rest_a.len().saturating_mul(rest_b.len()) > PAIRS_MAX {
        edits.extend(rest_a.iter().map(|_| Edit::Remove));
        edits.extend(rest_b.iter().map(|_| Edit::Add));
    } else {
        edits.extend(fewest(rest_a, rest_b));
    }
    edits.extend(vec![Edit::Keep; tail]);
    edits
}

/// By the longest common subsequence.
fn fewest(a: &[String], b: &[String]) -> Vec<Edit> {
    let width = b.len() + 1;
    let mut common = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut edits = Vec::with_capacity(a.len() + b.len());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            edits.push(Edit::Keep);
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            edits.push(Edit::Remove);
            i += 1;
        } else {
            edits.push(Edit::Add);
            j += 1;
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::unified;
    use crate::pod::testing::json;

    #[test]
    fn a_diff_shows_what_changed_with_what_stands_around_it() {
        let old = json(r#"{"a":1,"b":[1,2],"c":3,"d":4,"e":5}"#);
        let new = json(r#"{"a":1,"b":[1,3],"c":3,"d":4,"e":5}"#);
        let told = "@@ -2,7 +2,7 @@\n  \"a\": 1,\n  \"b\": [\n   1,\n-  2\n+  3\n  ],\n  \"c\": 3,\n  \"d\": 4,\n";
        assert_eq!(unified(&old, &new), told);
        assert_eq!(unified(&old, &old), "");
    }
}
