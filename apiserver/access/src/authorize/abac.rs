//! Policies in a file, one a line, that say who may do what (`--authorization-mode=ABAC`).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use apiserver_api::tree::{SyntaxError, Text, Tree, parse};
use apiserver_api::user::{AUTHENTICATED, User};
use async_trait::async_trait;
use thiserror::Error;

use super::{Attributes, Authorizer, On, PathRule, ResourceRule, Rules, Verdict};

/// How long a line may be, as in upstream's reader, in bytes.
const LINE_MAX: usize = 64 * 1024;
/// How long a file may be, in bytes.
const FILE_MAX: u64 = 64 * 1024 * 1024;

/// The type of a policy. What has another one, or none, is read as the first version, which had none.
const TYPE: (&str, &str) = ("abac.authorization.kubernetes.io/v1beta1", "Policy");

/// Why a policy file cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// It cannot be opened or read.
    #[error("error reading policy file {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A line that is no policy.
    #[error("error reading policy file {}, line {line}: {text}: {error}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
        /// What it says.
        text: String,
        /// What is wrong with it.
        #[source]
        error: LineError,
    },
}

/// Why a line is no policy. What it does not say may stand for everything, so nothing odd is passed over.
#[derive(Debug, Error)]
pub enum LineError {
    /// It is no JSON.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// It is no object.
    #[error("json: cannot unmarshal {_0} into Go value of type Policy")]
    Value(&'static str),
    /// A field holds something else than it should.
    #[error("json: cannot unmarshal {found} into Go struct field Policy.{field} of type {wanted}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it holds.
        found: &'static str,
        /// What it should hold.
        wanted: &'static str,
    },
}

/// One policy. An empty field matches what is empty only, but for the two that say who.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Policy {
    user: Text,
    group: Text,
    read_only: bool,
    api_group: Text,
    resource: Text,
    namespace: Text,
    path: Text,
}

/// The policies of a file.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    all: Vec<Policy>,
}

impl Policies {
    /// Reads a file: one JSON object a line; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// The line that is no policy, or what keeps the file from being read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |error| Error::File {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(failed)?;
        let mut reader = BufReader::new(file.take(FILE_MAX));
        let (mut all, mut bytes, mut number) = (Vec::new(), Vec::new(), 0);
        loop {
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
                break;
            }
            number += 1;
            if bytes.len() > LINE_MAX {
                return Err(failed(io::Error::other("bufio.Scanner: token too long")));
            }
            let line = bytes.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let policy = Policy::read(line).map_err(|error| Error::Line {
                path: path.to_owned(),
                line: number,
                text: String::from_utf8_lossy(line).into_owned(),
                error,
            })?;
            all.push(policy);
        }
        if reader.into_inner().limit() == 0 {
            return Err(failed(io::Error::other("the file is too large")));
        }
        Ok(Self { all })
    }
}

impl Policy {
    fn read(line: &[u8]) -> Result<Self, LineError> {
        let tree = parse(line)?.tree;
        if tree.as_map().is_none() {
            return Err(LineError::Value(tree.type_name()));
        }
        let mut policy = if (text(&tree, "apiVersion")?, text(&tree, "kind")?) == TYPE {
            Self::second(tree.at("spec"))?
        } else {
            Self::first(&tree)?
        };
        // Everyone has always meant everyone who said who they are.
        if policy.user == "*" || policy.group == "*" {
            policy.group = AUTHENTICATED.into();
            policy.user = Text::default();
        }
        Ok(policy)
    }

    fn second(spec: &Tree) -> Result<Self, LineError> {
        if !spec.is_null() && spec.as_map().is_none() {
            return Err(wrong(spec, "spec", "PolicySpec"));
        }
        Ok(Self {
            user: text(spec, "user")?.into(),
            group: text(spec, "group")?.into(),
            read_only: flag(spec, "readonly")?,
            api_group: text(spec, "apiGroup")?.into(),
            resource: text(spec, "resource")?.into(),
            namespace: text(spec, "namespace")?.into(),
            path: text(spec, "nonResourcePath")?.into(),
        })
    }

    /// In the first version what is not said is everything.
    fn first(tree: &Tree) -> Result<Self, LineError> {
        let or_all = |text: &str| Text::from(if text.is_empty() { "*" } else { text });
        let (user, group) = (text(tree, "user")?, text(tree, "group")?);
        let (resource, namespace) = (text(tree, "resource")?, text(tree, "namespace")?);
        let anyone = user.is_empty() && group.is_empty();
        let any_path = resource.is_empty() && namespace.is_empty();
        Ok(Self {
            user: user.into(),
            group: if anyone { "*" } else { group }.into(),
            read_only: flag(tree, "readonly")?,
            api_group: "*".into(),
            resource: or_all(resource),
            namespace: or_all(namespace),
            path: if any_path { "*" } else { "" }.into(),
        })
    }

    fn is_of(&self, user: &User) -> bool {
        let named = !self.user.is_empty() || !self.group.is_empty();
        named && (self.user.is_empty() || self.user == user.name) && (self.group.is_empty() || user.is_in(&self.group))
    }

    fn allows(&self, asked: &Attributes<'_>) -> bool {
        if !self.is_of(asked.user) || (self.read_only && !asked.is_reading()) {
            return false;
        }
        let is = |own: &Text, asked: &str| own == "*" || own == asked;
        match &asked.on {
            On::Resource(on) => {
                is(&self.namespace, on.namespace) && is(&self.resource, on.resource) && is(&self.api_group, on.group)
            }
            On::Path(path) => {
                let prefix = self.path.ends_with('*').then(|| self.path.trim_end_matches('*'));
                self.path == *path || prefix.is_some_and(|prefix| path.starts_with(prefix))
            }
        }
    }

    fn verbs(&self) -> Vec<Text> {
        let verbs: &[&'static str] = if self.read_only {
            &["get", "list", "watch"]
        } else {
            &["*"]
        };
        verbs.iter().map(|verb| Text::const_new(verb)).collect()
    }
}

fn text<'t>(tree: &'t Tree, field: &'static str) -> Result<&'t str, LineError> {
    match tree.at(field) {
        Tree::Null => Ok(""),
        Tree::Text(text) => Ok(text),
        other => Err(wrong(other, field, "string")),
    }
}

fn flag(tree: &Tree, field: &'static str) -> Result<bool, LineError> {
    match tree.at(field) {
        Tree::Null => Ok(false),
        Tree::Bool(value) => Ok(*value),
        other => Err(wrong(other, field, "bool")),
    }
}

const fn wrong(tree: &Tree, field: &'static str, wanted: &'static str) -> LineError {
    let found = tree.type_name();
    LineError::Field { field, found, wanted }
}

#[async_trait]
impl Authorizer for Policies {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        if self.all.iter().any(|policy| policy.allows(asked)) {
            Verdict::allow("")
        } else {
            Verdict::undecided("No policy matched.")
        }
    }

    async fn rules(&self, user: &User, namespace: &str) -> Rules {
        let mut rules = Rules::default();
        let of_user = self.all.iter().filter(|policy| policy.is_of(user));
        for policy in of_user.filter(|policy| policy.namespace == "*" || policy.namespace == namespace) {
            if !policy.resource.is_empty() {
                rules.resources.push(ResourceRule {
                    verbs: policy.verbs(),
                    groups: vec![policy.api_group.clone()],
                    resources: vec![policy.resource.clone()],
                    names: Vec::new(),
                });
            }
            if !policy.path.is_empty() {
                rules.paths.push(PathRule {
                    verbs: policy.verbs(),
                    paths: vec![policy.path.clone()],
                });
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests;
