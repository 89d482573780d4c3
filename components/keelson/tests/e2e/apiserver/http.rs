//! HTTP as curl speaks it: versions, compression, methods, headers, media types.

use serde_json::json;

use crate::apiserver::pair::{JANE, Pair};
use crate::harness::Kind;

#[test]
fn both_versions_of_http_give_the_same_answers() {
    let pair = Pair::start();
    for (flag, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let said = pair.curl(&[
            flag,
            "-w",
            "\n%{http_version} %{http_code}",
            "/api/v1/namespaces/default",
        ]);
        let (body, tail) = said.stdout.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(tail, format!("{version} 200"));
        assert!(body.contains(r#""name": "default""#), "{body}");
        // A connection serves more than one request.
        let path = format!("{}/version", pair.url());
        let said = pair.curl(&[
            flag,
            "-o",
            "/dev/null",
            "-o",
            "/dev/null",
            "-w",
            "%{num_connects}",
            "/version",
            &path,
        ]);
        assert_eq!(said.stdout, "10", "the second needs no connection of its own");
        // A watch comes line by line.
        let said = pair.curl(&[
            flag,
            "/api/v1/namespaces?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Ddefault",
        ]);
        assert_eq!(said.stdout.lines().count(), 1, "{said:?}");
        // A body whose length nobody says.
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "m-"}}).to_string();
        let chunked = [
            "-X",
            "POST",
            "-H",
            "Transfer-Encoding: chunked",
            "-H",
            "Content-Type: application/json",
        ];
        let rest = [
            "-T",
            "-",
            "-w",
            "%{http_code}",
            "-o",
            "/dev/null",
            "/api/v1/namespaces/default/configmaps",
        ];
        let said = pair.curl_with(
            &[&[flag][..], &chunked[..if flag == "--http2" { 2 } else { 6 }], &rest].concat(),
            &map,
        );
        assert!(said.stdout == "201" || flag == "--http2", "{said:?}");
    }
}

#[test]
fn a_selector_may_name_thousands_of_values() {
    let pair = Pair::start();
    let values: Vec<String> = (0..4000).map(|n| format!("value-{n:05}")).collect();
    let path = format!(
        "/api/v1/namespaces/default/configmaps?labelSelector=k%20in%20({})",
        values.join(",")
    );
    for flag in ["--http1.1", "--http2"] {
        let said = pair.curl(&[flag, "-g", "-o", "/dev/null", "-w", "%{http_code}", &path]);
        assert_eq!(said.stdout, "200", "{flag}: {}", said.stderr);
    }
}

#[test]
fn a_page_shows_the_documents_to_whoever_may_see_it() {
    let pair = Pair::start_with(
        Kind::Keelson,
        &["--enable-swagger-ui", "--feature-gates=OpenAPIEnums=false"],
    );
    for path in ["/swagger-ui", "/swagger-ui/"] {
        let page = pair.send("GET", path, &[], "");
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.headers.contains("content-type: text/html"), "{}", page.headers);
        let jane = format!("Authorization: Bearer {JANE}");
        assert_eq!(pair.send("GET", path, &[&jane], "").status, 403);
    }
    let script = pair.curl(&[
        "-H",
        "Accept-Encoding: gzip",
        "--compressed",
        "/swagger-ui/swagger-ui-bundle.js",
    ]);
    assert!(script.stdout.len() > 1_000_000, "{}", script.stdout.len());
    let document = pair.send("GET", "/openapi/v3/api/v1", &[], "");
    assert!(!document.body.contains("Possible enum values"));
}

