//! The pages as text and as objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use apiserver_api::time::Time;
use apiserver_api::tree::parse;
use base::random::Seeded;
use http_body_util::BodyExt;

use super::{Options, Zpages};
use crate::request::Call;
use crate::request::tests::call;

fn pages() -> Zpages {
    let flags = [("bind-address", "0.0.0.0"), ("v", "0")];
    let flags = flags.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = Options {
        statusz: true,
        flagz: Some(BTreeMap::from(flags)),
    };
    let paths = [
        "/api",
        "/api/v1",
        "/healthz",
        "/livez/ping",
        "/livez",
        "/openid/v1/jwks",
        "/",
    ]
    .map(str::to_owned);
    Zpages::new(options, 1_767_323_045, &paths, Arc::new(Seeded::new(1)))
}

fn asking(target: &str, accept: &str) -> Call {
    let mut call = call("GET", target);
    call.headers.insert("accept", accept.parse().unwrap());
    call.now = Time::from_unix(1_767_323_045 + 3725);
    call
}

/// The code, the media type and the body of an answer.
async fn asked(call: &Call) -> (u16, String, String) {
    let answer = pages().serve(call).unwrap();
    let code = answer.status().as_u16();
    let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (code, media, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn people_read_text() {
    for accept in ["", " ", "text/plain", "*/*", "text/*", "image/png, */*;q=0.1"] {
        let (code, media, text) = asked(&asking("/statusz", accept)).await;
        assert_eq!((code, media.as_str()), (200, "text/plain; charset=utf-8"), "{accept}");
        let start = "\napiserver statusz\nWarning: This endpoint is not meant to be machine parseable, has no formatting \
                     compatibility guarantees and is for debugging purposes only.\n\nStarted";
        assert!(text.starts_with(start), "{text}");
        for part in [
            " Fri Jan  2 03:04:05 UTC 2026\nUp",
            " 1 hr 02 min 05 sec\n",
            "/healthz /livez\n",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
    let (_, _, text) = asked(&asking("/flagz", "")).await;
    assert!(text.contains("\nbind-address") && text.ends_with("0\n"), "{text}");
}

#[tokio::test]
async fn programs_name_the_object_that_they_read() {
    let accept = "application/json;as=Statusz;v=v1beta1;g=config.k8s.io";
    let (code, media, body) = asked(&asking("/statusz", accept)).await;
    assert_eq!(
        (code, media.as_str()),
        (200, "application/json;g=config.k8s.io;v=v1beta1;as=Statusz")
    );
    let tree = parse(body.as_bytes()).unwrap().tree;
    assert_eq!(
        (tree.text("kind"), tree.text("apiVersion")),
        ("Statusz", "config.k8s.io/v1beta1")
    );
    assert_eq!(
        (tree.text("startTime"), tree.int("uptimeSeconds")),
        ("2026-01-02T03:04:05Z", 3725)
    );
    assert_eq!(tree.at("metadata").text("name"), "apiserver");
    assert!(body.contains(r#""paths":["/healthz","/livez"]"#), "{body}");

    let call = asking("/flagz", "application/yaml;as=Flagz;v=v1alpha1;g=config.k8s.io");
    let (_, media, body) = asked(&call).await;
    assert_eq!(media, "application/yaml;g=config.k8s.io;v=v1alpha1;as=Flagz");
    assert!(body.contains("flags:\n  bind-address: 0.0.0.0\n  v: \"0\"\n"), "{body}");
    let warned = "This version of the flagz endpoint is deprecated. Please use a newer version.";
    assert_eq!(call.warnings.lock().texts(), [warned]);
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_with_what_can() {
    for (accept, media) in [
        ("application/json", "application/json"),
        ("application/yaml", "application/yaml"),
        ("application/vnd.kubernetes.protobuf", "application/json"),
        (
            "application/json;as=Flagz;v=v1beta1;g=config.k8s.io",
            "application/json",
        ),
        (
            "application/json;as=Statusz;v=v1;g=config.k8s.io, application/yaml",
            "application/yaml",
        ),
        ("text/plain;as=Statusz;v=v1beta1;g=config.k8s.io", "application/json"),
        (
            "application/json;as=Statusz;v=v1beta1;g=config.k8s.io;stream=watch",
            "application/json",
        ),
    ] {
        let (code, found, body) = asked(&asking("/statusz", accept)).await;
        assert_eq!((code, found.as_str()), (406, media), "{accept}");
        let text = "only the following media types are accepted: application/json, application/yaml, text/plain";
        // YAML folds long lines.
        let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(body.contains(text), "{body}");
    }
}

#[test]
fn pages_that_are_off_are_not_there() {
    let pages = Zpages::new(Options::default(), 0, &[], Arc::new(Seeded::new(1)));
    assert!(
        ["/statusz", "/flagz", "/x"]
            .iter()
            .all(|path| pages.serve(&call("GET", path)).is_none())
    );
}
