//! Whether a user may do what was asked: what is asked, the answer, and the trait that each authorizer implements.
//!
//! What upstream's authorizers are made of stands beside: the chain, those that need nothing, the policy file of ABAC,
//! the flags, and what a client is told that may not.

pub mod abac;
pub mod chain;
pub mod fixed;
mod forbidden;
mod metrics;
pub mod modes;

use apiserver_api::tree::Text;
use apiserver_api::user::User;
use apiserver_api::{fields, labels};
use async_trait::async_trait;

pub use chain::Chain;
pub use forbidden::forbidden;
pub use metrics::Metrics;

/// What is asked for (`authorizer.Attributes`).
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    /// Who asks.
    pub user: &'a User,
    /// `get`, `list`, `watch`, `create`, ... for resources; the lower-case HTTP method for other paths.
    pub verb: &'a str,
    /// What it is asked of.
    pub on: On<'a>,
}

impl<'a> Attributes<'a> {
    /// The resource that is asked for, if one is.
    pub const fn resource(&self) -> Option<&Resource<'a>> {
        match &self.on {
            On::Resource(resource) => Some(resource),
            On::Path(_) => None,
        }
    }

    /// The namespace that is asked for; empty where none is.
    pub fn namespace(&self) -> &'a str {
        self.resource().map_or("", |resource| resource.namespace)
    }

    /// Whether it only looks (`IsReadOnly`).
    pub fn is_reading(&self) -> bool {
        matches!(self.verb, "get" | "list" | "watch")
    }
}

/// What something is asked of.
#[derive(Clone, Debug)]
pub enum On<'a> {
    /// A resource of the API.
    Resource(Resource<'a>),
    /// Any other path.
    Path(&'a str),
}

/// A resource that is asked for. `*` stands for all, in questions of reviews.
#[derive(Clone, Debug, Default)]
pub struct Resource<'a> {
    /// Empty for objects of the cluster, and for all namespaces.
    pub namespace: &'a str,
    /// Empty for the core group.
    pub group: &'a str,
    /// The version.
    pub version: &'a str,
    /// `pods`.
    pub resource: &'a str,
    /// `log`; mostly empty.
    pub subresource: &'a str,
    /// Empty where it is not about one object.
    pub name: &'a str,
    /// What the objects' fields must be; what could not be read of it is not here.
    pub fields: &'a [fields::Term],
    /// What their labels must be; what could not be read of it is not here.
    pub labels: &'a [labels::Requirement],
}

/// What an authorizer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow,
    /// It may not, and nobody else is asked.
    Deny,
    /// Ask the next one; if nobody allows it, it may not.
    NoOpinion,
}

/// What an authorizer says, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What.
    pub decision: Decision,
    /// Why; may be empty.
    pub reason: String,
    /// What kept it from knowing all; may be empty.
    pub error: String,
}

impl Verdict {
    /// It may, because of this.
    pub fn allow(reason: impl Into<String>) -> Self {
        Self {
            decision: Decision::Allow,
            reason: reason.into(),
            error: String::new(),
        }
    }

    /// Not known here.
    pub const fn no_opinion() -> Self {
        Self {
            decision: Decision::NoOpinion,
            reason: String::new(),
            error: String::new(),
        }
    }

    /// Not known here, because of this.
    pub fn undecided(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            ..Self::no_opinion()
        }
    }

    /// Whether it may.
    pub fn is_allowed(&self) -> bool {
        self.decision == Decision::Allow
    }
}

/// Decides what users may do. Upstream asks them in a chain: the first that allows or denies decides.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// Whether this may be done.
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict;

    /// What a user may do in a namespace.
    async fn rules(&self, user: &User, namespace: &str) -> Rules;
}

/// What a user may do, as far as it can be told (`SubjectRulesReviewStatus`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What may be done with resources.
    pub resources: Vec<ResourceRule>,
    /// What may be done with other paths.
    pub paths: Vec<PathRule>,
    /// Whether there may be more than is told.
    pub incomplete: bool,
    /// What went wrong while it was found out; may be empty.
    pub error: String,
}

/// What may be done with resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceRule {
    /// What.
    pub verbs: Vec<Text>,
    /// In which groups.
    pub groups: Vec<Text>,
    /// With which resources, `pods/log` for subresources.
    pub resources: Vec<Text>,
    /// With which objects; all where empty.
    pub names: Vec<Text>,
}

/// What may be done with paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathRule {
    /// What.
    pub verbs: Vec<Text>,
    /// With which, `*` at the end standing for what begins so.
    pub paths: Vec<Text>,
}
