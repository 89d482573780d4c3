//! What the peer port answers: calls of members, after a look at who calls, and two pages upstream has there.

use std::sync::Arc;

use http::header::HeaderValue;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use proto::peer::peer_server::PeerServer;
use serde_json::json;
use store_node::Member;
use tonic::body::Body;
use tower::ServiceExt;

use super::identity::Ends;
use super::limits;
use super::metrics::{PeerMetrics, label};
use super::service::PeerService;
use crate::frames::Counted;
use crate::front::is_grpc;
use crate::listen::{Answer, Connection};
use crate::pages::Pages;
use crate::reply;

/// The one call that a stranger may make: it joins, and has no id yet.
const ASKS: &str = "/keelson.peer.v1.Peer/ClusterInfo";

/// The peer port.
pub(crate) struct PeerFront {
    member: Member,
    service: Arc<PeerService>,
    pages: Pages,
    metrics: PeerMetrics,
    max_request_bytes: usize,
}

impl PeerFront {
    pub(crate) fn new(member: Member, pages: Pages, metrics: PeerMetrics, max_request_bytes: usize) -> Self {
        let service = Arc::new(PeerService {
            member: member.clone(),
            metrics: metrics.clone(),
        });
        Self {
            member,
            service,
            pages,
            metrics,
            max_request_bytes,
        }
    }

    async fn call(&self, request: Request<Body>) -> Response<Body> {
        let ends = Ends::read(request.headers());
        let asks = request.uri().path() == ASKS;
        if let Err(stranger) = ends.check(
            self.member.cluster_id(),
            self.member.id(),
            |id| self.member.knows(id),
            asks,
        ) {
            tracing::warn!(?stranger, ?ends, path = request.uri().path(), "refused a peer call");
            return stranger.status().into_http();
        }
        let from = label(ends.from.unwrap_or_default());
        let received = self.metrics.received_bytes.with_label_values(&[&from]);
        let limit = limits::request(request.uri().path(), self.max_request_bytes);
        let mut request = request.map(|body| Body::new(Counted::new(body, received)));
        request.extensions_mut().insert(ends);
        let server = PeerServer::from_arc(Arc::clone(&self.service)).max_decoding_message_size(limit);
        let Ok(response) = server.oneshot(request).await;
        let sent = self.metrics.sent_bytes.with_label_values(&[&from]);
        response.map(|body| Body::new(Counted::new(body, sent)))
    }

    fn members(&self) -> Response<Body> {
        let info = self.member.cluster_info();
        let members: Vec<_> = info
            .members
            .iter()
            .map(|member| {
                let mut document = json!({
                    "id": member.id,
                    "peerURLs": member.peer_ur_ls,
                    "name": member.name,
                    "clientURLs": member.client_ur_ls,
                });
                if member.is_learner {
                    document["isLearner"] = true.into();
                }
                document
            })
            .collect();
        let mut response = reply::json(StatusCode::OK, serde_json::Value::from(members).to_string());
        if let Ok(id) = HeaderValue::try_from(label(info.cluster_id)) {
            response.headers_mut().insert("x-etcd-cluster-id", id);
        }
        response
    }
}

impl Answer for PeerFront {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, _: Arc<Connection>) -> Response<Body> {
        if is_grpc(&request) {
            return self.call(request.map(Body::new)).await;
        }
        match request.uri().path() {
            "/members" | "/version" if request.method() != Method::GET => reply::method_not_allowed("GET"),
            "/members" => self.members(),
            "/version" => self.pages.version(),
            _ => reply::not_found(),
        }
    }
}
