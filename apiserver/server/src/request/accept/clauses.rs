//! The `Accept` header in clauses, as the package reads it that upstream does (`goautoneg`): what is odd as much as what is right.

/// So many clauses that package puts into their order one after the other. Of more, those that are liked alike are here as the
/// header has them, and there as its algorithm leaves them.
const FEW: usize = 12;

/// A clause of the header: a type, its weight and its parameters.
pub(crate) struct Clause<'a> {
    /// The first half of the type.
    pub(crate) kind: &'a str,
    /// The second half.
    pub(crate) part: &'a str,
    weight: f32,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Clause<'a> {
    /// A parameter; of several of one name the last.
    pub(crate) fn said(&self, key: &str) -> Option<&'a str> {
        let found = self.parameters.iter().rev().find(|(name, _)| *name == key);
        found.map(|(_, value)| *value)
    }

    /// Whether a type is among those that are meant.
    pub(crate) fn takes(&self, kind: &str, part: &str) -> bool {
        match (self.kind, self.part) {
            ("*", "*") => true,
            (own, "*") => own == kind,
            own => own == (kind, part),
        }
    }

    /// Whether this one is tried before another. Two there may be that are both tried before the other.
    fn is_before(&self, other: &Self) -> bool {
        self.weight > other.weight || (self.kind != "*" && other.kind == "*") || (self.part != "*" && other.part == "*")
    }
}

/// The clauses of a header that name a type, those that the client likes best first; of those that it likes alike the ones
/// that name a type come before those that take all.
pub(crate) fn clauses(header: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<_> = header.split(',').filter_map(clause).collect();
    if clauses.len() > FEW {
        clauses.sort_by(|a, b| {
            let liked = b.weight.total_cmp(&a.weight);
            liked.then_with(|| (a.kind == "*", a.part == "*").cmp(&(b.kind == "*", b.part == "*")))
        });
        return clauses;
    }
    for at in 1..clauses.len() {
        for to in (1..=at).rev() {
            if !clauses[to].is_before(&clauses[to - 1]) {
                break;
            }
            clauses.swap(to, to - 1);
        }
    }
    clauses
}

/// Only spaces are around things, not tabs.
fn trimmed(text: &str) -> &str {
    text.trim_matches(' ')
}

/// What is before a letter and what is after it; nothing is after it where there is none.
fn halves(text: &str, at: char) -> (&str, &str) {
    text.split_once(at).unwrap_or((text, ""))
}

/// A clause; nothing where its type is none.
fn clause(text: &str) -> Option<Clause<'_>> {
    let (name, parameters) = halves(trimmed(text), ';');
    let (kind, part) = halves(name, '/');
    let kind = trimmed(kind);
    let part = match halves(part, '/') {
        _ if part.is_empty() && kind == "*" => "*",
        // An end of `/` is passed over.
        (half, "") if !part.is_empty() => trimmed(half),
        _ => return None,
    };
    let mut clause = Clause {
        kind,
        part,
        weight: 1.0,
        parameters: Vec::new(),
    };
    for parameter in parameters.split(';') {
        let (key, rest) = halves(parameter, '=');
        let (value, more) = halves(rest, '=');
        if rest.is_empty() || !more.is_empty() {
            continue;
        }
        match trimmed(key) {
            // What is no number is none of liking; spaces make it none.
            "q" => clause.weight = value.parse().unwrap_or(0.0),
            key => clause.parameters.push((key, trimmed(value))),
        }
    }
    Some(clause)
}

#[cfg(test)]
mod tests {
    use super::clauses;

    /// The types in their order.
    fn types(header: &str) -> Vec<String> {
        let clauses = clauses(header);
        clauses.iter().map(|one| format!("{}/{}", one.kind, one.part)).collect()
    }

    #[test]
    fn what_is_no_type_is_passed_over() {
        for (header, expected) in [
            ("", &[][..]),
            (",, ,", &[]),
            ("a,/,a/,a/b/c,;q=1", &[]),
            ("*", &["*/*"]),
            ("*/", &["*/*"]),
            ("*/b", &["*/b"]),
            (" a / b ", &["a/b"]),
            ("a/b/,a//,*//", &["a/b", "a/", "*/"]),
            ("a/ ,a/ ;q=1", &["a/"]),
            ("a/b,\tc/d\t", &["a/b", "\tc/d\t"]),
        ] {
            assert_eq!(types(header), expected, "{header:?}");
        }
    }

