//! Tokens that are asked for: what `serviceaccounts/token` does with a `TokenRequest`.

use std::sync::Arc;

use apiserver_api::go::quote;
use apiserver_api::gvk::{GroupKind, GroupResource, GroupVersionKind};
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{Text, Tree};
use apiserver_storage::cluster::Cluster;
use base::random::Random;

use super::{Bound, Claims, Issuer, Reference};
use crate::authenticate::service_account::{self, NODES, PODS, SECRETS, SERVICE_ACCOUNTS};
use crate::named::read_named;

const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";

/// For how many seconds tokens are asked for that admission mounts into pods. Upstream lets such tokens live longer, so that
/// programs that read them only once keep working, and tells of those that do.
pub const REPLACED_SECONDS: i64 = 60 * 60 + 7;
/// For how long they live then: a year.
pub const EXTENDED_SECONDS: i64 = 365 * 24 * 60 * 60;

/// Makes tokens that are asked for.
pub struct Requests {
    /// Who signs them.
    pub issuer: Issuer,
    /// Whom they are for where that is not said: this server (`--api-audiences`).
    pub audiences: Vec<Text>,
    /// For how many seconds they are valid at most (`--service-account-max-token-expiration`); `None` sets no bound.
    pub max_seconds: Option<i64>,
    /// Whether tokens of pods are valid for longer than they were asked for
    /// (`--service-account-extend-token-expiration`).
    pub extend: bool,
    /// What their ids are drawn from.
    pub random: Arc<dyn Random>,
}

/// A token that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Issued {
    /// The `TokenRequest` with its status.
    pub object: Tree,
    /// What the client is warned of.
    pub warnings: Vec<String>,
    /// What the token is called, for the audit annotation `authentication.kubernetes.io/issued-credential-id`.
    pub credential: String,
}

impl Requests {
    /// Takes a request for a token of a service account as far as its kind's own rules, which come next, then admission
    /// (which may refuse, not change), then [`Requests::issue`].
    ///
    /// # Errors
    /// 404: there is no such service account. 409: it is another one. 422: the request is about another name.
    pub async fn prepare(
        &self,
        cluster: &dyn Cluster,
        namespace: &str,
        name: &str,
        now: Time,
        request: &mut Tree,
    ) -> Result<(), Status> {
        must_match(
            "name",
            name,
            "must match the service account name if specified",
            name,
            request,
        )?;
        let text = "must match the service account namespace if specified";
        must_match("namespace", namespace, text, name, request)?;
        let account = cluster.read(&SERVICE_ACCOUNTS, namespace, name).await?;
        let (asked, uid) = (meta::uid(request), meta::uid(&account));
        if !asked.is_empty() && asked != uid {
            let error =
                format!("the UID in the token request ({asked}) does not match the UID of the service account ({uid})");
            return Err(Status::conflict(&GroupResource::new(GROUP, KIND), name, error));
        }
        if request.at("spec").items("audiences").is_empty() {
            let audiences: Tree = self.audiences.iter().cloned().collect();
            request.child("spec").set("audiences", audiences);
        }
        meta::set_name(request, name);
        meta::set_namespace(request, namespace);
        meta::set_uid(request, uid);
        meta::set(request, "creationTimestamp", now.to_string());
        request.remove("status");
        Ok(())
    }

    /// Makes the token.
    ///
    /// # Errors
    /// 400 and 404: it cannot be bound to what it shall be bound to. 409: that is another object. 500: it cannot be signed.
    pub async fn issue(&self, cluster: &dyn Cluster, now: Time, mut request: Tree) -> Result<Issued, Status> {
        let bound = bound(cluster, &request).await?;
        let mut warnings = Vec::new();
        let mut seconds = request.at("spec").int("expirationSeconds");
        if let Some(most) = self.max_seconds.filter(|most| seconds > *most) {
            warnings.push(format!(
                "requested expiration of {seconds} seconds shortened to {most} seconds"
            ));
            seconds = most;
        }
        let audiences = request.at("spec").items("audiences");
        let audiences: Vec<Text> = audiences.iter().filter_map(Tree::as_str).map(Into::into).collect();
        let ours = audiences.iter().all(|audience| self.audiences.contains(audience));
        let of_pod = matches!(bound, Some(Bound::Pod(..)));
        let extended = self.extend && of_pod && seconds == REPLACED_SECONDS && ours;
        let claims = Claims {
            namespace: meta::namespace(&request),
            account: Reference::of(&request),
            bound,
            audiences: &audiences,
            now,
            seconds: if extended { EXTENDED_SECONDS } else { seconds },
            warn_after: extended.then_some(seconds),
            id: uuid(self.random.as_ref()),
        };
        let credential = service_account::credential(&claims.id);
        let token = self
            .issuer
            .sign(claims.to_tree())
            .map_err(|error| Status::internal(format!("failed to generate token: {error}")))?;
        let spec = request.child("spec");
        spec.set("expirationSeconds", seconds);
        // Upstream shows that there is none.
        spec.set_default("boundObjectRef", Tree::Null);
        let expires = Time::from_unix(now.unix().saturating_add(seconds));
        let status = request.child("status");
        status.set("token", token);
        status.set("expirationTimestamp", expires.to_string());
        Ok(Issued {
            object: request,
            warnings,
            credential,
        })
    }
}

