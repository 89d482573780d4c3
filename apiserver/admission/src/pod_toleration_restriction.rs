//! `PodTolerationRestriction`: pods take tolerations of their namespace, and only such as it allows.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Tree, parse};
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};
use crate::pod_class;
use crate::toleration_merge::{are_allowed, merge};

const NAMESPACES: GroupResource = GroupResource::known("", "namespaces");
const DEFAULTS: &str = "scheduler.alpha.kubernetes.io/defaultTolerations";
const ALLOWED: &str = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";
const TEXTS: [&str; 4] = ["key", "operator", "value", "effect"];

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct PodTolerationRestriction {
    defaults: Vec<Tree>,
    allowed: Vec<Tree>,
}

impl PodTolerationRestriction {
    /// Takes what holds for namespaces that say nothing themselves: `default` and `whitelist` of the plugin's
    /// configuration, both lists of tolerations as pods have them.
    pub(crate) const fn new(defaults: Vec<Tree>, allowed: Vec<Tree>) -> Self {
        Self { defaults, allowed }
    }

    /// As the plugin's configuration says.
    pub(crate) fn configured(configuration: &Tree) -> Self {
        let list = |field: &str| configuration.items(field).to_vec();
        Self::new(list("default"), list("whitelist"))
    }

    async fn check(&self, request: &Request<'_>, pod: &Tree) -> Result<(), Status> {
        let tolerations = pod.at("spec").items("tolerations");
        if tolerations.is_empty() {
            return Ok(());
        }
        let said = said(request, ALLOWED).await?;
        let (allowed, whose) = match &said {
            Some(allowed) => (allowed, "namespace"),
            None => (&self.allowed, "cluster"),
        };
        if are_allowed(tolerations, allowed) {
            return Ok(());
        }
        Err(Status::unknown(format!(
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its {whose} whitelist"
        )))
    }
}

#[async_trait]
impl Plugin for PodTolerationRestriction {
    fn name(&self) -> &'static str {
        "PodTolerationRestriction"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        let mut more = Vec::new();
        if request.operation == Operation::Create {
            more = said(request, DEFAULTS).await?.unwrap_or_else(|| self.defaults.clone());
        }
        if pod_class::class(pod) != "BestEffort" {
            let mut pressure = Tree::map();
            pressure.set("key", "node.kubernetes.io/memory-pressure");
            pressure.set("operator", "Exists");
            pressure.set("effect", "NoSchedule");
            more.push(pressure);
        }
        if !more.is_empty() {
            let merged = merge(pod.at("spec").items("tolerations"), &more);
            pod.child("spec").set("tolerations", merged);
        }
        self.check(request, pod).await
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        match object.filter(|_| request.is_of("", "pods")) {
            Some(pod) => self.check(request, pod).await,
            None => Ok(()),
        }
    }
}

/// The tolerations that an annotation of the namespace lists; nothing where there is none.
async fn said(request: &Request<'_>, annotation: &str) -> Result<Option<Vec<Tree>>, Status> {
    let name = request.namespace;
    let namespace = match request.cluster.cached(&NAMESPACES, "", name) {
        Some(namespace) => namespace,
        None => match request.cluster.read(&NAMESPACES, "", name).await {
            Ok(namespace) => namespace,
            Err(error) if error.code == 404 => return Err(error),
            Err(error) => return Err(Status::internal(error)),
        },
    };
    match meta::annotation(&namespace, annotation) {
        None => Ok(None),
        Some("") => Ok(Some(Vec::new())),
        Some(text) => read(text).map(Some).map_err(Status::unknown),
    }
}

/// Reads a list of tolerations as Go reads it: what it does not know is passed over.
fn read(text: &str) -> Result<Vec<Tree>, String> {
    let tree = parse(text.as_bytes()).map_err(|error| error.to_string())?.tree;
    let items = match &tree {
        Tree::Null => &[],
        Tree::List(items) => items.as_slice(),
        other => return Err(mismatch(other, "value", "[]v1.Toleration")),
    };
    items.iter().map(toleration).collect()
}

fn toleration(item: &Tree) -> Result<Tree, String> {
    if !matches!(item, Tree::Null | Tree::Map(_)) {
        return Err(mismatch(item, "value", "v1.Toleration"));
    }
    let mut toleration = Tree::map();
    for field in TEXTS {
        match item.at(field) {
            Tree::Null => {}
            Tree::Text(text) => toleration.set(field, text.clone()),
            other => {
                let place = format!("struct field Toleration.{field}");
                let wanted = match field {
                    "operator" => "v1.TolerationOperator",
                    "effect" => "v1.TaintEffect",
                    _ => "string",
                };
                return Err(mismatch(other, &place, wanted));
            }
        }
    }
    match item.at("tolerationSeconds") {
        Tree::Null => {}
        Tree::Int(seconds) => toleration.set("tolerationSeconds", *seconds),
        other => return Err(mismatch(other, "struct field Toleration.tolerationSeconds", "int64")),
    }
    Ok(toleration)
}

