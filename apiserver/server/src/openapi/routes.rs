//! The operations of a kind: those that upstream's installer makes of what a registry can do.

use apiserver_kinds::{Kind, Subresource, Verb, Version};

use super::Options;
use super::media::{object_types, patch_types, stream_types};
use super::names::{capital, with_article};
use super::parameters::{self, CREATE, DELETE, LIST, PATCH, PRETTY, Parameter, UPDATE, WATCH_ONLY};
use super::route::{Body, Model, Route};
use super::types::{DELETE_OPTIONS, PATCH_TYPE, STATUS, Types, WATCH_EVENT};

const ANY: &[&str] = &["*/*"];

/// What can be connected to by any method.
const METHODS: [&str; 7] = ["delete", "get", "head", "options", "patch", "post", "put"];

/// A version of a kind, or a subresource of it, whose operations are made.
struct Maker<'m> {
    types: &'m Types,
    options: &'m Options,
    /// `/apis/apps/v1`.
    root: String,
    kind: &'static Kind,
    below: Option<&'static Subresource>,
    /// Of what is sent and answered.
    speaks: [String; 3],
    /// Its type.
    model: Model,
    made: Vec<Route>,
}

/// The operations of a version of a kind and of what stands below it.
pub(super) fn of_kind(types: &Types, options: &Options, kind: &'static Kind, version: &'static Version) -> Vec<Route> {
    let root = super::root(kind.group, version.name);
    let maker = |below: Option<&'static Subresource>| {
        let speaks = below.and_then(|below| below.speaks);
        let (group, of, name) = speaks.unwrap_or((kind.group, version.name, kind.kind));
        let model = match speaks {
            None => version.schema.to_owned(),
            Some(_) => types.named(group, of, name),
        };
        Maker {
            types,
            options,
            root: root.clone(),
            kind,
            below,
            speaks: [group, of, name].map(str::to_owned),
            model: Model::Type(model),
            made: Vec::new(),
        }
    };
    let mut made = maker(None).resource();
    for below in kind.subresources {
        made.extend(maker(Some(below)).subresource());
    }
    made
}

