//! Where in an object a value stands: `spec.containers[0].env[1].name`.

use std::fmt;

/// A chain of steps on the stack of those who walk the object; it costs nothing until it is printed.
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Field(&'p str),
    Index(usize),
    Key(&'p str),
}

impl<'p> Path<'p> {
    /// The object itself, which prints as nothing.
    pub const fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
        }
    }

    /// A field of the object itself.
    pub const fn of(name: &'p str) -> Self {
        Self {
            parent: None,
            step: Step::Field(name),
        }
    }

    /// A field of this: `.name`.
    pub const fn field<'c>(&'c self, name: &'c str) -> Path<'c> {
        self.then(Step::Field(name))
    }

    /// An item of this list: `[0]`.
    pub const fn index(&self, at: usize) -> Path<'_> {
        self.then(Step::Index(at))
    }

    /// An entry of this map: `[key]`.
    pub const fn key<'c>(&'c self, key: &'c str) -> Path<'c> {
        self.then(Step::Key(key))
    }

    const fn then<'c>(&'c self, step: Step<'c>) -> Path<'c> {
        Path {
            parent: Some(self),
            step,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(out)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Index(at) => write!(out, "[{at}]"),
            Step::Key(key) => write!(out, "[{key}]"),
            Step::Field(name) => {
                let first = self.parent.is_none_or(|parent| matches!(parent.step, Step::Root));
                if !first {
                    out.write_str(".")?;
                }
                out.write_str(name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn paths_print_as_upstream_s() {
        let root = Path::root();
        assert_eq!(root.to_string(), "");
        let spec = root.field("spec");
        let containers = spec.field("containers");
        let first = containers.index(0);
        assert_eq!(first.field("name").to_string(), "spec.containers[0].name");
        let labels = Path::of("metadata").field("labels").key("a.b/c").to_string();
        assert_eq!(labels, "metadata.labels[a.b/c]");
    }
}
