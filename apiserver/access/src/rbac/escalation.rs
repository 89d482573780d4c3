//! That nobody gives away rights which they do not have: what is checked before a role or a binding is written
//! (upstream's `policybased` storages).
//!
//! The server asks [`check`] after the object was changed by admission and before its rules are checked.

use std::fmt::Display;

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Text, Tree};
use apiserver_api::user::{MASTERS, User};
use tracing::debug;

use super::covers::{compact, missing};
use super::rule::{Rule, quoted};
use super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GROUP, ROLE_BINDINGS, ROLES, Rbac, Unresolved};
use crate::authorize::chain::aggregate;
use crate::authorize::{Attributes, Authorizer, On, Resource};
use crate::named::read_named;

/// A write of a role or a binding.
#[derive(Clone, Copy)]
pub struct Write<'w> {
    /// Who writes.
    pub user: &'w User,
    /// The namespace that is written to; empty for what is the cluster's.
    pub namespace: &'w str,
    /// The name that the request is for; empty where something new is posted.
    pub name: &'w str,
    /// What is to be stored, of the stored version.
    pub object: &'w Tree,
    /// What it takes the place of.
    pub old: Option<&'w Tree>,
}

/// Refuses to let a user give rights that they do not have, unless they may `escalate` roles or `bind` the role, or are of
/// `system:masters`. Other resources pass.
///
/// # Errors
/// 403 with the rights that are missing; 404 where the role of a binding is not there.
pub async fn check(
    rbac: &Rbac,
    authorizer: &dyn Authorizer,
    resource: &GroupResource,
    write: &Write<'_>,
) -> Result<(), Status> {
    let of_roles = *resource == ROLES || *resource == CLUSTER_ROLES;
    let of_bindings = *resource == ROLE_BINDINGS || *resource == CLUSTER_ROLE_BINDINGS;
    if !(of_roles || of_bindings) || write.user.is_in(MASTERS) || write.is_for_gc() {
        return Ok(());
    }
    if of_roles {
        check_role(rbac, authorizer, resource, write).await
    } else {
        check_binding(rbac, authorizer, resource, write).await
    }
}

async fn check_role(
    rbac: &Rbac,
    authorizer: &dyn Authorizer,
    resource: &GroupResource,
    write: &Write<'_>,
) -> Result<(), Status> {
    let on = Resource {
        namespace: write.namespace,
        group: GROUP,
        version: "*",
        resource: &resource.resource,
        name: write.name,
        ..Resource::default()
    };
    if write.may(authorizer, "escalate", on).await {
        return Ok(());
    }
    let forbidden = |why: &dyn Display| Status::forbidden(resource, meta::name(write.object), why);
    let confirmed = confirm(rbac, write, &Rule::all_of(write.object)).await;
    confirmed.map_err(|why| forbidden(&why))?;
    // It can gather anything, so whoever sets it, changes it or takes it away must have everything.
    let gathers = |role: &Tree| !role.below(&["aggregationRule", "clusterRoleSelectors"]).is_zero();
    if *resource == CLUSTER_ROLES && (gathers(write.object) || write.old.is_some_and(gathers)) {
        let confirmed = confirm(rbac, write, &everything()).await;
        let why = "must have cluster-admin privileges to use the aggregationRule";
        confirmed.map_err(|_| forbidden(&why))?;
    }
    Ok(())
}

async fn check_binding(
    rbac: &Rbac,
    authorizer: &dyn Authorizer,
    resource: &GroupResource,
    write: &Write<'_>,
) -> Result<(), Status> {
    let role = write.object.at("roleRef");
    let (kind, name) = (role.text("kind"), role.text("name"));
    let roles = match kind {
        "Role" => &ROLES,
        "ClusterRole" => &CLUSTER_ROLES,
        other => return Err(Unresolved::Kind(other.to_owned()).status()),
    };
    let on = Resource {
        namespace: write.namespace,
        group: role.text("apiGroup"),
        version: "*",
        resource: &roles.resource,
        name,
        ..Resource::default()
    };
    if write.may(authorizer, "bind", on).await {
        return Ok(());
    }
    let namespace = if *roles == ROLES { write.namespace } else { "" };
    if *roles == ROLES && namespace.is_empty() {
        return Err(Status::bad_request("Namespace parameter required."));
    }
    // From the store: a role that was made a moment ago is there, and one that has just grown is seen as it is.
    let role = read_named(&*rbac.cluster, roles, namespace, name).await?;
    let confirmed = confirm(rbac, write, &Rule::all_of(&role)).await;
    confirmed.map_err(|why| Status::forbidden(resource, meta::name(write.object), why))
}

impl Write<'_> {
    async fn may(&self, authorizer: &dyn Authorizer, verb: &str, on: Resource<'_>) -> bool {
        let asked = Attributes {
            user: self.user,
            verb,
            on: On::Resource(on),
        };
        authorizer.authorize(&asked).await.is_allowed()
    }

    /// Whether nothing changes but what the garbage collector writes, so that the object can go. Who owns which fields is no
    /// change of its own.
    fn is_for_gc(&self) -> bool {
        let plain = |object: &Tree| {
            let mut object = object.clone();
            let metadata = object.child("metadata").make_map();
            for field in ["ownerReferences", "finalizers", "selfLink", "managedFields"] {
                metadata.remove(field);
            }
            metadata.retain(|_, value| !value.is_zero());
            object.make_map().retain(|_, value| !value.is_zero());
            object
        };
        self.old.is_some_and(|old| plain(old) == plain(self.object))
    }
}

/// Every right there is.
fn everything() -> [Rule; 2] {
    let all = || vec![Text::const_new("*")];
    let resources = Rule {
        verbs: all(),
        groups: all(),
        resources: all(),
        ..Rule::default()
    };
    let paths = Rule {
        verbs: all(),
        paths: all(),
        ..Rule::default()
    };
    [resources, paths]
}

/// Whether the user has all of these rights where it writes; if not, which are missing, in upstream's words.
async fn confirm(rbac: &Rbac, write: &Write<'_>, wanted: &[Rule]) -> Result<(), String> {
    let user = write.user;
    let (held, unresolved) = rbac.held(user, write.namespace).await;
    let errors: Vec<String> = unresolved.iter().map(|why| why.status().message).collect();
    let error = aggregate(errors);
    if !error.is_empty() {
        debug!(user = %user.name, error, "not all roles of a user were found");
    }
    let missing = missing(held.iter().flat_map(|rules| rules.iter()), wanted).map_err(|error| error.to_string())?;
    if missing.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<String> = compact(missing).iter().map(ToString::to_string).collect();
    lines.sort_unstable();
    lines.dedup();
    let told = format!(
        "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        quote(&user.name),
        quoted(&user.groups),
        lines.join("\n")
    );
    if error.is_empty() {
        Err(told)
    } else {
        Err(format!("{told}; resolution errors: [{error}]"))
    }
}

#[cfg(test)]
mod tests;
