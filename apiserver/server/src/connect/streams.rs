//! Commands in containers, their terminals, and forwarded ports: connections that a kubelet and a client speak over.

use apiserver_access::authorize::{Attributes, Decision};
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::location::{Location, query};
use super::node::Kubelet;
use super::{Asked, container, translate, tunnel, upgrade, websocket};
use crate::access;
use crate::answer::Answer;

/// What a container's streams are called by clients and by kubelets.
const STREAMS: [(&str, &str); 4] = [
    ("stdin", "input"),
    ("stdout", "output"),
    ("stderr", "error"),
    ("tty", "tty"),
];

/// Connects a client with a kubelet.
///
/// # Errors
/// What the client is told.
pub(super) async fn serve(asked: &Asked<'_>, options: &Tree) -> Result<Answer, Status> {
    may_create(asked).await?;
    let (kubelet, location) = locate(asked, options).await?;
    let headers = &asked.call.headers;
    if !kubelet.speaks_websockets {
        let is_ports = asked.part == "portforward";
        if is_ports && websocket::offers(headers, tunnel::is_tunnel) {
            return tunnel::serve(asked, &location).await;
        }
        if !is_ports && websocket::offers(headers, |protocol| protocol == translate::PROTOCOL) {
            return Ok(translate::serve(asked, options, location));
        }
    }
    if !upgrade::is_asked(headers) {
        return Err(Status::bad_request("Upgrade request required"));
    }
    upgrade::pass(asked, &asked.connect.0.kubelets, &location).await
}

/// A browser opens a WebSocket by GET only, and yet what comes of it is no reading: whoever may read must also be allowed to
/// create.
async fn may_create(asked: &Asked<'_>) -> Result<(), Status> {
    let call = asked.call;
    if call.info.verb == "create" {
        return Ok(());
    }
    let attributes = Attributes {
        user: &call.user,
        verb: "create",
        on: access::on(&call.info, &call.path),
    };
    let verdict = asked.authorizer.authorize(&attributes).await;
    if verdict.decision == Decision::Allow {
        return Ok(());
    }
    Err(Status::forbidden(asked.resource, &call.info.name, &verdict.reason))
}

/// The kubelet of a pod, and what is asked of it.
async fn locate(asked: &Asked<'_>, options: &Tree) -> Result<(Kubelet, Location), Status> {
    let name = &asked.call.info.name;
    let pod = asked.read("pods", name).await?;
    let is_ports = asked.part == "portforward";
    let container = if is_ports {
        String::new()
    } else {
        container::choose(&pod, options.text("container"))?
    };
    let node = pod.at("spec").text("nodeName");
    if node.is_empty() {
        return Err(Status::bad_request(format!("pod {name} does not have a host assigned")));
    }
    let kubelet = Kubelet::find(asked, node).await?;
    let (namespace, pod) = (meta::namespace(&pod), meta::name(&pod));
    let path = if is_ports {
        format!("/portForward/{namespace}/{pod}")
    } else {
        format!("/{}/{namespace}/{pod}/{container}", asked.part)
    };
    let location = kubelet.at(path, query(parameters(options)));
    Ok((kubelet, location))
}

/// What a kubelet is told of the streams.
fn parameters(options: &Tree) -> Vec<(&'static str, String)> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for (said, told) in STREAMS {
        if options.flag(said) {
            pairs.push((told, "1".to_owned()));
        }
    }
    for word in options.items("command") {
        pairs.push(("command", word.as_str().unwrap_or_default().to_owned()));
    }
    let ports = options
        .items("ports")
        .iter()
        .filter_map(Tree::as_int)
        .map(|port| port.to_string());
    let ports = ports.collect::<Vec<_>>().join(",");
    if !ports.is_empty() {
        pairs.push(("port", ports));
    }
    pairs
}
