//! `SubjectAccessReview`, its local form, and `SelfSubjectAccessReview`: may this be done.

use apiserver_access::authorize::{Attributes, Decision, On, Resource as On_, Verdict};
use apiserver_api::gvk::GroupKind;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_api::user::User;
use apiserver_api::{fields, labels};

use super::{check, selectors};
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
    let asked = spec.at("resourceAttributes");
    let fields = selectors::fields(asked.at("fieldSelector"));
    let labels = selectors::labels(asked.at("labelSelector"));
    let asked = attributes(&user, spec, &fields.terms, &labels.terms);
    let verdict = machine.authorizer.authorize(&asked).await;
    let complaints = [fields.complaint("fieldSelector"), labels.complaint("labelSelector")];
    let mut errors: Vec<&str> = complaints.iter().flatten().map(String::as_str).collect();
    if !verdict.error.is_empty() {
        errors.insert(0, &verdict.error);
    }
    let status = status(&verdict, &errors.join("; "));
    review.set("status", status);
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
    fields: &'a [fields::Term],
    labels: &'a [labels::Requirement],
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

fn status(verdict: &Verdict, error: &str) -> Tree {
    let mut status = Tree::map();
    status.set("allowed", verdict.decision == Decision::Allow);
    if verdict.decision == Decision::Deny {
        status.set("denied", true);
    }
    if !verdict.reason.is_empty() {
        status.set("reason", verdict.reason.as_str());
    }
    if !error.is_empty() {
        status.set("evaluationError", error);
    }
    status
}
