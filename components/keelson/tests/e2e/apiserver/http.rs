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
        assert_eq!(code(&[version, "-I", "/version"]), "200");
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
