//! Tokens of accounts: a node asks for those of its own pods, for audiences that the pods have a use for.

use apiserver_access::authorize::{Attributes, Decision, On, Resource};
use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::{Asker, audience};
use crate::plugin::Operation;

/// What a node must be allowed to do with an audience that its pods do not name.
const VERB: &str = "request-serviceaccounts-token-audience";

pub(super) async fn check(asker: &Asker<'_>) -> Result<(), Status> {
    if asker.operation() != Operation::Create {
        return Ok(());
    }
    let spec = asker.object.at("spec");
    let bound = spec.at("boundObjectRef");
    let (name, uid) = (bound.text("name"), bound.text("uid"));
    let to_pod = bound.text("apiVersion") == "v1" && bound.text("kind") == "Pod" && !name.is_empty();
    asker.must(to_pod, || "node requested token not bound to a pod".to_owned())?;
    asker.must(!uid.is_empty(), || {
        "node requested token with a pod binding without a uid".to_owned()
    })?;
    let pod = asker.pod(name)?;
    asker.must(uid == meta::uid(&pod), || {
        format!(
            "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
        )
    })?;
    asker.must(pod.at("spec").text("nodeName") == asker.node, || {
        "node requested token bound to a pod scheduled on a different node".to_owned()
    })?;
    let audiences = spec.items("audiences");
    asker.must(audiences.len() <= 1, || {
        "node may only request 0 or 1 audiences".to_owned()
    })?;
    let audience = audiences.first().and_then(Tree::as_str).unwrap_or_default();
    check_audience(asker, &pod, audience).await
}

async fn check_audience(asker: &Asker<'_>, pod: &Tree, audience: &str) -> Result<(), Status> {
    let shown = quote(audience);
    match audience::is_used(asker, pod, audience) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(error) => return Err(asker.refuse(format!("error validating audience {shown}: {error}"))),
    }
    let request = asker.request;
    let asked = Attributes {
        user: request.user,
        verb: VERB,
        on: On::Resource(Resource {
            namespace: request.namespace,
            version: "v1",
            resource: audience,
            name: request.name,
            ..Resource::default()
        }),
    };
    let verdict = request.authorizer.authorize(&asked).await;
    asker.must(verdict.decision == Decision::Allow, || {
        let user = &request.user.name;
        format!("audience {shown} not found in pod spec volume, {user} is not authorized to request tokens for this audience")
    })
}
