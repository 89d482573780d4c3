//! Expressions as trees: nodes in one list, named by their numbers.

/// The number of a node.
pub(crate) type Id = usize;

/// A value that is written out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

/// One entry of a map: `key: value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Id,
    pub(crate) value: Id,
    /// Whether a `?` stands before the key: the value is an optional one.
    pub(crate) optional: bool,
}

/// One field of an object that is made: `name: value`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Id,
    pub(crate) optional: bool,
    /// Where the colon stands.
    pub(crate) at: usize,
}

/// A fold over a list or a map, which macros stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comprehension {
    pub(crate) range: Id,
    pub(crate) variable: String,
    pub(crate) second: Option<String>,
    pub(crate) accumulator: String,
    pub(crate) initial: Id,
    pub(crate) condition: Id,
    pub(crate) step: Id,
    pub(crate) result: Id,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// What could not be read.
    Missing,
    Literal(Literal),
    Ident(String),
    /// `operand.field`, or whether it is there.
    Select {
        operand: Id,
        field: String,
        test: bool,
    },
    Call {
        function: String,
        target: Option<Id>,
        arguments: Vec<Id>,
    },
    List {
        elements: Vec<Id>,
        /// The places of elements that are optional.
        optional: Vec<usize>,
    },
    Map(Vec<Entry>),
    Struct {
        name: String,
        fields: Vec<Field>,
    },
    Comprehension(Box<Comprehension>),
}

impl Expr {
    /// The nodes that this one is made of.
    pub(crate) fn children(&self) -> Vec<Id> {
        match self {
            Self::Missing | Self::Literal(_) | Self::Ident(_) => Vec::new(),
            Self::Select { operand, .. } => vec![*operand],
            Self::Call { target, arguments, .. } => target.iter().chain(arguments).copied().collect(),
            Self::List { elements, .. } => elements.clone(),
            Self::Map(entries) => entries.iter().flat_map(|one| [one.key, one.value]).collect(),
            Self::Struct { fields, .. } => fields.iter().map(|one| one.value).collect(),
            Self::Comprehension(fold) => {
                vec![fold.range, fold.initial, fold.condition, fold.step, fold.result]
            }
        }
    }

    /// The same, so that they can be changed.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Id> {
        match self {
            Self::Missing | Self::Literal(_) | Self::Ident(_) => Vec::new(),
            Self::Select { operand, .. } => vec![operand],
            Self::Call { target, arguments, .. } => target.iter_mut().chain(arguments).collect(),
            Self::List { elements, .. } => elements.iter_mut().collect(),
            Self::Map(entries) => {
                let both = entries.iter_mut().flat_map(|one| [&mut one.key, &mut one.value]);
                both.collect()
            }
            Self::Struct { fields, .. } => fields.iter_mut().map(|one| &mut one.value).collect(),
            Self::Comprehension(fold) => {
                let Comprehension {
                    range,
                    initial,
                    condition,
                    step,
                    result,
                    ..
                } = &mut **fold;
                vec![range, initial, condition, step, result]
            }
        }
    }
}

/// A node: what it is and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) expr: Expr,
    pub(crate) at: usize,
}

/// An expression.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ast {
    nodes: Vec<Node>,
}

impl Ast {
    pub(crate) fn add(&mut self, at: usize, expr: Expr) -> Id {
        self.nodes.push(Node { expr, at });
        self.nodes.len() - 1
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn at(&self, id: Id) -> usize {
        self.nodes[id].at
    }

    pub(crate) fn expr(&self, id: Id) -> &Expr {
        &self.nodes[id].expr
    }

    /// All nodes that an expression is made of, each once.
    pub(crate) fn reached(&self, root: Id) -> Vec<Id> {
        let mut seen = vec![false; self.nodes.len()];
        let mut reached = Vec::new();
        let mut next = vec![root];
        while let Some(id) = next.pop() {
            if !std::mem::replace(&mut seen[id], true) {
                reached.push(id);
                next.extend(self.expr(id).children());
            }
        }
        reached
    }

    /// The name that an expression spells, as `a.b.c` does.
    pub(crate) fn qualified(&self, id: Id) -> Option<String> {
        match self.expr(id) {
            Expr::Ident(name) => Some(name.clone()),
            Expr::Select {
                operand,
                field,
                test: false,
            } => Some(format!("{}.{field}", self.qualified(*operand)?)),
            _ => None,
        }
    }
}

/// Names of the functions that operators stand for.
pub(crate) mod operator {
    pub(crate) const CONDITIONAL: &str = "_?_:_";
    pub(crate) const AND: &str = "_&&_";
    pub(crate) const OR: &str = "_||_";
    pub(crate) const NOT: &str = "!_";
    pub(crate) const NEGATE: &str = "-_";
    pub(crate) const ADD: &str = "_+_";
    pub(crate) const EQUALS: &str = "_==_";
    pub(crate) const INDEX: &str = "_[_]";
    pub(crate) const OPTIONAL_INDEX: &str = "_[?_]";
    pub(crate) const OPTIONAL_SELECT: &str = "_?._";
    pub(crate) const NOT_STRICTLY_FALSE: &str = "@not_strictly_false";
}