#[test]
fn large_answers_are_compressed_for_whoever_wants_that() {
    let pair = Pair::start();
    let text = "0123456789abcdef".repeat(8 * 1024);
    for name in ["a", "b"] {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"t": text}});
        pair.create("/api/v1/namespaces/default/configmaps", &map);
    }
    let list = "/api/v1/namespaces/default/configmaps";
    let plain = pair.curl(&["-D", "-", "-o", "/dev/null", list]).stdout.to_lowercase();
    assert!(!plain.contains("content-encoding"), "{plain}");
    let packed = pair.curl(&["-D", "-", "-o", "/dev/null", "-H", "Accept-Encoding: gzip", list]);
    assert!(
        packed.stdout.to_lowercase().contains("content-encoding: gzip"),
        "{packed:?}"
    );
    let sizes = |words: &[&str]| -> usize {
        let said = pair.curl(&[words, &["-o", "/dev/null", "-w", "%{size_download}", list]].concat());
        said.stdout.parse().unwrap()
    };
    assert!(sizes(&["-H", "Accept-Encoding: gzip"]) * 10 < sizes(&[]));
    assert_eq!(pair.curl(&["--compressed", list]).stdout, pair.curl(&[list]).stdout);
    let refused = pair
        .curl(&["-D", "-", "-o", "/dev/null", "-H", "Accept-Encoding: br", list])
        .stdout;
    assert!(!refused.to_lowercase().contains("content-encoding"), "{refused}");
    // What is small is sent as it is.
    let small = pair.curl(&[
        "-D",
        "-",
        "-o",
        "/dev/null",
        "-H",
        "Accept-Encoding: gzip",
        "/api/v1/namespaces/default",
    ]);
    assert!(!small.stdout.to_lowercase().contains("content-encoding"), "{small:?}");
}

#[test]
fn methods_that_mean_nothing_are_refused() {
    let pair = Pair::start();
    let code = |words: &[&str]| {
        pair.curl(&[words, &["-o", "/dev/null", "-w", "%{http_code}"]].concat())
            .stdout
    };
    for version in ["--http1.1", "--http2"] {
        assert_eq!(code(&[version, "-I", "/api/v1/namespaces/default"]), "405");
        assert_eq!(code(&[version, "-I", "/api/v1/configmaps?watch=1"]), "405");
        assert_eq!(code(&[version, "-I", "/version"]), "405");
        assert_eq!(code(&[version, "-I", "/healthz"]), "200");
    }
    let watch = "/api/v1/watch/namespaces/default/configmaps?timeoutSeconds=1&resourceVersion=0";
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let refused = pair.send(method, watch, &[], "");
        let told = refused.json();
        assert_eq!(
            (refused.status, &told["reason"]),
            (405, &"MethodNotAllowed".into()),
            "{method}"
        );
        let message = "the server does not allow this method on the requested resource";
        assert_eq!((&told["message"], &told["details"]), (&message.into(), &json!({})));
    }
    assert_eq!(code(&["-X", "OPTIONS", "/api/v1/namespaces"]), "405");
    assert_eq!(code(&["-X", "TRACE", "/api/v1/namespaces"]), "405");
    assert_eq!(code(&["/healthz"]), "200");
    let refused = pair.send("POST", "/api/v1/namespaces/default", &[], "{}");
    assert_eq!(
        (refused.status, &refused.json()["reason"]),
        (405, &"MethodNotAllowed".into())
    );
}

#[test]
fn metrics_begin_anew_when_they_are_told_to() {
    let pair = Pair::start();
    let lists = || {
        let page = pair.curl(&["/metrics"]).stdout;
        let is_ours = |line: &&str| {
            line.starts_with("apiserver_request_total{")
                && line.contains(r#"verb="LIST""#)
                && line.contains("limitranges")
        };
        page.lines().filter(is_ours).map(str::to_owned).collect::<Vec<_>>()
    };
    let list = "/api/v1/namespaces/default/limitranges";
    for _ in 0..2 {
        assert_eq!(pair.send("GET", list, &[], "").status, 200);
    }
    assert!(lists()[0].ends_with(" 2"), "{:?}", lists());
    let jane = format!("Authorization: Bearer {JANE}");
    assert_eq!(pair.send("DELETE", "/metrics", &[&jane], "").status, 403);
    let reset = pair.send("DELETE", "/metrics", &[], "");
    assert_eq!((reset.status, reset.body.trim_end()), (200, "metrics reset"));
    assert_eq!(lists(), [""; 0]);
    assert_eq!(pair.send("GET", list, &[], "").status, 200);
    assert!(lists()[0].ends_with(" 1"), "{:?}", lists());
}

#[test]
fn headers_say_what_the_answer_is() {
    let pair = Pair::start();
    let answer = pair.send("GET", "/api/v1/namespaces/default", &[], "");
    for header in ["content-type: application/json", "cache-control: no-cache, private"] {
        assert!(answer.headers.contains(header), "{header} is not in {}", answer.headers);
    }
    let yaml = pair.send("GET", "/api/v1/namespaces/default", &["Accept: application/yaml"], "");
    assert!(
        yaml.headers.contains("content-type: application/yaml"),
        "{}",
        yaml.headers
    );
    assert!(
        yaml.body.starts_with("apiVersion: v1\nkind: Namespace\n"),
        "{}",
        yaml.body
    );
    let pretty = pair.send("GET", "/api/v1/namespaces/default?pretty=true", &[], "");
    assert!(
        pretty
            .body
            .starts_with("{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Namespace\",\n"),
        "{}",
        pretty.body
    );
    let table = "Accept: application/json;as=Table;g=meta.k8s.io;v=v1";
    assert_eq!(
        pair.send("GET", "/api/v1/namespaces", &[table], "").json()["kind"],
        "Table"
    );
    let metadata = "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    assert_eq!(
        pair.send("GET", "/api/v1/namespaces", &[metadata], "").json()["kind"],
        "PartialObjectMetadataList"
    );
    assert_eq!(
        pair.send("GET", "/api/v1/namespaces", &["Accept: text/csv"], "").status,
        406
    );
    let odd = pair.send("POST", "/api/v1/namespaces", &["Content-Type: text/csv"], "a,b");
    assert_eq!(
        (odd.status, &odd.json()["reason"]),
        (415, &"UnsupportedMediaType".into())
    );
    let nobody = pair.send("GET", "/api/v1/namespaces", &["Authorization: Bearer nonsense"], "");
    assert_eq!((nobody.status, &nobody.json()["reason"]), (401, &"Unauthorized".into()));
}

