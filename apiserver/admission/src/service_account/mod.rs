//! `ServiceAccount`: every pod is somebody when it speaks to the API, and finds what it needs for it in its files.

mod secrets;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use async_trait::async_trait;
use base::clock::Clock;
use base::random::Random;

use crate::plugin::{Operation, Plugin, Request};
use crate::pods::{is_mirror, names_secrets, projected};
use crate::refuse::forbidden;

const ACCOUNTS: GroupResource = GroupResource::known("", "serviceaccounts");
/// As upstream calls one account that is not there.
const ACCOUNT: GroupResource = GroupResource::known("", "serviceaccount");
/// The account of pods that name none; a controller makes it in every namespace.
const DEFAULT: &str = "default";
/// So often the store is asked for [`DEFAULT`], which may just be on its way.
const ATTEMPTS: usize = 10;
/// The shortest time between two attempts, and how much longer it may be.
const PAUSE_MS: u64 = 100;

/// The plugin.
pub(crate) struct ServiceAccount {
    /// What is waited by.
    pub(crate) clock: Arc<dyn Clock>,
    /// What names of volumes and pauses are drawn from.
    pub(crate) random: Arc<dyn Random>,
}

/// Whether the write is about a pod or what is added to one while it runs.
fn concerns(request: &Request<'_>) -> bool {
    request.is_of("", "pods") || request.is_part("", "pods", "ephemeralcontainers")
}

impl ServiceAccount {
    /// The account of a name in the write's namespace.
    async fn account(&self, request: &Request<'_>, name: &str) -> Result<Tree, Status> {
        if let Some(account) = request.cluster.cached(&ACCOUNTS, request.namespace, name) {
            return Ok(account);
        }
        let attempts = if name == DEFAULT { ATTEMPTS } else { 1 };
        let pause = Duration::from_millis(PAUSE_MS + self.random.below(PAUSE_MS));
        for attempt in 0..attempts {
            if attempt > 0 {
                self.clock.sleep(pause).await;
            }
            match request.cluster.read(&ACCOUNTS, request.namespace, name).await {
                Err(status) if status.reason == Reason::NotFound => {}
                answer => return answer,
            }
        }
        Err(Status::not_found(&ACCOUNT, name))
    }

    /// The account of a pod, or why the pod is refused.
    async fn account_of(&self, request: &Request<'_>, pod: &Tree) -> Result<Tree, Status> {
        let name = pod.at("spec").text("serviceAccountName");
        let found = self.account(request, name).await;
        found.map_err(|status| {
            let place = format!("{}/{name}", request.namespace);
            forbidden(
                request,
                Some(pod),
                format!("error looking up service account {place}: {status}"),
            )
        })
    }
}

/// Whether a pod gets a token in its files: as it says, else as its account says, else yes.
fn wants_token(pod: &Tree, account: &Tree) -> bool {
    let said = pod.at("spec").at("automountServiceAccountToken").as_bool();
    said.or_else(|| account.at("automountServiceAccountToken").as_bool())
        .unwrap_or(true)
}

/// A pod that stands for a node's file may need nothing that the API would have to give it.
fn check_mirror(request: &Request<'_>, pod: &Tree) -> Result<(), Status> {
    let spec = pod.at("spec");
    let words = if !spec.text("serviceAccountName").is_empty() {
        "a mirror pod may not reference service accounts"
    } else if names_secrets(spec) {
        "a mirror pod may not reference secrets"
    } else if projected(spec).any(|source| source.has("serviceAccountToken")) {
        "a mirror pod may not use ServiceAccountToken volume projections"
    } else {
        return Ok(());
    };
    Err(forbidden(request, Some(pod), words))
}

#[async_trait]
impl Plugin for ServiceAccount {
    fn name(&self) -> &'static str {
        "ServiceAccount"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let creates = concerns(request) && request.operation == Operation::Create;
        let Some(pod) = object.filter(|_| creates) else {
            return Ok(());
        };
        if is_mirror(pod) {
            return check_mirror(request, pod);
        }
        if pod.at("spec").text("serviceAccountName").is_empty() {
            let spec = pod.child("spec");
            spec.set("serviceAccountName", DEFAULT);
            // The name of the field of old goes with it.
            spec.set("serviceAccount", DEFAULT);
        }
        let account = self.account_of(request, pod).await?;
        if wants_token(pod, &account) {
            token::mount(pod.child("spec"), self.random.as_ref());
        }
        let pulls = account.items("imagePullSecrets");
        if pod.at("spec").items("imagePullSecrets").is_empty() && !pulls.is_empty() {
            let pulls = pulls.iter().map(|one| {
                let mut reference = Tree::map();
                if !one.text("name").is_empty() {
                    reference.set("name", one.text("name"));
                }
                reference
            });
            let pulls: Tree = pulls.collect();
            pod.child("spec").set("imagePullSecrets", pulls);
        }
        self.validate(request, Some(pod)).await
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| concerns(request)) else {
            return Ok(());
        };
        let added = request.operation == Operation::Update && request.subresource == "ephemeralcontainers";
        if request.operation != Operation::Create && !added {
            return Ok(());
        }
        if !added && is_mirror(pod) {
            return check_mirror(request, pod);
        }
        if pod.at("spec").text("serviceAccountName").is_empty() {
            let place = format!("{}/{}", request.namespace, meta::name(pod));
            let words = format!("no service account specified for pod {place}");
            return Err(forbidden(request, object, words));
        }
        let account = self.account_of(request, pod).await?;
        let mistake = if added {
            secrets::check_added(pod.at("spec"), &account)
        } else {
            secrets::check(pod.at("spec"), &account)
        };
        mistake.map_err(|words| forbidden(request, object, words))
    }
}
