//! What a client port or a metrics port answers: gRPC, the JSON gateway, pages.

use std::sync::Arc;

use http::header;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tonic::body::Body;

use crate::access::Access;
use crate::gateway::Gateway;
use crate::listen::{Answer, Connection};
use crate::pages::Pages;
use crate::reply;
use crate::rpc::Services;

/// What one port answers; what is absent is not served there.
pub(crate) struct Front {
    pub(crate) services: Option<Services>,
    pub(crate) http: Option<Http>,
}

/// The HTTP side of a port.
pub(crate) struct Http {
    pub(crate) pages: Pages,
    pub(crate) gateway: Option<Arc<Gateway>>,
    pub(crate) access: Access,
}

impl Answer for Front {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, connection: Arc<Connection>) -> Response<Body> {
        let request = request.map(Body::new);
        if is_grpc(&request) {
            return match &self.services {
                Some(services) => services.call(request, &connection).await,
                None => tonic::Status::unimplemented("this port serves no gRPC").into_http(),
            };
        }
        match &self.http {
            // Boxed, so that the future of a gRPC call does not carry the room for a page.
            Some(http) => Box::pin(http.answer(request, &connection)).await,
            None => reply::not_found(),
        }
    }
}

/// Whether a request is a gRPC call.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    request.version() == http::Version::HTTP_2
        && request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Whether the JSON gateway answers a path.
fn gateway_path(path: &str) -> bool {
    path.starts_with("/v3/") || path.starts_with("/v3beta/")
}

impl Http {
    async fn answer(&self, request: Request<Body>, connection: &Connection) -> Response<Body> {
        if !connection.secure
            && let Some(refused) = self.access.refuse_host(&request)
        {
            return refused;
        }
        if let Some(refused) = self.refuse_name(request.uri().path(), connection) {
            return refused;
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut response = if request.method() == Method::OPTIONS {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::OK;
            response
        } else {
            self.route(request, connection).await
        };
        self.access.mark(origin.as_ref(), response.headers_mut());
        response
    }

    /// The refusal of a client that may think that its certificate says who it is: the gateway asks in its own name.
    fn refuse_name(&self, path: &str, connection: &Connection) -> Option<Response<Body>> {
        let refused = connection.common_name.is_some()
            && self.gateway.is_some()
            && self.pages.member.certificates_name_users()
            && gateway_path(path);
        refused.then(|| {
            let text =
                "CommonName of client sending a request against gateway will be ignored and not used as expected";
            reply::error(StatusCode::BAD_REQUEST, text)
        })
    }

    async fn route(&self, request: Request<Body>, connection: &Connection) -> Response<Body> {
        if gateway_path(request.uri().path()) {
            return match &self.gateway {
                Some(gateway) => gateway.answer(request, connection).await,
                None => reply::not_found(),
            };
        }
        // Pages have no use for a body.
        let (head, _) = request.into_parts();
        self.pages.answer(&head).await
    }
}
