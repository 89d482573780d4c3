//! Questions that are answered and not kept: who am I, may I, what may I.

mod access;
mod rules;
mod selectors;
mod token;
mod who;

use apiserver_api::gvk::GroupKind;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::Asked;
use apiserver_schema::built_in;

use crate::answer::Served;
use crate::catalog::Resource;
use crate::handlers::{namespace, not_allowed};
use crate::machine::{Machine, Write};
use crate::options::WriteOptions;
use crate::request::Call;

/// Answers a question, which is of the stored version and has its defaults.
///
/// # Errors
/// 422 where it makes no sense, 400 where it lies in another namespace.
pub(crate) async fn review(
    machine: &Machine,
    resource: &Resource,
    call: &Call,
    options: &WriteOptions,
    mut object: Tree,
) -> Result<Served, Status> {
    let write = Write {
        call,
        resource,
        speech: resource,
        subresource: "",
        namespace: namespace(resource, call),
        name: "",
        options,
    };
    Machine::settle_posted(resource, write.namespace, &mut object, false)?;
    machine.admit_posted(&write, &mut object).await?;
    if resource.kind.kind == "TokenReview" {
        token::check(&object)?;
    }
    machine.validate_posted(&write, &object).await?;
    match resource.kind.kind {
        "SelfSubjectReview" => who::answer(call, &mut object),
        "TokenReview" => token::answer(machine, &mut object).await?,
        "SelfSubjectRulesReview" => rules::answer(machine, call, &mut object).await?,
        "SelfSubjectAccessReview" | "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            access::answer(machine, resource, call, &mut object).await?;
        }
        _ => return Err(not_allowed()),
    }
    // What is kept loses what is empty in it on its way to the store; this is not kept.
    if let Some(id) = resource.served {
        built_in().omit(id, &mut object);
    }
    Ok(Served::Made(object))
}

/// 422 where a question breaks the rules of its kind. Upstream names only the group.
fn check(resource: &Resource, call: &Call, object: &Tree) -> Result<(), Status> {
    let user = call.user.to_tree();
    let asked = Asked {
        now: call.now,
        user: &user,
    };
    let mut refusals = Refusals::new();
    resource.kind.rules.validate(&asked, object, &mut refusals);
    if refusals.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&GroupKind::new(resource.kind.group, ""), "", &refusals))
}