impl Maker<'_> {
    fn can(&self, verb: Verb) -> bool {
        self.below.map_or(self.kind.verbs, |below| below.verbs).contains(&verb)
    }

    fn resource(mut self) -> Vec<Route> {
        let list = self.kind.plural.to_owned();
        let collection = if self.kind.namespaced {
            format!("namespaces/{{namespace}}/{list}")
        } else {
            list.clone()
        };
        self.collection(&collection, "");
        let item = format!("{collection}/{{name}}");
        self.item(&item);
        if self.can(Verb::Watch) {
            self.watch(&item);
        }
        if self.kind.namespaced && self.can(Verb::List) {
            self.lists(&list, "ForAllNamespaces");
        }
        self.made
    }

    fn subresource(mut self) -> Vec<Route> {
        let Some(below) = self.below else {
            return self.made;
        };
        let scope = if self.kind.namespaced {
            "namespaces/{namespace}/"
        } else {
            ""
        };
        let path = format!("{scope}{}/{{name}}/{}", self.kind.plural, below.name);
        let kind = self.speaks[2].clone();
        if kind.ends_with("Options") {
            self.connect(&path, "");
            if kind.ends_with("ProxyOptions") {
                self.connect(&format!("{path}/{{path}}"), "WithPath");
            }
        } else if below.name == "log" {
            self.log(&path);
        } else {
            if self.can(Verb::Create) {
                self.create(&path);
            }
            self.item(&path);
        }
        self.made
    }

    /// An operation: what its name begins with (`readNamespacedPod`), and its parameters.
    fn route(&self, method: &'static str, path: &str, verb: &str, ends: &str, description: String) -> Route {
        let across = ends.ends_with("ForAllNamespaces");
        let scope = if self.kind.namespaced && !across {
            "Namespaced"
        } else {
            ""
        };
        let below = self.below.map(|below| capital(below.name)).unwrap_or_default();
        let name = format!("{verb}{scope}{}{below}{ends}", self.kind.kind);
        let mut route = Route::new(method, format!("{}/{path}", self.root), &name, description);
        if path.contains("{namespace}") {
            route
                .parameters
                .push(Parameter::in_path("namespace", "the namespace of the object"));
        }
        if path.contains("{name}") {
            let description = format!("name of the {}", self.speaks[2]);
            route.parameters.push(Parameter::in_path("name", &description));
        }
        if path.ends_with("{path}") {
            route
                .parameters
                .push(Parameter::in_path("path", "path to the resource"));
        }
        route.consumes = ANY.to_vec();
        route.produces = object_types(self.options);
        route
    }

    fn done(&mut self, action: &'static str, mut route: Route) {
        route.resource = Some((action, self.speaks.clone()));
        self.made.push(route);
    }

    fn say(&self, route: &mut Route, options: parameters::Options) {
        let said = parameters::parameters(options, |name| self.types.delete_words(name));
        route.parameters.extend(said);
    }

    /// The object of an operation: `Pod`, `status of the specified Pod`.
    fn specified(&self) -> String {
        match self.below {
            None => format!("the specified {}", self.kind.kind),
            Some(below) => format!("{} of the specified {}", below.name, self.kind.kind),
        }
    }

    /// The same with an article: ` a Pod`, ` status of a Pod`.
    fn some(&self) -> String {
        let kind = with_article(self.kind.kind);
        match self.below {
            None => kind,
            Some(below) => format!(" {} of{kind}", below.name),
        }
    }

    fn collection(&mut self, path: &str, ends: &str) {
        if self.can(Verb::List) {
            self.lists(path, ends);
        }
        if self.can(Verb::Create) {
            self.create(path);
        }
        if self.can(Verb::DeleteCollection) {
            let description = format!("delete collection of {}", self.kind.kind);
            let mut route = self.route("delete", path, "deletecollection", "", description);
            self.say(&mut route, PRETTY);
            self.say(&mut route, DELETE);
            self.say(&mut route, LIST);
            route.parameters.retain(|one| !WATCH_ONLY.contains(&one.name));
            route.body = Some(optional(DELETE_OPTIONS));
            route.answers.push((200, Model::Type(STATUS.to_owned())));
            self.done("deletecollection", route);
        }
    }

    /// A list, and the watch of all that stands beside it.
    fn lists(&mut self, path: &str, ends: &str) {
        let watched = self.can(Verb::Watch);
        let verb = if watched { "list or watch" } else { "list" };
        let mut route = self.route(
            "get",
            path,
            "list",
            ends,
            format!("{verb} objects of kind {}", self.kind.kind),
        );
        self.say(&mut route, PRETTY);
        self.say(&mut route, LIST);
        route.produces = stream_types(self.options);
        if let Model::Type(name) = &self.model {
            route.answers.push((200, Model::Type(format!("{name}List"))));
        }
        self.done("list", route);
        if watched {
            let description = format!(
                "watch individual changes to a list of {}. deprecated: use the 'watch' parameter with a list operation instead.",
                self.kind.kind
            );
            self.watching("watchlist", path, &format!("List{ends}"), description);
        }
    }

    fn watch(&mut self, path: &str) {
        let description = format!(
            "watch changes to an object of kind {}. deprecated: use the 'watch' parameter with a list operation instead, \
             filtered to a single item with the 'fieldSelector' parameter.",
            self.kind.kind
        );
        self.watching("watch", path, "", description);
    }

    fn watching(&mut self, action: &'static str, path: &str, ends: &str, description: String) {
        let mut route = self.route("get", &format!("watch/{path}"), "watch", ends, description);
        self.say(&mut route, PRETTY);
        self.say(&mut route, LIST);
        route.produces = stream_types(self.options);
        route.answers.push((200, Model::Type(WATCH_EVENT.to_owned())));
        self.done(action, route);
    }

    fn create(&mut self, path: &str) {
        let mut route = self.route("post", path, "create", "", format!("create{}", self.some()));
        self.say(&mut route, PRETTY);
        self.say(&mut route, CREATE);
        route.body = Some(self.sent());
        self.answers(&mut route, &[200, 201, 202]);
        self.done("post", route);
    }

    fn item(&mut self, path: &str) {
        if self.can(Verb::Get) {
            let mut route = self.route("get", path, "read", "", format!("read {}", self.specified()));
            self.say(&mut route, PRETTY);
            self.answers(&mut route, &[200]);
            self.done("get", route);
        }
        if self.can(Verb::Update) {
            let mut route = self.route("put", path, "replace", "", format!("replace {}", self.specified()));
            self.say(&mut route, PRETTY);
            self.say(&mut route, UPDATE);
            route.body = Some(self.sent());
            self.answers(&mut route, &[200, 201]);
            self.done("put", route);
        }
        if self.can(Verb::Patch) {
            let description = format!("partially update {}", self.specified());
            let mut route = self.route("patch", path, "patch", "", description);
            self.say(&mut route, PRETTY);
            self.say(&mut route, PATCH);
            route.consumes = patch_types(self.options);
            route.body = Some(Body {
                model: Model::Type(PATCH_TYPE.to_owned()),
                required: true,
            });
            self.answers(&mut route, &[200, 201]);
            self.done("patch", route);
        }
        if self.can(Verb::Delete) {
            let mut route = self.route("delete", path, "delete", "", format!("delete{}", self.some()));
            self.say(&mut route, PRETTY);
            self.say(&mut route, DELETE);
            route.body = Some(optional(DELETE_OPTIONS));
            // Upstream's documents do not tell it of what ends in two steps.
            let rules = self.kind.rules;
            let answer = if rules.answers_deleted() && rules.end().is_none() {
                self.model.clone()
            } else {
                Model::Type(STATUS.to_owned())
            };
            route.answers = vec![(200, answer.clone()), (202, answer)];
            self.done("delete", route);
        }
    }

    /// A log, which is a text.
    fn log(&mut self, path: &str) {
        let mut route = self.route("get", path, "read", "", format!("read {}", self.specified()));
        self.say(&mut route, PRETTY);
        self.say(&mut route, parameters::of_kind("PodLogOptions"));
        route.produces.insert(0, "text/plain");
        route.answers.push((200, Model::Text));
        self.done("get", route);
    }

    /// A connection by some methods: all of them where an object can be deleted there, else those that begin a stream.
    fn connect(&mut self, path: &str, ends: &str) {
        let Some(below) = self.below else { return };
        let methods: &[&'static str] = if self.can(Verb::Delete) {
            &METHODS
        } else {
            &["get", "post"]
        };
        for method in methods {
            let description = format!(
                "connect {} requests to {} of {}",
                method.to_uppercase(),
                below.name,
                self.kind.kind
            );
            let mut route = self.route(method, path, &format!("connect{}", capital(method)), ends, description);
            self.say(&mut route, parameters::of_kind(&self.speaks[2]));
            route.produces = ANY.to_vec();
            route.answers.push((200, Model::Text));
            self.done("connect", route);
        }
    }

    fn sent(&self) -> Body {
        Body {
            model: self.model.clone(),
            required: true,
        }
    }

    fn answers(&self, route: &mut Route, codes: &[u16]) {
        route.answers = codes.iter().map(|code| (*code, self.model.clone())).collect();
    }
}

fn optional(name: &str) -> Body {
    Body {
        model: Model::Type(name.to_owned()),
        required: false,
    }
}
