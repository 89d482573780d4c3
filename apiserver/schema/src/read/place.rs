//! Where in a document a reader stands, as Go's messages name it.

use std::fmt::Write;

use crate::model::{Field, Schema, Struct};

/// A chain of steps on the reader's stack.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
}

/// One step down.
#[derive(Clone, Copy)]
pub(super) enum Step<'p> {
    Root,
    Field(&'p Schema, &'p Struct, &'p Field),
    TypeMeta(&'p Struct, &'p str),
    Index(usize),
    Key(&'p str),
}

impl Place<'_> {
    pub(super) const fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
        }
    }

    pub(super) const fn then<'c>(&'c self, step: Step<'c>) -> Place<'c> {
        Place {
            parent: Some(self),
            step,
        }
    }

    /// With indexes and keys: `spec.containers[0].env`.
    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        self.write_document(&mut out);
        out
    }

    fn write_document(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write_document(out);
        }
        let name = match self.step {
            Step::Root => return,
            Step::Index(at) => {
                // Writing to a string does not fail.
                let _ = write!(out, "[{at}]");
                return;
            }
            Step::Field(_, _, field) => &*field.name,
            Step::TypeMeta(_, name) | Step::Key(name) => name,
        };
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(name);
    }

    /// What a value there goes into: `struct field ContainerPort.spec.containers.ports.protocol`, named by the innermost
    /// struct and all fields on the way, without indexes and keys; `value` where no struct is around.
    pub(super) fn target(&self) -> String {
        let mut names = Vec::new();
        let mut around = None;
        let mut place = Some(self);
        while let Some(one) = place {
            match one.step {
                Step::Field(schema, of, field) => {
                    around = around.or(Some(&*of.go));
                    names.push(&*field.name);
                    names.extend(field.embedded.map(|id| &*schema.get(id).go));
                }
                Step::TypeMeta(of, name) => {
                    around = around.or(Some(&*of.go));
                    names.push(name);
                }
                Step::Root | Step::Index(_) | Step::Key(_) => {}
            }
            place = one.parent;
        }
        names.reverse();
        match around {
            Some(around) => format!("struct field {around}.{}", names.join(".")),
            None => "value".to_owned(),
        }
    }
}
