//! Requests and answers in protobuf, through all that a request goes through.

use apiserver_api::tree::{Tree, parse};
use apiserver_schema::{built_in, protobuf};
use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt;

use super::tests::{Setup, ask, pipeline};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What was answered: the code, the media type and the body.
struct Answered {
    code: u16,
    media_type: String,
    body: Vec<u8>,
}

impl Answered {
    /// The object in the envelope, in its normal form.
    fn object(&self) -> Tree {
        let envelope = protobuf::open(&self.body).unwrap();
        let id = protobuf::type_of(&envelope.api_version, &envelope.kind).unwrap();
        let mut tree = protobuf::decode(id, envelope.raw).unwrap();
        built_in().read(id, &mut tree);
        built_in().omit(id, &mut tree);
        tree.set("apiVersion", envelope.api_version);
        tree.set("kind", envelope.kind);
        tree
    }
}

async fn send(method: Method, target: &str, accept: &str, body: Vec<u8>) -> Answered {
    let mut request = Request::builder().method(method).uri(target).header("accept", accept);
    if !body.is_empty() {
        request = request.header("content-type", PROTOBUF);
    }
    let answer = ask(&pipeline(Setup::default()), request.body(Body::from(body)).unwrap()).await;
    Answered {
        code: answer.status().as_u16(),
        media_type: answer.headers()["content-type"].to_str().unwrap().to_owned(),
        body: answer.into_body().collect().await.unwrap().to_bytes().to_vec(),
    }
}

async fn get(target: &str, accept: &str) -> Answered {
    send(Method::GET, target, accept, Vec::new()).await
}

fn shown(tree: &Tree) -> String {
    String::from_utf8(tree.to_json()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn discovery_is_the_same_in_both_forms() {
    let whole = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    for (target, parameters) in [
        ("/api", ""),
        ("/apis", ""),
        ("/apis/apps", ""),
        ("/api/v1", ""),
        ("/apis/autoscaling/v2", ""),
        ("/api", whole),
        ("/apis", whole),
    ] {
        let answer = get(target, &format!("{PROTOBUF}{parameters}")).await;
        assert_eq!(
            (answer.code, answer.media_type.as_str()),
            (200, &*format!("{PROTOBUF}{parameters}"))
        );
        let json = get(target, &format!("application/json{parameters}")).await;
        let mut expected = parse(&json.body).unwrap().tree;
        let kind = expected.text("kind").to_owned();
        let api_version = protobuf::open(&answer.body).unwrap().api_version;
        // Inside of a list, these say nothing of their kind in protobuf.
        let id = protobuf::type_of(&api_version, &kind).unwrap();
        built_in().read(id, &mut expected);
        built_in().omit(id, &mut expected);
        expected.set("apiVersion", api_version);
        expected.set("kind", kind);
        assert_eq!(shown(&answer.object()), shown(&expected), "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_no_form_in_protobuf_is_json() {
    for target in ["/version", "/"] {
        let answer = get(target, &format!("{PROTOBUF},application/json")).await;
        assert_eq!(
            (answer.code, answer.media_type.as_str()),
            (200, "application/json"),
            "{target}"
        );
    }
    let table = format!("{PROTOBUF};as=Table;g=meta.k8s.io;v=v1");
    let refused = get("/api/v1/pods", &table).await;
    assert_eq!((refused.code, refused.media_type.as_str()), (406, "application/json"));
    let text = parse(&refused.body).unwrap().tree.text("message").to_owned();
    let types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    assert_eq!(text, format!("only the following media types are accepted: {types}"));
}

#[tokio::test(start_paused = true)]
async fn a_review_is_read_and_answered() {
    let id = protobuf::type_of("authorization.k8s.io/v1", "SelfSubjectAccessReview").unwrap();
    let review = parse(br#"{"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}"#)
        .unwrap()
        .tree;
    let raw = protobuf::encode(id, &review);
    let target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (api_version, kind) in [("authorization.k8s.io/v1", "SelfSubjectAccessReview"), ("", "")] {
        let body = protobuf::seal(api_version, kind, &raw);
        let answer = send(Method::POST, target, &format!("{PROTOBUF},application/json"), body).await;
        assert_eq!((answer.code, answer.media_type.as_str()), (201, PROTOBUF));
        let object = answer.object();
        assert_eq!(object.text("kind"), "SelfSubjectAccessReview");
        assert_eq!(
            object.at("status").at("allowed"),
            &Tree::Bool(true),
            "{}",
            shown(&object)
        );
        assert_eq!(object.at("spec").at("resourceAttributes").text("resource"), "pods");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_object_is_refused_in_upstream_s_words() {
    let seal = |kind: &str, raw: &[u8]| protobuf::seal("v1", kind, raw);
    let target = "/api/v1/namespaces/n/configmaps";
    for (body, message) in [
        (
            b"k8s\0".to_vec(),
            "the object provided is unrecognized (must be of type ConfigMap): empty body (6b387300)",
        ),
        (
            b"{}".to_vec(),
            "the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf \
             message, expected prefix [107 56 115 0] ({})",
        ),
        (
            seal("ConfigMap", b"\x0a\x05"),
            r#"ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF"#,
        ),
        (
            seal("ConfigMap", b"\x08\x05"),
            r#"ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: wrong wireType = 0 for field ObjectMeta"#,
        ),
        (
            seal("Pod", b""),
            r#"Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion"#,
        ),
        (
            seal("Pod", b"\x0a\x05"),
            r#"Pod in version "v1" cannot be handled as a ConfigMap: unexpected EOF"#,
        ),
        (
            seal("Nope", b""),
            r#"Nope in version "v1" cannot be handled as a ConfigMap: no kind "Nope" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30""#,
        ),
    ] {
        let answer = send(Method::POST, target, PROTOBUF, body).await;
        assert_eq!((answer.code, answer.media_type.as_str()), (400, PROTOBUF));
        let status = answer.object();
        assert_eq!((status.text("message"), status.text("reason")), (message, "BadRequest"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_is_never_protobuf() {
    let target = "/api/v1/namespaces/n/configmaps/c";
    let answer = send(Method::PATCH, target, PROTOBUF, b"k8s\0".to_vec()).await;
    assert_eq!((answer.code, answer.media_type.as_str()), (415, PROTOBUF));
    assert_eq!(answer.object().text("kind"), "Status");
}
