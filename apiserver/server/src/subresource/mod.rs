//! What stands below an object: its status, its scale, and what is asked of it.

mod binding;
mod budget;
mod eviction;
mod pod;
mod posted;
mod scale;
mod spoken;
mod token;

use std::sync::Arc;

use apiserver_api::status::Status;
use apiserver_kinds::Verb;
use axum::body::Body;

pub(crate) use self::binding::serve_alone as bind;
use crate::answer::{self, Answer, Served};
use crate::catalog::Resource;
use crate::connect;
use crate::handlers::{namespace, not_allowed, nowhere, patch_part, replace};
use crate::machine::Machine;
use crate::options::WriteOptions;
use crate::request::Call;
use crate::request::accept::negotiate;
use crate::request::content;
use crate::request::info::Scope;

/// Answers a request for a subresource.
///
/// # Errors
/// What the client is told.
pub(crate) async fn serve(
    machine: &Arc<Machine>,
    resource: &Arc<Resource>,
    call: &Call,
    body: Body,
) -> Result<Answer, Status> {
    let info = &call.info;
    let Some(part) = resource.subresource(&info.subresource) else {
        return Err(nowhere());
    };
    if resource.kind.namespaced != (info.scope == Scope::Namespace) || (!info.rest.is_empty() && part.name != "proxy") {
        return Err(nowhere());
    }
    if connect::leads_out(resource, part.name) {
        return connect::serve(machine, resource, part.name, call, body).await;
    }
    let verb = match info.verb.as_str() {
        "get" if call.method != http::Method::HEAD => Verb::Get,
        "update" => Verb::Update,
        "patch" => Verb::Patch,
        "create" => Verb::Create,
        "delete" => Verb::Delete,
        _ => return Err(not_allowed()),
    };
    if !part.verbs.contains(&verb) {
        return Err(not_allowed());
    }
    match (part.name, verb) {
        ("binding", Verb::Create) => binding::serve(machine, resource, call, body).await,
        ("eviction", Verb::Create) => eviction::serve(machine, resource, call, body).await,
        ("token", Verb::Create) => token::serve(machine, resource, call, body).await,
        ("scale", _) => scale::serve(machine, resource, call, verb, body).await,
        (_, Verb::Get) if part.speaks.is_none() => get(machine, resource, call).await,
        (name, Verb::Update) if resource.kind.rules.part(name).is_some() => {
            update(machine, resource, call, name, body).await
        }
        (name, Verb::Patch) if resource.kind.rules.part(name).is_some() => {
            patch_part(machine, resource, call, name, body).await
        }
        _ => Err(nowhere()),
    }
}

async fn get(machine: &Machine, resource: &Resource, call: &Call) -> Result<Answer, Status> {
    let wanted = negotiate(call.header("accept"), false)?;
    let version = call.query.text("resourceVersion");
    let object = machine
        .get(resource, namespace(resource, call), &call.info.name, version)
        .await?;
    Ok(answer::object(call, wanted, 200, resource, &Served::Stored(object)))
}

async fn update(machine: &Machine, resource: &Resource, call: &Call, part: &str, body: Body) -> Result<Answer, Status> {
    let wanted = negotiate(call.header("accept"), false)?;
    let bytes = content::read(body).await?;
    let options = WriteOptions::of("UpdateOptions", &call.query)?;
    let object = resource.decode(call, options.validation, &bytes)?;
    replace(machine, resource, call, part, wanted, &options, object).await
}
