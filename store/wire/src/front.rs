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
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let request = request.map(Body::new);
        if is_grpc(&request) {
            return match &self.services {
                Some(services) => services.call(request).await,
                None => tonic::Status::unimplemented("this port serves no gRPC").into_http(),
            };
        }
        match &self.http {
            Some(http) => http.answer(request).await,
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

impl Http {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let secure = request
            .extensions()
            .get::<Arc<Connection>>()
            .is_some_and(|connection| connection.secure);
        if !secure && let Some(refused) = self.access.refuse_host(&request) {
            return refused;
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut response = if request.method() == Method::OPTIONS {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::OK;
            response
        } else {
            self.route(request).await
        };
        self.access.mark(origin.as_ref(), response.headers_mut());
        response
    }

    async fn route(&self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        if path.starts_with("/v3/") || path.starts_with("/v3beta/") {
            return match &self.gateway {
                Some(gateway) => gateway.answer(request).await,
                None => reply::not_found(),
            };
        }
        // Pages have no use for a body.
        let (head, _) = request.into_parts();
        self.pages.answer(&head).await
    }
}
