//! Functions and their overloads, read from tables of declarations.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::declarations;
use crate::types::{Type, read, split};

/// One form of a function.
#[derive(Debug)]
pub(crate) struct Overload {
    /// Upstream's name of the form.
    pub(crate) id: &'static str,
    /// Whether the first argument stands before the name.
    pub(crate) member: bool,
    pub(crate) arguments: Vec<Type>,
    pub(crate) result: Type,
}

/// Functions by name.
pub(crate) type Functions = HashMap<&'static str, Vec<Overload>>;

/// What every environment of Kubernetes 1.36 has for expressions that are new.
pub(crate) static BASE: LazyLock<Functions> = LazyLock::new(|| {
    let mut all = Functions::new();
    for table in declarations::BASE {
        read_table(table, &mut all);
    }
    for (name, overload) in declarations::templated() {
        all.entry(name).or_default().push(overload);
    }
    all
});

/// What expressions that make patches have besides.
pub(crate) static PATCH: LazyLock<Functions> = LazyLock::new(|| {
    let mut all = Functions::new();
    read_table(declarations::PATCH, &mut all);
    all
});

fn read_table(table: &'static str, all: &mut Functions) {
    for line in table.lines() {
        if let Some((name, overload)) = read_line(line) {
            all.entry(name).or_default().push(overload);
        }
    }
}

/// A line as `name overload (arguments) -> result`, with a dot before the parenthesis if it is called on the first.
fn read_line(line: &'static str) -> Option<(&'static str, Overload)> {
    let (left, result) = line.rsplit_once("->")?;
    let (name, rest) = left.trim().split_once(' ')?;
    let (id, arguments) = rest.split_once(' ')?;
    let member = arguments.starts_with('.');
    let arguments = arguments.trim_start_matches('.').strip_prefix('(')?.strip_suffix(')')?;
    Some((
        name,
        Overload {
            id,
            member,
            arguments: split(arguments).into_iter().map(read).collect(),
            result: read(result),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_read() {
        for table in declarations::BASE.iter().chain([&declarations::PATCH]) {
            for line in table.lines().filter(|line| !line.is_empty()) {
                let (_, overload) = read_line(line).unwrap_or_else(|| panic!("{line}"));
                let typed = overload.arguments.iter().chain([&overload.result]);
                assert!(typed.into_iter().all(|one| *one != Type::Error), "{line}: {overload:?}");
            }
        }
    }

    #[test]
    fn no_overload_is_declared_twice() {
        for (name, overloads) in BASE.iter() {
            let mut ids: Vec<_> = overloads.iter().map(|one| one.id).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), overloads.len(), "{name}");
        }
    }
}
