//! The document of `OpenAPI` 2.0: all operations and types in one, parameters that many share named once.

use std::collections::BTreeMap;

use apiserver_api::tree::{Tree, quoted};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use super::Options;
use super::definition::{Definer, Dialect, kind, reference, typed};
use super::parameters::Parameter;
use super::route::{Body, Model, PathItem, Route, by_path, reason};
use super::types::Types;

/// The document of all operations.
pub(super) fn document(types: &Types, options: &Options, routes: Vec<Route>) -> Tree {
    let needed = types.needed(routes.iter().flat_map(Route::types));
    let definer = Definer {
        types,
        dialect: Dialect::V2,
        enums: options.enums,
        scope: None,
    };
    let mut shared = Shared::default();
    let mut paths = Tree::map();
    for (path, item) in by_path(routes) {
        paths.set(&path, path_item(item, &mut shared));
    }
    let mut document = Tree::map();
    document.set("swagger", "2.0");
    document.set("info", super::info(options));
    document.set("paths", paths);
    document.set("definitions", definer.all(&needed));
    document.set("parameters", shared.by_name());
    document
        .child("securityDefinitions")
        .set("BearerToken", super::bearer_token());
    let mut security = Tree::map();
    security.set("BearerToken", Vec::new());
    document.set("security", vec![security]);
    document
}

fn path_item(item: PathItem, shared: &mut Shared) -> Tree {
    let mut all = Tree::map();
    if !item.common.is_empty() {
        let common = item.common.iter().map(|one| shared.parameter(one));
        all.set("parameters", common.collect::<Tree>());
    }
    for route in item.routes {
        all.set(route.method, operation(&route, shared));
    }
    all
}

fn operation(route: &Route, shared: &mut Shared) -> Tree {
    let mut operation = Tree::map();
    operation.set("operationId", &*route.id);
    operation.set("tags", vec![Tree::from(&*route.tag)]);
    operation.set("schemes", vec![Tree::from("https")]);
    if !route.description.is_empty() {
        operation.set("description", &*route.description);
    }
    for (name, media) in [("consumes", &route.consumes), ("produces", &route.produces)] {
        if !media.is_empty() {
            operation.set(name, media.iter().copied().collect::<Tree>());
        }
    }
    // The body stands among the parameters, by its name.
    let mut parameters: Vec<(&str, Tree)> = Vec::new();
    parameters.extend(route.body.iter().map(|body| ("body", shared.body(body))));
    parameters.extend(route.parameters.iter().map(|one| (one.name, shared.parameter(one))));
    parameters.sort_by_key(|(name, _)| *name);
    if !parameters.is_empty() {
        let parameters = parameters.into_iter().map(|(_, one)| one);
        operation.set("parameters", parameters.collect::<Tree>());
    }
    let answers = operation.child("responses");
    for (code, model) in &route.answers {
        let mut answer = Tree::map();
        answer.set("description", reason(*code));
        answer.set("schema", schema(model));
        answers.set(&code.to_string(), answer);
    }
    answers.set("401", super::unauthorized());
    if let Some((action, [group, version, name])) = &route.resource {
        operation.set("x-kubernetes-action", *action);
        operation.set("x-kubernetes-group-version-kind", kind(group, version, name));
    }
    operation
}

fn schema(model: &Model) -> Tree {
    match model {
        Model::Text => typed("string"),
        Model::Type(name) => reference(Dialect::V2, name),
    }
}

/// Parameters that stand once in the document, by what they say; each has a name of its own there.
#[derive(Default)]
struct Shared(BTreeMap<Vec<u8>, (String, Tree)>);

impl Shared {
    fn parameter(&mut self, parameter: &Parameter) -> Tree {
        let mut one = Tree::map();
        one.set("name", parameter.name);
        one.set("in", if parameter.in_path { "path" } else { "query" });
        one.set("description", &*parameter.description);
        if parameter.in_path {
            one.set("required", true);
        }
        one.set("type", parameter.kind);
        one.set("uniqueItems", true);
        // Names differ by kind. Old kubectls look for the other two in the operation itself.
        if matches!(parameter.name, "name" | "fieldValidation" | "dryRun") {
            return one;
        }
        self.refer(
            parameter.name,
            one,
            &["uniqueItems", "type", "description", "name", "in", "required"],
        )
    }

    fn body(&mut self, body: &Body) -> Tree {
        let mut one = Tree::map();
        one.set("name", "body");
        one.set("in", "body");
        if body.required {
            one.set("required", true);
        }
        one.set("schema", schema(&body.model));
        match &body.model {
            Model::Type(name) if name.starts_with("io.k8s.apimachinery") => {
                self.refer("body", one, &["name", "in", "required", "schema"])
            }
            _ => one,
        }
    }

    /// A reference to a parameter that is shared. Its name has a hash of its JSON as Go's encoder orders it (`order`), so
    /// that it is the same wherever the same is said.
    fn refer(&mut self, name: &str, parameter: Tree, order: &[&str]) -> Tree {
        let mut json = vec![b'{'];
        for key in order {
            let Some(value) = parameter.get(key) else { continue };
            if json.len() > 1 {
                json.push(b',');
            }
            quoted(key, &mut json);
            json.push(b':');
            value.write_json(&mut json);
        }
        json.push(b'}');
        let hash = fnv1(&json).to_be_bytes();
        let entry = self.0.entry(json);
        let (name, _) = entry.or_insert_with(|| (format!("{name}-{}", URL_SAFE.encode(&hash[..6])), parameter));
        let mut of = Tree::map();
        of.set("$ref", format!("#/parameters/{name}"));
        of
    }

    fn by_name(self) -> Tree {
        let mut all = Tree::map();
        for (name, parameter) in self.0.into_values() {
            all.set(&name, parameter);
        }
        all
    }
}

/// The hash FNV-1 of 64 bits.
fn fnv1(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        u64::wrapping_mul(hash, 0x0100_0000_01b3) ^ u64::from(*byte)
    })
}
