//! An operation before it is written in one of the two dialects.

use std::collections::BTreeMap;

use super::names::id_and_tag;
use super::parameters::Parameter;

/// What is sent or answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Model {
    /// A text.
    Text,
    /// An object of the type of this name.
    Type(String),
}

/// What a request carries.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) model: Model,
    pub(super) required: bool,
}

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// With its parameters in braces.
    pub(super) path: String,
    /// In lower case.
    pub(super) method: &'static str,
    pub(super) id: String,
    pub(super) tag: String,
    /// Empty where nothing is said.
    pub(super) description: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) consumes: Vec<&'static str>,
    pub(super) produces: Vec<&'static str>,
    /// Codes and what is answered with them. Every operation may answer 401, which is not among them.
    pub(super) answers: Vec<(u16, Model)>,
    /// What is done and to which kind (group, version, kind); `None` for what is no resource.
    pub(super) resource: Option<(&'static str, [String; 3])>,
}

impl Route {
    /// An operation of a path and a name, to be filled in.
    pub(super) fn new(method: &'static str, path: String, name: &str, description: String) -> Self {
        let (id, tag) = id_and_tag(name, &path);
        Self {
            path,
            method,
            id,
            tag,
            description,
            parameters: Vec::new(),
            body: None,
            consumes: Vec::new(),
            produces: Vec::new(),
            answers: Vec::new(),
            resource: None,
        }
    }

    /// The types that it sends and answers.
    pub(super) fn types(&self) -> impl Iterator<Item = &str> {
        let sent = self.body.iter().map(|body| &body.model);
        let models = sent.chain(self.answers.iter().map(|(_, model)| model));
        models.filter_map(|model| match model {
            Model::Text => None,
            Model::Type(name) => Some(name.as_str()),
        })
    }
}

/// What a code says.
pub(super) fn reason(code: u16) -> &'static str {
    match code {
        201 => "Created",
        202 => "Accepted",
        _ => "OK",
    }
}

/// The operations of one path.
#[derive(Debug, Default)]
pub(super) struct PathItem {
    pub(super) routes: Vec<Route>,
    /// The parameters that all of them have, sorted; they are not among those of the operations.
    pub(super) common: Vec<Parameter>,
}

/// Operations by path, what all of a path have said once.
pub(super) fn by_path(routes: Vec<Route>) -> BTreeMap<String, PathItem> {
    let mut paths: BTreeMap<String, PathItem> = BTreeMap::new();
    for route in routes {
        paths.entry(route.path.clone()).or_default().routes.push(route);
    }
    for item in paths.values_mut() {
        item.draw_out();
    }
    paths
}

impl PathItem {
    fn draw_out(&mut self) {
        let all = self.routes.len();
        let mut seen: BTreeMap<(&'static str, bool), (usize, &Parameter)> = BTreeMap::new();
        for parameter in self.routes.iter().flat_map(|route| &route.parameters) {
            let one = seen.entry(parameter.key()).or_insert((0, parameter));
            // Upstream takes the words of the last.
            *one = (one.0 + 1, parameter);
        }
        let common = seen.into_values().filter(|(count, _)| *count == all);
        self.common = common.map(|(_, parameter)| parameter.clone()).collect();
        let common = &self.common;
        for route in &mut self.routes {
            route
                .parameters
                .retain(|one| common.iter().all(|other| other.key() != one.key()));
            // By name, those of the path before those of the query.
            route.parameters.sort_by_key(|one| (one.name, !one.in_path));
        }
        self.common.sort_by_key(|one| (one.name, !one.in_path));
    }
}