    #[test]
    fn weights_are_numbers_or_nothing() {
        for (header, expected) in [
            ("a/a;q=0.1,b/b;q=0.2", ["b/b", "a/a"]),
            // No numbers are 0, which is no refusal.
            ("a/a;q=x,b/b;q=0.1", ["b/b", "a/a"]),
            ("a/a;q= 1,b/b;q=0.1", ["b/b", "a/a"]),
            ("a/a;q=1 ,b/b;q=0.1", ["a/a", "b/b"]),
            ("a/a;q=1 ;x=y,b/b;q=0.1", ["b/b", "a/a"]),
            ("a/a;q=\"1\",b/b;q=0.1", ["b/b", "a/a"]),
            ("a/a;q=0.1,b/b; q =0.2", ["b/b", "a/a"]),
            // Nothing is said.
            ("a/a;q=0.5,b/b;q", ["b/b", "a/a"]),
            ("a/a;q=0.5,b/b;q=", ["b/b", "a/a"]),
            ("a/a;q=0.5,b/b;q=0.1=0.2", ["b/b", "a/a"]),
            ("a/a;q=0.5,b/b;Q=0.1", ["b/b", "a/a"]),
            ("a/a;q=0.5,b/b;q=0.1=", ["a/a", "b/b"]),
            // The last counts, and any number is one.
            ("a/a;q=0.5,b/b;q=0.1;q=0.9", ["b/b", "a/a"]),
            ("a/a,b/b;q=7", ["b/b", "a/a"]),
            ("a/a;q=1e3,b/b;q=inf", ["b/b", "a/a"]),
            ("a/a;q=-1,b/b;q=0", ["b/b", "a/a"]),
            // Of 32 bits.
            ("a/a;q=0.1,b/b;q=0.100000000001", ["a/a", "b/b"]),
        ] {
            assert_eq!(types(header), expected, "{header:?}");
        }
    }

    #[test]
    fn a_type_that_is_named_goes_before_all_that_stand_before_it() {
        for (header, expected) in [
            ("*/*,a/a;q=0.1", &["a/a", "*/*"][..]),
            ("a/a;q=0.1,*/*", &["*/*", "a/a"]),
            ("a/*,a/b;q=0.1", &["a/b", "a/*"]),
            ("b/b,*/*,a/a;q=0.1", &["b/b", "a/a", "*/*"]),
        ] {
            assert_eq!(types(header), expected, "{header:?}");
        }
    }

    #[test]
    fn parameters_have_one_value_which_is_something() {
        for (header, expected) in [
            ("a/b;k=v", Some("v")),
            ("a/b; k = v ;x", Some("v")),
            ("a/b;k=v;k=w", Some("w")),
            ("a/b;k=v;k=;k;k=x=y", Some("v")),
            ("a/b;k=v=", Some("v")),
            ("a/b;k= ;x=y", Some("")),
            ("a/b;k=\"v\"", Some("\"v\"")),
            ("a/b;k=\tv", Some("\tv")),
            ("a/b;k=", None),
            ("a/b;k==v", None),
            ("a/b;\tk=v", None),
            ("a/b", None),
        ] {
            assert_eq!(clauses(header)[0].said("k"), expected, "{header:?}");
        }
    }

    #[test]
    fn what_takes_all_takes_all() {
        for (header, taken) in [
            ("a/b", [true, false, false]),
            ("a/*", [true, true, false]),
            ("*/*", [true, true, true]),
            ("*/b", [false, false, false]),
        ] {
            let clauses = clauses(header);
            let takes = [("a", "b"), ("a", "c"), ("b", "b")].map(|(kind, part)| clauses[0].takes(kind, part));
            assert_eq!(takes, taken, "{header}");
        }
    }

    #[test]
    fn many_clauses_are_sorted_in_no_more_time_than_they_are_read() {
        // Twice the most that a header has. Where each is put in after the other, or a comparison looks through a type, this
        // takes many minutes.
        let (many, long) = ("a/b,".repeat(250_000), "*".repeat(1_000_000));
        let header = format!("*/*,{many}{long}/x,{many}b/c;q=2");
        let sorted = clauses(&header);
        assert_eq!(sorted.len(), 500_003);
        assert_eq!(
            (sorted[0].kind, sorted[500_001].part, sorted[500_002].kind),
            ("b", "b", "*")
        );
    }
}