/// Refuses a request that says something else than its path.
fn must_match(field: &str, is: &str, text: &str, name: &str, request: &Tree) -> Result<(), Status> {
    let said = meta::metadata(request).text(field);
    if said.is_empty() || said == is {
        return Ok(());
    }
    let mut refusals = Refusals::new();
    let path = Path::of("metadata");
    refusals.invalid(&path.field(field), said, text);
    Err(Status::invalid(&GroupKind::new(GROUP, KIND), name, &refusals))
}

/// What a token shall become invalid with.
async fn bound(cluster: &dyn Cluster, request: &Tree) -> Result<Option<Bound>, Status> {
    let reference = request.below(&["spec", "boundObjectRef"]);
    if reference.is_null() {
        return Ok(None);
    }
    let (namespace, account, name) = (meta::namespace(request), meta::name(request), reference.text("name"));
    let kind = GroupVersionKind::of(reference.text("apiVersion"), reference.text("kind"));
    let (bound, uid) = match (&*kind.group, &*kind.kind) {
        ("", "Pod") => {
            let pod = read_named(cluster, &PODS, namespace, name).await?;
            if pod.at("spec").text("serviceAccountName") != account {
                return Err(Status::bad_request(format!(
                    "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
                    quote(account)
                )));
            }
            let node = node_of(cluster, &pod).await?;
            let pod = Reference::of(&pod);
            let uid = pod.uid.clone();
            (Bound::Pod(pod, node), uid)
        }
        ("", "Node") => {
            let node = Reference::of(&read_named(cluster, &NODES, "", name).await?);
            let uid = node.uid.clone();
            (Bound::Node(node), uid)
        }
        ("", "Secret") => {
            let secret = Reference::of(&read_named(cluster, &SECRETS, namespace, name).await?);
            let uid = secret.uid.clone();
            (Bound::Secret(secret), uid)
        }
        _ => {
            return Err(Status::bad_request(format!(
                "cannot bind token to object of type {kind}"
            )));
        }
    };
    let asked = reference.text("uid");
    if !asked.is_empty() && asked != uid {
        let error = format!(
            "the UID in the bound object reference ({asked}) does not match the UID in record. The object might have been \
             deleted and then recreated"
        );
        return Err(Status::conflict(
            &GroupResource::new(&kind.group, &kind.kind),
            name,
            error,
        ));
    }
    Ok(Some(bound))
}

/// Where a pod runs. A node that is gone is named all the same, without a uid.
async fn node_of(cluster: &dyn Cluster, pod: &Tree) -> Result<Option<Reference>, Status> {
    let name = pod.at("spec").text("nodeName");
    if name.is_empty() {
        return Ok(None);
    }
    if let Some(node) = cluster.cached(&NODES, "", name) {
        return Ok(Some(Reference::of(&node)));
    }
    match cluster.read(&NODES, "", name).await {
        Ok(node) => Ok(Some(Reference::of(&node))),
        Err(status) if status.code == 404 => Ok(Some(Reference {
            name: name.into(),
            uid: Text::default(),
        })),
        Err(status) => Err(Status::internal(status)),
    }
}

/// A random UUID (version 4).
fn uuid(random: &dyn Random) -> Text {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let bits = u128::from_be_bytes(bytes);
    let bits = bits & !(0xf << 76) | 0x4 << 76;
    let bits = bits & !(0x3 << 62) | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-").into()
}
