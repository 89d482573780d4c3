//! The operations that are no resource's: discovery, the version, logs and what identity providers are asked.

use super::Options;
use super::media::{PLAIN_TYPES, object_types};
use super::parameters::Parameter;
use super::route::{Model, Route};
use super::types::{API_GROUP, API_GROUP_LIST, API_RESOURCE_LIST, API_VERSIONS, VERSION};

/// What stands beside the groups: its path in the index and the operations of its document.
pub(super) fn beside_groups() -> Vec<(&'static str, Vec<Route>)> {
    vec![
        (
            ".well-known/openid-configuration",
            vec![text(
                "/.well-known/openid-configuration/",
                "getServiceAccountIssuerOpenIDConfiguration",
                "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
                "application/json",
            )],
        ),
        (
            "api",
            vec![plain(
                "/api/",
                "getAPIVersions",
                "get available API versions",
                API_VERSIONS,
            )],
        ),
        (
            "apis",
            vec![plain(
                "/apis/",
                "getAPIVersions",
                "get available API versions",
                API_GROUP_LIST,
            )],
        ),
        ("logs", logs()),
        (
            "openid/v1/jwks",
            vec![text(
                "/openid/v1/jwks/",
                "getServiceAccountIssuerOpenIDKeyset",
                "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
                "application/jwk-set+json",
            )],
        ),
        ("version", vec![version()]),
    ]
}

/// What `/apis/G` answers.
pub(super) fn group(name: &str) -> Route {
    plain(
        &format!("/apis/{name}/"),
        "getAPIGroup",
        "get information of a group",
        API_GROUP,
    )
}

/// What `/apis/G/V` answers.
pub(super) fn resources(options: &Options, root: &str) -> Route {
    let mut route = plain(
        &format!("{root}/"),
        "getAPIResources",
        "get available resources",
        API_RESOURCE_LIST,
    );
    route.consumes = object_types(options);
    route.produces = object_types(options);
    route
}

fn get(path: &str, name: &str, description: &str, answer: Model) -> Route {
    let mut route = Route::new("get", path.to_owned(), name, description.to_owned());
    route.answers.push((200, answer));
    route
}

fn plain(path: &str, name: &str, description: &str, answer: &str) -> Route {
    let mut route = get(path, name, description, Model::Type(answer.to_owned()));
    route.consumes = PLAIN_TYPES.to_vec();
    route.produces = PLAIN_TYPES.to_vec();
    route
}

fn text(path: &str, name: &str, description: &str, media: &'static str) -> Route {
    let mut route = get(path, name, description, Model::Text);
    route.produces = vec![media];
    route
}

fn version() -> Route {
    let description = "get the version information for this server";
    let mut route = get(
        "/version/",
        "getCodeVersion",
        description,
        Model::Type(VERSION.to_owned()),
    );
    route.consumes = vec!["application/json"];
    route.produces = vec!["application/json"];
    route
}

/// Files of logs; what is answered is not told.
fn logs() -> Vec<Route> {
    let list = Route::new("get", "/logs/".to_owned(), "logFileListHandler", String::new());
    let mut file = Route::new("get", "/logs/{logpath}".to_owned(), "logFileHandler", String::new());
    file.parameters.push(Parameter::in_path("logpath", "path to the log"));
    vec![list, file]
}
