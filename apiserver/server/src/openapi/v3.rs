//! A document of `OpenAPI` 3.0: the operations below one path and the types that they need.

use apiserver_api::tree::Tree;

use super::Options;
use super::definition::{Definer, Dialect, kind, reference, typed};
use super::parameters::Parameter;
use super::route::{Model, PathItem, Route, by_path, reason};
use super::types::Types;

/// The document of some operations; `scope` is the group and version that it is of.
pub(super) fn document(types: &Types, options: &Options, routes: Vec<Route>, scope: Option<(&str, &str)>) -> Tree {
    let needed = types.needed(routes.iter().flat_map(Route::types));
    let definer = Definer {
        types,
        dialect: Dialect::V3,
        enums: options.enums,
        scope,
    };
    let mut paths = Tree::map();
    for (path, item) in by_path(routes) {
        paths.set(&path, path_item(item));
    }
    let mut document = Tree::map();
    document.set("openapi", "3.0.0");
    document.set("info", super::info(options));
    document.set("paths", paths);
    let components = document.child("components");
    let schemas = definer.all(&needed);
    if !schemas.is_zero() {
        components.set("schemas", schemas);
    }
    components
        .child("securitySchemes")
        .set("BearerToken", super::bearer_token());
    document
}

fn path_item(item: PathItem) -> Tree {
    let mut all = Tree::map();
    if !item.common.is_empty() {
        all.set("parameters", item.common.iter().map(parameter).collect::<Tree>());
    }
    for route in item.routes {
        all.set(route.method, operation(&route));
    }
    all
}

fn operation(route: &Route) -> Tree {
    let mut operation = Tree::map();
    operation.set("operationId", &*route.id);
    operation.set("tags", vec![Tree::from(&*route.tag)]);
    if !route.description.is_empty() {
        operation.set("description", &*route.description);
    }
    if !route.parameters.is_empty() {
        operation.set("parameters", route.parameters.iter().map(parameter).collect::<Tree>());
    }
    if let Some(body) = &route.body {
        let mut sent = Tree::map();
        sent.set("content", content(&body.model, &route.consumes));
        if body.required {
            sent.set("required", true);
        }
        operation.set("requestBody", sent);
    }
    let answers = operation.child("responses");
    for (code, model) in &route.answers {
        let mut answer = Tree::map();
        answer.set("description", reason(*code));
        answer.set("content", content(model, &route.produces));
        answers.set(&code.to_string(), answer);
    }
    answers.set("401", super::unauthorized());
    if let Some((action, [group, version, name])) = &route.resource {
        operation.set("x-kubernetes-action", *action);
        operation.set("x-kubernetes-group-version-kind", kind(group, version, name));
    }
    operation
}

fn content(model: &Model, media: &[&str]) -> Tree {
    let mut content = Tree::map();
    for media in media {
        let schema = match model {
            Model::Text => typed("string"),
            Model::Type(name) => reference(Dialect::V3, name),
        };
        content.child(media).set("schema", schema);
    }
    content
}

fn parameter(parameter: &Parameter) -> Tree {
    let mut one = Tree::map();
    one.set("name", parameter.name);
    one.set("in", if parameter.in_path { "path" } else { "query" });
    one.set("description", &*parameter.description);
    if parameter.in_path {
        one.set("required", true);
    }
    let mut schema = typed(parameter.kind);
    schema.set("uniqueItems", true);
    one.set("schema", schema);
    one
}