#[test]
fn a_shape_is_asked_for_where_there_is_one() {
    let pair = Pair::start();
    let table = "Accept: application/json;as=Table;g=meta.k8s.io;v=v1";
    let list = "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}})
    .to_string();
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(pair.send("POST", reviews, &[table], &review).status, 406);
    let binding = "/api/v1/namespaces/default/pods/none/binding";
    assert_eq!(pair.send("POST", binding, &[table], "{}").status, 406);
    let tables_too = format!("{table},application/json");
    let made = pair.send("POST", reviews, &[&tables_too], &review);
    assert_eq!(
        (made.status, &made.json()["kind"]),
        (201, &"SelfSubjectAccessReview".into())
    );
    let maps = "/api/v1/namespaces/default/configmaps";
    let none = pair.send("GET", &format!("{maps}?labelSelector=nope&pretty=false"), &[list], "");
    assert!(none.body.trim_end().ends_with(r#","items":null}"#), "{}", none.body);
    // Of a watch's objects none is a list: it ends with the first of them.
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}});
    pair.create(maps, &map);
    let watch = format!("{maps}?watch=1&fieldSelector=metadata.name%3Dm");
    let watched = pair.send("GET", &watch, &[list], "");
    assert_eq!((watched.status, watched.body.as_str()), (200, ""));
}

#[test]
fn the_fields_of_a_status_are_in_upstream_s_order() {
    let pair = Pair::start();
    let path = "/api/v1/namespaces/default/configmaps/nope?pretty=false";
    let nothing = pair.send("GET", path, &[], "");
    let text = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"configmaps \"nope\" not found","reason":"NotFound","details":{"name":"nope","kind":"configmaps"},"code":404}"#;
    assert_eq!(nothing.body.trim_end(), text);
}

#[test]
fn warnings_that_come_before_the_checks_are_sent_with_a_refusal_too() {
    let pair = Pair::start();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = |name: &str, image: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"},
            },
            "spec": {
                "securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}},
                "containers": [{"name": "c", "image": image}],
            },
        })
        .to_string()
    };
    let old = "deprecated since v1.30; use the \\\"apparmorprofile\\\" field instead";
    let taken = pair.send("POST", pods, &[], &pod("a.b", "i"));
    assert_eq!(taken.status, 201, "{taken:?}");
    let context = &taken.json()["spec"]["containers"][0]["securityContext"];
    assert_eq!(context, &json!({"appArmorProfile": {"type": "Unconfined"}}));
    let (first, second) = (taken.headers.find(old), taken.headers.find("the pod's hostname"));
    assert!(first.is_some() && first < second, "{}", taken.headers);
    let refused = pair.send("POST", pods, &[], &pod("c", ""));
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.headers.contains(old), "{}", refused.headers);
}
