//! `EventRateLimit`: so many events a second, of all, of a namespace, of a user, or of a source about an object.

mod buckets;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;
use parking_lot::Mutex;

use self::buckets::Buckets;
use crate::configuration;
use crate::plugin::{Operation, Plugin, Request};
use crate::refuse::together;

const GROUP: &str = "eventratelimit.admission.k8s.io";
/// So many namespaces, users or sources are told apart where nothing is said.
const CACHE: i64 = 4096;
const TYPES: [&str; 4] = ["Namespace", "Server", "SourceAndObject", "User"];
/// What tells sources and objects of events apart.
const SOURCE: [[&str; 2]; 7] = [
    ["source", "component"],
    ["source", "host"],
    ["involvedObject", "kind"],
    ["involvedObject", "namespace"],
    ["involvedObject", "name"],
    ["involvedObject", "uid"],
    ["involvedObject", "apiVersion"],
];

/// The plugin.
pub(crate) struct EventRateLimit {
    limits: Vec<Limit>,
}

struct Limit {
    /// One of [`TYPES`].
    of: String,
    buckets: Mutex<Buckets>,
}

impl EventRateLimit {
    /// From its configuration, without which it is of no use.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub(crate) fn new(configuration: &Tree) -> Result<Self, String> {
        if !configuration.is_null() {
            configuration::check_kind(configuration, GROUP, &["v1alpha1"], "Configuration")?;
        }
        let limits = configuration.items("limits");
        let mut refusals = Refusals::new();
        let path = Path::of("limits");
        if limits.is_empty() {
            refusals.invalid(&path, &Tree::Null, "must not be empty");
        }
        for (at, limit) in limits.iter().enumerate() {
            validate(&path.index(at), limit, &mut refusals);
        }
        if !refusals.is_empty() {
            return Err(refusals.to_string());
        }
        let limits = limits.iter().map(Limit::of).collect();
        Ok(Self { limits })
    }
}

fn validate(path: &Path<'_>, limit: &Tree, refusals: &mut Refusals) {
    let of = limit.text("type");
    if !TYPES.contains(&of) {
        refusals.not_supported(&path.field("type"), of, &TYPES);
    }
    for field in ["burst", "qps"] {
        if limit.int(field) <= 0 {
            refusals.invalid(&path.field(field), limit.int(field), "must be positive");
        }
    }
    if of != "Server" && limit.int("cacheSize") < 0 {
        refusals.invalid(&path.field("cacheSize"), limit.int("cacheSize"), "must not be negative");
    }
}

impl Limit {
    fn of(limit: &Tree) -> Self {
        let size = match limit.int("cacheSize") {
            0 => CACHE,
            size => size,
        };
        let buckets = Buckets::new(limit.int("qps"), limit.int("burst"), size);
        Self {
            of: limit.text("type").to_owned(),
            buckets: Mutex::new(buckets),
        }
    }

    fn key(&self, request: &Request<'_>, event: Option<&Tree>) -> String {
        match self.of.as_str() {
            "Namespace" => request.namespace.to_owned(),
            "User" => request.user.name.to_string(),
            "SourceAndObject" => {
                let parts =
                    SOURCE.map(|path| event.map_or("", |event| event.below(&path).as_str().unwrap_or_default()));
                parts.concat()
            }
            _ => String::new(),
        }
    }
}

#[async_trait]
impl Plugin for EventRateLimit {
    fn name(&self) -> &'static str {
        "EventRateLimit"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let is_event = request.kind.group.is_empty() && request.kind.kind == "Event";
        if !is_event || request.dry_run {
            return Ok(());
        }
        let mut reached = Vec::new();
        for limit in &self.limits {
            let key = limit.key(request, object);
            if !limit.buckets.lock().take(&key, request.now) {
                let of = &limit.of;
                reached.push(format!("Too many requests: limit reached on type {of} for key {key}"));
            }
        }
        together(&reached).map_or(Ok(()), |text| Err(Status::busy(text)))
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::user::User;

    use super::EventRateLimit;
    use crate::testing::{Ask, NOW, tree};

    fn plugin(limits: &str) -> Result<EventRateLimit, String> {
        let head = r#""apiVersion":"eventratelimit.admission.k8s.io/v1alpha1","kind":"Configuration""#;
        EventRateLimit::new(&tree(&format!(r#"{{{head},"limits":[{limits}]}}"#)))
    }

    fn ask(namespace: &str) -> Ask {
        Ask::create("", "v1", "Event", "events").within(namespace).named("e")
    }

    #[tokio::test]
    async fn events_pass_up_to_the_limit() {
        let plugin = plugin(r#"{"type":"Namespace","qps":1,"burst":2}"#).unwrap();
        for _ in 0..2 {
            ask("t").validate(&plugin, "{}").await.unwrap();
        }
        let refused = ask("t").validate(&plugin, "{}").await.unwrap_err();
        let words = "Too many requests: Too many requests: limit reached on type Namespace for key t";
        assert_eq!((refused.code, refused.message.as_str()), (429, words));
        ask("other").validate(&plugin, "{}").await.unwrap();
        let mut later = ask("t");
        later.now = Time::from_unix(NOW + 1);
        later.validate(&plugin, "{}").await.unwrap();
    }

    #[tokio::test]
    async fn users_and_sources_are_told_apart() {
        let plugin =
            plugin(r#"{"type":"User","qps":1,"burst":1},{"type":"SourceAndObject","qps":1,"burst":1}"#).unwrap();
        let event = |name: &str| format!(r#"{{"source":{{"component":"c"}},"involvedObject":{{"name":"{name}"}}}}"#);
        ask("t").validate(&plugin, &event("a")).await.unwrap();
        let joe = || ask("t").by(User::new("joe", []));
        let refused = joe().validate(&plugin, &event("a")).await.unwrap_err();
        assert!(
            refused
                .message
                .ends_with("limit reached on type SourceAndObject for key ca"),
            "{refused}"
        );
        let refused = joe().validate(&plugin, &event("b")).await.unwrap_err();
        assert!(
            refused.message.ends_with("limit reached on type User for key joe"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn dry_runs_and_other_kinds_are_free() {
        let plugin = plugin(r#"{"type":"Server","qps":1,"burst":1}"#).unwrap();
        for _ in 0..3 {
            let mut dry = ask("t");
            dry.dry_run = true;
            dry.validate(&plugin, "{}").await.unwrap();
            let other = Ask::create("", "v1", "Pod", "pods").within("t");
            other.validate(&plugin, "{}").await.unwrap();
        }
        ask("t").validate(&plugin, "{}").await.unwrap();
    }

    #[test]
    fn a_wrong_configuration_is_told() {
        let error = EventRateLimit::new(&tree("null")).err().unwrap();
        assert_eq!(error, "limits: Invalid value: null: must not be empty");
        let error = plugin(r#"{"type":"x","qps":0,"burst":1,"cacheSize":-1}"#)
            .err()
            .unwrap();
        let kinds = r#"limits[0].type: Unsupported value: "x": supported values: "Namespace", "Server", "SourceAndObject", "User""#;
        let rest = "limits[0].qps: Invalid value: 0: must be positive, limits[0].cacheSize: Invalid value: -1: must not be negative";
        assert_eq!(error, format!("[{kinds}, {rest}]"));
    }
}
