//! What an expression may name: variables, objects with their fields, functions.

mod declarations;
pub(crate) mod functions;
mod objects;
mod standard;

use std::collections::BTreeMap;

use self::functions::{BASE, Overload, PATCH};
use crate::ast::Expr;
use crate::check::{Checked, check};
use crate::cost;
use crate::declared::Declared;
use crate::names::reserved_of;
use crate::parse::{Macros, parse};
use crate::plan;
use crate::source::Source;
use crate::types::Type;

/// The object that `variables` is.
const VARIABLES: &str = "kubernetes.variables";

/// What expressions of one place may name.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, Type>,
    /// Objects of this environment besides those that all have.
    objects: BTreeMap<String, BTreeMap<String, Type>>,
    /// Variables whose sizes are known.
    sizes: BTreeMap<String, Declared>,
    /// Whether objects for patches can be made.
    patch: bool,
    macros: Macros,
}

/// An expression that has been compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub(crate) checked: Checked,
}

impl Compiled {
    /// The type of what the expression comes to.
    pub fn output(&self) -> &Type {
        self.checked.of(self.checked.root)
    }

    /// Why no program can be made of the expression; nothing if one can.
    pub fn fault(&self) -> Option<String> {
        plan::fault(&self.checked)
    }

    /// Whether the expression names a variable.
    pub fn names(&self, variable: &str) -> bool {
        let ast = &self.checked.ast;
        let is = |id: usize| match ast.expr(id) {
            Expr::Ident(name) => name.trim_start_matches('.') == variable,
            _ => false,
        };
        ast.reached(self.checked.root).into_iter().any(is)
    }
}

/// What admission offers beyond the objects of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// `params`, which a policy has that names a kind for them.
    pub params: bool,
    /// `authorizer`.
    pub authorizer: bool,
    /// Objects and functions for patches.
    pub patch: bool,
}

impl Environment {
    /// For expressions of admission: `object`, `oldObject`, `request`, `namespaceObject`.
    pub fn admission(offers: Admission) -> Self {
        let mut this = Self {
            patch: offers.patch,
            ..Self::default()
        };
        this.declare("object", Type::Dyn);
        this.declare("oldObject", Type::Dyn);
        this.declare("request", Type::object("kubernetes.AdmissionRequest"));
        this.declare("namespaceObject", Type::object("kubernetes.Namespace"));
        if offers.params {
            this.declare("params", Type::Dyn);
        }
        if offers.authorizer {
            this.declare("authorizer", Type::object("kubernetes.authorization.Authorizer"));
            let resource = Type::object("kubernetes.authorization.ResourceCheck");
            this.declare("authorizer.requestResource", resource);
        }
        this
    }

    /// For selectors of devices: `device`, and names for parts of an expression by `cel.bind`.
    pub fn device() -> Self {
        let mut this = Self {
            macros: Macros { bind: true },
            ..Self::default()
        };
        this.declare_sized("device", objects::device());
        this
    }

    /// Declares a variable.
    pub fn declare(&mut self, name: &str, of: Type) {
        self.variables.insert(name.to_owned(), of);
    }

    /// Declares a variable with its size, and the objects that it is made of.
    pub fn declare_sized(&mut self, name: &str, declared: Declared) {
        declared.objects(&mut |object, fields| {
            let known = self.objects.entry(object.to_owned()).or_default();
            for (field, one) in fields {
                // A field that is named by a reserved word may be written as it is.
                if let Some(word) = reserved_of(field) {
                    known.insert(word.to_owned(), one.of.clone());
                }
                known.insert(field.clone(), one.of.clone());
            }
        });
        self.declare(name, declared.of.clone());
        self.sizes.insert(name.to_owned(), declared);
    }

    /// Declares `variables`, whose fields are expressions that others may use.
    pub fn declare_variables(&mut self) {
        self.declare(VARIABLES.trim_start_matches("kubernetes."), Type::object(VARIABLES));
        self.objects.entry(VARIABLES.to_owned()).or_default();
    }

    /// Adds one of the `variables`; one that could not be compiled is dynamic.
    pub fn add_variable(&mut self, name: &str, compiled: Option<&Compiled>) {
        let of = compiled.map_or(Type::Dyn, |one| shared(one.output()));
        self.objects
            .entry(VARIABLES.to_owned())
            .or_default()
            .insert(name.to_owned(), of);
    }

    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as upstream prints it: each issue with its place, its line and a mark below.
    pub fn compile(&self, text: &str) -> Result<Compiled, String> {
        let source = Source::new(text);
        parse(&source, self.macros)
            .and_then(|(ast, root)| check(self, &source, ast, root))
            .map(|checked| Compiled { checked })
            .map_err(|issues| source.print(&issues))
    }

    /// The most that an expression of this environment may cost, in upstream's units.
    pub fn cost(&self, compiled: &Compiled) -> u64 {
        cost::estimate(&compiled.checked, &self.sizes).max
    }

    pub(crate) fn ident(&self, name: &str) -> Option<Type> {
        if let Some(of) = self.variables.get(name) {
            return Some(of.clone());
        }
        let of = objects::named_type(name).or_else(|| self.object(name).map(|_| Type::object(name)))?;
        Some(Type::Type(Some(of.into())))
    }

    pub(crate) fn object(&self, name: &str) -> Option<Fields<'_>> {
        if let Some(fields) = self.objects.get(name).or_else(|| objects::SHARED.get(name)) {
            return Some(Fields::Known(fields));
        }
        match name {
            "JSONPatch" if self.patch => Some(Fields::Patch),
            "Object" if self.patch => Some(Fields::Free),
            _ if self.patch && name.starts_with("Object.") => Some(Fields::Free),
            _ => None,
        }
    }

    pub(crate) fn function(&self, name: &str) -> Option<&'static [Overload]> {
        let more = || PATCH.get(name).filter(|_| self.patch);
        BASE.get(name).or_else(more).map(Vec::as_slice)
    }
}

/// The fields of an object.
pub(crate) enum Fields<'e> {
    Known(&'e BTreeMap<String, Type>),
    /// Those of one operation of a JSON patch.
    Patch,
    /// Any.
    Free,
}

impl Fields<'_> {
    pub(crate) fn get(&self, field: &str) -> Option<Type> {
        match self {
            Self::Known(fields) => fields.get(field).cloned(),
            Self::Patch => Some(match field {
                "op" | "path" | "from" => Type::String,
                _ => Type::Dyn,
            }),
            Self::Free => Some(Type::Dyn),
        }
    }
}

/// The type that other expressions see of a variable: upstream keeps simple types, lists and maps.
fn shared(of: &Type) -> Type {
    match of {
        Type::List(_) | Type::Map(_) => of.with(shared),
        Type::Struct(_) | Type::Opaque(..) | Type::Type(_) | Type::Error => Type::Dyn,
        other => other.clone(),
    }
}
