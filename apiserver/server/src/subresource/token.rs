//! `serviceaccounts/token`: a token that is asked for.

use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::{Asked, TOKEN_REQUEST};
use apiserver_schema::built_in;
use axum::body::Body;

use super::posted::Post;
use super::spoken::{PLAIN, Spoken};
use crate::answer::Answer;
use crate::catalog::Resource;
use crate::handlers::nowhere;
use crate::machine::Machine;
use crate::request::Call;

const SPOKEN: &Spoken = &Spoken {
    schema: "io.k8s.api.authentication.v1.TokenRequest",
    api_version: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    default: |object| TOKEN_REQUEST.rules.default(object),
    ..PLAIN
};

/// Answers what is posted below a service account. Where nobody signs tokens, none can be asked for.
pub(super) async fn serve(machine: &Machine, accounts: &Resource, call: &Call, body: Body) -> Result<Answer, Status> {
    let Some(tokens) = &machine.token_requests else {
        return Err(nowhere());
    };
    let post = Post {
        machine,
        resource: accounts,
        call,
        subresource: "token",
    };
    let mut posted = post.read(body, true, |_| SPOKEN).await?;
    let write = post.write(SPOKEN, &posted.options, &call.info.name);
    machine.admit_posted(&write, &mut posted.object).await?;
    let (namespace, name) = (write.namespace, write.name);
    tokens
        .prepare(machine, namespace, name, call.now, &mut posted.object)
        .await?;
    check(call, &posted.object)?;
    machine.validate_posted(&write, &posted.object).await?;
    let mut issued = tokens.issue(machine, call.now, posted.object).await?;
    if let Some(id) = built_in().named(SPOKEN.schema) {
        built_in().omit(id, &mut issued.object);
    }
    for warning in issued.warnings {
        call.warn(warning);
    }
    tracing::debug!(namespace, name, credential = issued.credential, "a token was issued");
    SPOKEN.shown(call, posted.wanted, 201, &issued.object)
}

/// 422 where a request breaks its rules. Upstream names no object.
fn check(call: &Call, request: &Tree) -> Result<(), Status> {
    let user = call.user.to_tree();
    let asked = Asked {
        now: call.now,
        user: &user,
    };
    let mut refusals = Refusals::new();
    TOKEN_REQUEST.rules.validate(&asked, request, &mut refusals);
    if refusals.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&TOKEN_REQUEST.group_kind(), "", &refusals))
}
