//! Flags as pflag reads them and cobra explains them: two dashes, one-letter flags, values that add up, words anywhere.
//!
//! Start reading at [`Table::parse`]. Names may be written with `_` for `-`, as Kubernetes' programs allow.

mod csv;
mod help;
mod kind;
mod parse;
mod shapes;

pub use kind::{Kind, Value};
pub use parse::{ParseError, Parsed};
pub use shapes::{CertKey, PortRange};

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Without dashes.
    pub name: &'static str,
    /// The one-letter name.
    pub short: Option<char>,
    /// What values it takes, and what becomes of several.
    pub kind: Kind,
    /// The value when none is given, as it would be given; empty is the kind's own nothing.
    pub default: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// What the help says after that sentence, where it must be put together.
    pub more: Option<fn() -> String>,
    /// Why nothing but the default is taken yet, and what to do; empty where the flag works.
    pub later: &'static str,
    /// What to use instead; empty where the flag is not on its way out.
    pub deprecated: &'static str,
    /// Not in the help.
    pub hidden: bool,
}

/// Rows under one heading of the help.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The heading, to which the help adds `flags`.
    pub title: &'static str,
    /// One row a flag, in any order.
    pub rows: &'static [Flag],
}

/// All flags of a program.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// In the order of the help.
    pub groups: &'static [Group],
}

impl Table {
    /// All rows, group by group.
    pub fn rows(&self) -> impl Iterator<Item = &'static Flag> + use<> {
        self.groups.iter().flat_map(|group| group.rows)
    }

    /// The row of a name.
    pub fn find(&self, name: &str) -> Option<&'static Flag> {
        self.rows().find(|row| row.name == name)
    }
}

#[cfg(test)]
mod tests;
