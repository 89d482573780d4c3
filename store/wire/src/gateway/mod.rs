//! The JSON gateway: `/v3/...` requests become gRPC calls of the same process, and their answers JSON again.
//!
//! There is no second implementation behind it: a call goes the way of every gRPC call, [`Services::call`].

mod json;
mod routes;
mod stream;
mod websocket;

use std::collections::HashMap;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use prost_reflect::{DescriptorPool, MessageDescriptor};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::frames::{framed, next_message, status_in, too_large};
use crate::listen::Connection;
use crate::reply;
use crate::rpc::Services;

/// Headers of an HTTP request with this prefix become metadata.
const METADATA: &str = "grpc-metadata-";

/// One REST path.
pub(super) struct Route {
    /// The method's path.
    grpc: &'static str,
    input: MessageDescriptor,
    output: MessageDescriptor,
    client_streams: bool,
    server_streams: bool,
}

/// The gateway.
pub(crate) struct Gateway {
    services: Services,
    routes: HashMap<&'static str, Arc<Route>>,
    draining: CancellationToken,
}

impl Gateway {
    /// Reads the shapes of all messages.
    pub(crate) fn new(services: Services, draining: CancellationToken) -> Result<Self, crate::Error> {
        let pool = DescriptorPool::decode(proto::DESCRIPTORS)?;
        let mut methods = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                methods.insert(format!("/{}/{}", service.full_name(), method.name()), method);
            }
        }
        let mut all = HashMap::new();
        for (path, grpc) in routes::ROUTES {
            let Some(method) = methods.get(*grpc) else { continue };
            let route = Route {
                grpc,
                input: method.input(),
                output: method.output(),
                client_streams: method.is_client_streaming(),
                server_streams: method.is_server_streaming(),
            };
            all.insert(*path, Arc::new(route));
        }
        Ok(Self {
            services,
            routes: all,
            draining,
        })
    }

    /// Answers a request of a path under `/v3/`.
    pub(crate) async fn answer(&self, request: Request<Body>, connection: &Connection) -> Response<Body> {
        let through = Connection {
            gateway: true,
            ..connection.clone()
        };
        let path = request.uri().path();
        let path = path
            .strip_prefix("/v3beta/")
            .map_or_else(|| path.to_owned(), |rest| format!("/v3/{rest}"));
        let Some(route) = self.routes.get(path.as_str()).map(Arc::clone) else {
            return refused(StatusCode::NOT_FOUND, &Status::not_found("Not Found"));
        };
        if websocket::asked(request.headers()) {
            return websocket::answer(self.services.clone(), route, request, through, self.draining.clone()).await;
        }
        if request.method() != Method::POST {
            return refused(
                StatusCode::METHOD_NOT_ALLOWED,
                &Status::unimplemented("Method Not Allowed"),
            );
        }
        let (parts, body) = request.into_parts();
        let body = if route.client_streams {
            stream::requests(body, route.input.clone(), self.services.limit())
        } else {
            match self.message(body, &route.input).await {
                Ok(body) => body,
                Err(status) => return refused(json::http_status(status.code()), &status),
            }
        };
        let response = self.services.call(call(&route, &parts.headers, body), &through).await;
        if route.server_streams {
            stream::answers(response, route.output.clone())
        } else {
            one(response, &route).await
        }
    }

    /// The request message of a body that carries one.
    async fn message(&self, body: Body, shape: &MessageDescriptor) -> Result<Body, Status> {
        // Base64 and field names make a message at most this much longer, within reason.
        let limit = self.services.limit().saturating_mul(2);
        let collected = Limited::new(body, limit).collect().await;
        let bytes = collected
            .map_err(|_| too_large(limit, self.services.limit()))?
            .to_bytes();
        Ok(reply::full(framed(&json::whole(bytes, shape)?)))
    }
}

/// The gRPC request of a REST request: what a caller is known by, and metadata.
fn call(route: &Route, headers: &HeaderMap, body: Body) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = http::Uri::from_static(route.grpc);
    *request.version_mut() = http::Version::HTTP_2;
    let out = request.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    for (name, value) in headers {
        let passed = match name.as_str() {
            "authorization" | "grpc-timeout" => Some(name.clone()),
            // What is gRPC's own is between the gateway and the services.
            other => other
                .strip_prefix(METADATA)
                .filter(|name| !name.starts_with("grpc-"))
                .and_then(|name| HeaderName::try_from(name).ok()),
        };
        if let Some(name) = passed {
            out.append(name, value.clone());
        }
    }
    request
}

/// A refusal as an answer.
fn refused(http: StatusCode, status: &Status) -> Response<Body> {
    reply::json(http, json::refusal(status).to_string())
}

/// The refusal that headers or trailers carry.
fn refusal_in(headers: &HeaderMap) -> Option<Status> {
    status_in(headers)
        .filter(|code| *code != Code::Ok)
        .and_then(|_| Status::from_header_map(headers))
}

/// The answer of a call that gives one message.
async fn one(response: Response<Body>, route: &Route) -> Response<Body> {
    match message_of(response, route).await {
        Ok(text) => {
            let mut answer = reply::json(StatusCode::OK, text);
            // Upstream's gateway passes the headers of the call behind it on; some clients look at this one.
            answer.headers_mut().insert(
                "grpc-metadata-content-type",
                HeaderValue::from_static("application/grpc"),
            );
            answer
        }
        Err(status) => refused(json::http_status(status.code()), &status),
    }
}

async fn message_of(response: Response<Body>, route: &Route) -> Result<String, Status> {
    if let Some(status) = refusal_in(response.headers()) {
        return Err(status);
    }
    let collected = response.into_body().collect().await?;
    if let Some(status) = collected.trailers().and_then(refusal_in) {
        return Err(status);
    }
    let message =
        next_message(&mut collected.to_bytes().into()).ok_or_else(|| Status::internal("the answer has no message"))?;
    json::written(message, &route.output)
}

#[cfg(test)]
mod tests {
    use super::routes::ROUTES;
    use crate::rpc::METHODS;

    #[test]
    fn every_method_but_range_stream_and_health_has_a_path() {
        for (path, ..) in METHODS {
            let routed = ROUTES.iter().any(|(_, grpc)| grpc == path);
            let grpc_only = path.ends_with("/RangeStream") || path.starts_with("/grpc.");
            assert_eq!(routed, !grpc_only, "{path}");
        }
        for (rest, grpc) in ROUTES {
            assert!(METHODS.iter().any(|(path, ..)| path == grpc), "{rest} leads to {grpc}");
        }
    }
}
