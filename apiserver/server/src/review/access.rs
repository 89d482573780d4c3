//! `SubjectAccessReview`, its local form, and `SelfSubjectAccessReview`: may this be done.

use apiserver_access::authorize::{Attributes, Decision, On, Requirement, Resource as On_, Verdict};
use apiserver_api::gvk::GroupKind;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_api::user::User;

use super::check;
use crate::catalog::Resource;
use crate::machine::Machine;
use crate::request::Call;

pub(super) async fn answer(
    machine: &Machine,
    resource: &Resource,
    call: &Call,
    review: &mut Tree,
) -> Result<(), Status> {
    check(resource, call, review)?;
    if resource.kind.namespaced {
        check_namespace(resource, call, review)?;
    }
    let spec = review.at("spec");
    let user = if resource.kind.kind == "SelfSubjectAccessReview" {
        call.user.clone()
    } else {
        subject(spec)
    };
    let (fields, labels) = (requirements(spec, "fieldSelector"), requirements(spec, "labelSelector"));
    let asked = attributes(&user, spec, &fields, &labels);
    let verdict = machine.authorizer.authorize(&asked).await;
    review.set("status", status(&verdict));
    Ok(())
}

/// A local review asks about its own namespace.
fn check_namespace(resource: &Resource, call: &Call, review: &Tree) -> Result<(), Status> {
    let own = &call.info.namespace;
    let asked = review.at("spec").at("resourceAttributes").text("namespace");
    if asked == own {
        return Ok(());
    }
    let mut refusals = Refusals::new();
    let path = Path::of("spec");
    let path = path.field("resourceAttributes");
    refusals.invalid(&path.field("namespace"), asked, &format!("must match {own}"));
    let kind = GroupKind::new(resource.kind.group, "");
    Err(Status::invalid(&kind, meta::name(review), &refusals))
}

/// Who is asked about.
fn subject(spec: &Tree) -> User {
    let groups = spec.items("groups").iter().filter_map(Tree::as_str);
    User {
        uid: spec.text("uid").into(),
        extra: spec.entries("extra").clone(),
        ..User::new(spec.text("user"), groups)
    }
}

fn attributes<'a>(
    user: &'a User,
    spec: &'a Tree,
    fields: &'a [Requirement],
    labels: &'a [Requirement],
) -> Attributes<'a> {
    let path = spec.at("nonResourceAttributes");
    if !path.is_null() {
        return Attributes {
            user,
            verb: path.text("verb"),
            on: On::Path(path.text("path")),
        };
    }
    let on = spec.at("resourceAttributes");
    Attributes {
        user,
        verb: on.text("verb"),
        on: On::Resource(On_ {
            namespace: on.text("namespace"),
            group: on.text("group"),
            version: on.text("version"),
            resource: on.text("resource"),
            subresource: on.text("subresource"),
            name: on.text("name"),
            fields,
            labels,
        }),
    }
}

/// The requirements of a selector that the question carries.
fn requirements(spec: &Tree, selector: &str) -> Vec<Requirement> {
    let requirements = spec.at("resourceAttributes").at(selector).items("requirements");
    let requirements = requirements.iter().map(|one| Requirement {
        key: one.text("key").into(),
        operator: one.text("operator").into(),
        values: one
            .items("values")
            .iter()
            .filter_map(|value| value.as_str().map(Into::into))
            .collect(),
    });
    requirements.collect()
}

fn status(verdict: &Verdict) -> Tree {
    let mut status = Tree::map();
    status.set("allowed", verdict.decision == Decision::Allow);
    if verdict.decision == Decision::Deny {
        status.set("denied", true);
    }
    if !verdict.reason.is_empty() {
        status.set("reason", verdict.reason.as_str());
    }
    if !verdict.error.is_empty() {
        status.set("evaluationError", verdict.error.as_str());
    }
    status
}
