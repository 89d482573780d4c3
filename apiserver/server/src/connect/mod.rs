//! What leads out of the API: logs of containers, commands in them, forwarded ports, and proxies to pods, services and
//! nodes.
//!
//! Logs, commands and ports go to the node's kubelet, proxies to whatever listens there. Watches in a WebSocket take
//! the same way to the client ([`watch`]). This module must not know how objects are stored or who may do what: both it
//! asks. Start reading at [`serve`], then [`streams`] and [`proxy`].

mod client;
mod container;
mod dial;
mod headers;
mod location;
mod log;
mod network;
mod node;
mod options;
mod probe;
mod proxy;
mod pump;
mod settings;
mod spdy;
mod status;
mod streams;
mod translate;
mod tunnel;
mod upgrade;
pub(crate) mod watch;
pub(crate) mod websocket;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use apiserver_access::authorize::Authorizer;
use apiserver_api::gvk::GroupResource;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;
use axum::body::Body;
use base::random::Random;
use base::task::Tasks;

pub use self::network::{Direct, Network};
pub use self::settings::{Kubelets, Settings};

use self::client::Client;
use crate::answer::Answer;
use crate::catalog::Resource;
use crate::handlers::not_allowed;
use crate::machine::Machine;
use crate::request::Call;
use crate::request::accept::negotiate_log;

/// How nodes, pods and services are reached. Clones share connections.
#[derive(Clone)]
pub struct Connect(Arc<Shared>);

struct Shared {
    settings: Settings,
    network: Arc<dyn Network>,
    /// To kubelets, whose certificates are checked where there is an authority.
    kubelets: Client,
    /// To kubelets whose certificates the client of a log does not want checked.
    unchecked: Client,
    /// To pods and services, which are known by addresses that no certificate names.
    others: Client,
    /// Connections that were taken over, and those that wait for the next request.
    tasks: Tasks,
}

impl Connect {
    /// Reads the files that the settings name. Connections end with the tasks.
    ///
    /// # Errors
    /// The file that is wrong and what was expected.
    pub fn new(settings: Settings, network: Arc<dyn Network>, tasks: &Tasks) -> Result<Self, base::tls::Error> {
        let tasks = tasks.child();
        Ok(Self(Arc::new(Shared {
            kubelets: Client::kubelets(&settings.kubelets, true, &network, &tasks)?,
            unchecked: Client::kubelets(&settings.kubelets, false, &network, &tasks)?,
            others: Client::others(&network, &tasks)?,
            settings,
            network,
            tasks,
        })))
    }
}

/// What is asked for, and what is needed to answer it.
pub(crate) struct Asked<'a> {
    pub(crate) connect: &'a Connect,
    pub(crate) call: &'a Call,
    /// `pods`, `services` or `nodes`.
    pub(crate) resource: &'a GroupResource,
    /// `exec`.
    pub(crate) part: &'a str,
    pub(crate) cluster: &'a dyn Cluster,
    pub(crate) authorizer: &'a dyn Authorizer,
    pub(crate) random: &'a dyn Random,
}

impl Asked<'_> {
    /// Another object of the core group, in the namespace of the request where it is in one.
    async fn read(&self, plural: &str, name: &str) -> Result<Tree, Status> {
        let namespace = if plural == "nodes" {
            ""
        } else {
            &self.call.info.namespace
        };
        let found = self
            .cluster
            .read(&GroupResource::new("", plural), namespace, name)
            .await;
        found.map_err(|status| match status.reason {
            // Upstream's registries name what the request is for, not what they did not find.
            Reason::NotFound => Status::not_found(self.resource, name),
            _ => status,
        })
    }
}

/// Whether a subresource is answered here.
pub(crate) fn leads_out(resource: &Resource, part: &str) -> bool {
    let parts: &[&str] = match resource.kind.plural {
        _ if !resource.kind.group.is_empty() => &[],
        "pods" => &["attach", "exec", "log", "portforward", "proxy"],
        "nodes" | "services" => &["proxy"],
        _ => &[],
    };
    parts.contains(&part)
}

/// Answers a request for a subresource that leads out of the API.
///
/// # Errors
/// What the client is told.
pub(crate) async fn serve(
    machine: &Arc<Machine>,
    resource: &Resource,
    part: &str,
    call: &Call,
    body: Body,
) -> Result<Answer, Status> {
    let asked = Asked {
        connect: &machine.connect,
        call,
        resource: &resource.group_resource,
        part,
        cluster: &**machine,
        authorizer: &*machine.authorizer,
        random: &*machine.random,
    };
    let mut options = begin(&asked)?;
    if let Some(options) = &mut options {
        machine.admit_connect(call, resource, part, options).await?;
    }
    finish(&asked, options.as_ref(), body).await
}

/// How the client is to be connected, for admission to judge; none where it only reads.
fn begin(asked: &Asked<'_>) -> Result<Option<Tree>, Status> {
    let methods: &[&str] = match asked.part {
        "log" => &["GET"],
        "proxy" => &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
        _ => &["GET", "POST"],
    };
    if !methods.contains(&asked.call.method.as_str()) {
        return Err(not_allowed());
    }
    if asked.part == "log" {
        negotiate_log(asked.call.header("accept"))?;
        return Ok(None);
    }
    if asked.call.query.get("dryRun").is_some() {
        return Err(Status::bad_request("dryRun is not supported"));
    }
    options::read(asked).map(Some)
}

/// Connects a client who may be.
async fn finish(asked: &Asked<'_>, options: Option<&Tree>, body: Body) -> Result<Answer, Status> {
    match options {
        None => log::serve(asked).await,
        Some(options) if asked.part == "proxy" => proxy::serve(asked, options, body).await,
        Some(options) => streams::serve(asked, options).await,
    }
}