fn mismatch(found: &Tree, place: &str, wanted: &str) -> String {
    let place = if place == "value" {
        format!("Go value of type {wanted}")
    } else {
        format!("Go {place} of type {wanted}")
    };
    format!("json: cannot unmarshal {} into {place}", found.type_name())
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::Tree;

    use super::{PodTolerationRestriction, read};
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    const PRESSURE: &str = r#"{"key":"node.kubernetes.io/memory-pressure","operator":"Exists","effect":"NoSchedule"}"#;

    fn list(text: &str) -> Vec<Tree> {
        json(text).as_list().unwrap().to_vec()
    }

    fn with(annotations: &str) -> Scene {
        let scene = Scene::new();
        let text = format!(r#"{{"metadata":{{"name":"n","annotations":{annotations}}}}}"#);
        scene.cluster.put("namespaces", &text);
        scene
    }

    fn pod(spec: &str) -> Tree {
        json(&format!(r#"{{"spec":{spec}}}"#))
    }

    #[tokio::test]
    async fn a_new_pod_takes_the_tolerations_of_its_namespace_or_of_the_cluster() {
        let plugin = PodTolerationRestriction::new(list(r#"[{"key":"c","operator":"Exists"}]"#), Vec::new());
        let own = r#"{"scheduler.alpha.kubernetes.io/defaultTolerations":"[{\"key\":\"n\",\"operator\":\"Exists\",\"other\":1}]"}"#;
        let none = r#"{"scheduler.alpha.kubernetes.io/defaultTolerations":""}"#;
        for (annotations, expected) in [
            (
                "{}",
                r#"[{"key":"p","operator":"Exists"},{"key":"c","operator":"Exists"}]"#,
            ),
            (
                own,
                r#"[{"key":"p","operator":"Exists"},{"key":"n","operator":"Exists"}]"#,
            ),
            (none, r#"[{"key":"p","operator":"Exists"}]"#),
        ] {
            let scene = with(annotations);
            let request = scene.request(Operation::Create, "pods");
            let mut pod = pod(r#"{"containers":[{}],"tolerations":[{"key":"p","operator":"Exists"}]}"#);
            plugin.admit(&request, Some(&mut pod)).await.unwrap();
            assert_eq!(pod.at("spec").at("tolerations"), &json(expected));
        }
    }

    #[tokio::test]
    async fn a_pod_that_asks_for_something_tolerates_a_node_short_of_memory() {
        let scene = with("{}");
        let plugin = PodTolerationRestriction::default();
        let request = scene.request(Operation::Update, "pods");
        let mut pod = pod(r#"{"containers":[{"resources":{"requests":{"cpu":"1"}}}]}"#);
        plugin.admit(&request, Some(&mut pod)).await.unwrap();
        assert_eq!(pod.at("spec").at("tolerations"), &json(&format!("[{PRESSURE}]")));
    }

    #[tokio::test]
    async fn only_tolerations_that_are_allowed_pass() {
        let plugin = PodTolerationRestriction::new(Vec::new(), list(r#"[{"key":"c","operator":"Exists"}]"#));
        let own =
            r#"{"scheduler.alpha.kubernetes.io/tolerationsWhitelist":"[{\"key\":\"n\",\"operator\":\"Exists\"}]"}"#;
        let all = r#"{"scheduler.alpha.kubernetes.io/tolerationsWhitelist":""}"#;
        let head = "pod tolerations (possibly merged with namespace default tolerations) conflict with its";
        for (annotations, key, expected) in [
            ("{}", "c", String::new()),
            ("{}", "n", format!("{head} cluster whitelist")),
            (own, "n", String::new()),
            (own, "c", format!("{head} namespace whitelist")),
            (all, "z", String::new()),
        ] {
            let scene = with(annotations);
            let request = scene.request(Operation::Create, "pods");
            let mut pod = pod(&format!(
                r#"{{"containers":[{{}}],"tolerations":[{{"key":"{key}","operator":"Exists"}}]}}"#
            ));
            assert_eq!(told(plugin.validate(&request, Some(&pod)).await), expected);
            let answer = plugin.admit(&request, Some(&mut pod)).await;
            assert_eq!(
                answer.as_ref().err().map_or(0, |status| status.code) == 500,
                !expected.is_empty()
            );
            assert_eq!(told(answer), expected);
        }
    }

    #[test]
    fn a_list_that_is_none_is_told_in_go_s_words() {
        for (text, expected) in [
            (
                "{}",
                "json: cannot unmarshal object into Go value of type []v1.Toleration",
            ),
            (
                "[1]",
                "json: cannot unmarshal number into Go value of type v1.Toleration",
            ),
            (
                r#"[{"key":1}]"#,
                "json: cannot unmarshal number into Go struct field Toleration.key of type string",
            ),
            ("[", "unexpected end of JSON input"),
        ] {
            assert_eq!(read(text).unwrap_err(), expected);
        }
        assert_eq!(read("null").unwrap(), Vec::<Tree>::new());
    }
}
