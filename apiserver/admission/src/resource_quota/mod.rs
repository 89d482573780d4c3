//! `ResourceQuota`: what a namespace uses stays within its quotas.
//!
//! What an object uses is measured by an evaluator ([`evaluate`]), compared with each quota that is about such objects
//! ([`check`]) and charged by writing it into the quota's status ([`charge`]). Requests of one namespace wait in a lane
//! ([`lane`]): whoever comes first checks and charges for all who wait, so that many writes of a namespace are one write of
//! its quotas. Given back is nothing here: a controller counts anew what is used.

mod charge;
mod check;
mod claims;
mod classes;
mod counts;
mod devices;
mod evaluate;
mod lane;
mod latest;
mod pods;
mod quota;
mod scope;
mod services;
#[cfg(test)]
mod tests;

use apiserver_api::status::Status;
use apiserver_api::tree::{Text, Tree};
use async_trait::async_trait;

use crate::forbid::called;
use crate::plugin::{Operation, Plugin, Request};
use check::Ask;
use classes::Classes;
use evaluate::Around;
use lane::Lanes;
use latest::Latest;
use scope::Scope;

/// What is never limited: what is not stored, and events.
const IGNORED: &[(&str, &str)] = &[
    ("", "bindings"),
    ("", "componentstatuses"),
    ("", "events"),
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "localsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    ("events.k8s.io", "events"),
];

/// Objects that may only be made where a quota is about them: an entry of `limitedResources` of the plugin's configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitedResource {
    /// Empty for the core group.
    pub group: Text,
    /// `pods`.
    pub resource: Text,
    /// What an object uses of a resource whose name has one of these in it needs a quota for that resource.
    pub match_contains: Vec<Text>,
    /// An object that is of one of these scopes needs a quota of the same scope. As `ResourceQuota` writes them in
    /// `spec.scopeSelector.matchExpressions`.
    pub match_scopes: Vec<Tree>,
}

/// The plugin. One of it serves all requests, since those of one namespace wait for each other.
#[derive(Debug, Default)]
pub(crate) struct ResourceQuota {
    limited: Vec<Limited>,
    lanes: Lanes,
    latest: Latest,
    classes: Classes,
}

/// A limited resource, its scopes read.
#[derive(Debug)]
struct Limited {
    resource: LimitedResource,
    scopes: Vec<Scope>,
}

impl ResourceQuota {
    /// Takes what needs a quota; mostly nothing does.
    pub(crate) fn new(limited: Vec<LimitedResource>) -> Self {
        let limited = limited.into_iter().map(|resource| Limited {
            scopes: resource.match_scopes.iter().map(Scope::read).collect(),
            resource,
        });
        Self {
            limited: limited.collect(),
            ..Self::default()
        }
    }

    /// As the plugin's configuration says.
    pub(crate) fn configured(configuration: &Tree) -> Self {
        let limited = configuration
            .items("limitedResources")
            .iter()
            .map(|one| LimitedResource {
                group: one.text("apiGroup").into(),
                resource: one.text("resource").into(),
                match_contains: one
                    .items("matchContains")
                    .iter()
                    .filter_map(|text| text.as_str().map(Text::from))
                    .collect(),
                match_scopes: one.items("matchScopes").to_vec(),
            });
        Self::new(limited.collect())
    }
}

#[async_trait]
impl Plugin for ResourceQuota {
    fn name(&self) -> &'static str {
        "ResourceQuota"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let (group, resource) = (request.resource.group.as_str(), request.resource.resource.as_str());
        let makes_namespace = request.operation == Operation::Create && request.is_of("", "namespaces");
        if request.namespace.is_empty() || makes_namespace || IGNORED.contains(&(group, resource)) {
            return Ok(());
        }
        let Some(object) = object else {
            return Ok(());
        };
        let resource = request.resource.group_resource();
        if !evaluate::of(&resource).handles(request.operation, request.subresource, object, request.old) {
            return Ok(());
        }
        // Most namespaces have no quota.
        if self.limited.is_empty() && !latest::has_any(request.cluster, request.namespace) {
            return Ok(());
        }
        let ask = Ask {
            resource,
            operation: request.operation,
            subresource: request.subresource.into(),
            name: called(request, Some(object)).to_owned(),
            object: object.clone(),
            old: request.old.cloned(),
            dry_run: request.dry_run,
        };
        let around = Around {
            cluster: request.cluster,
            namespace: request.namespace,
            classes: &self.classes,
            now: request.now,
        };
        let lane = self.lanes.of(request.namespace);
        lane.pass(ask, |waiting| {
            charge::all(&self.limited, &self.latest, &around, waiting)
        })
        .await
    }
}
