//! Clients that mean harm or break off: bodies that grow, requests that never end, watches that nobody reads.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use base::tls::{ClientOptions, ClientTls};
use futures_util::FutureExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::apiserver::pair::{ADMIN, Pair};
use crate::harness::{LONG, until, until_async};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Upstream's limit of a body.
const BODY_MAX: usize = 3 * 1024 * 1024;

/// Sends a body that must be refused with one of these codes, at once and without growth.
fn refused(pair: &Pair, method: &str, path: &str, headers: &[&str], body: &str, codes: &[u16]) -> String {
    let (began, before) = (Instant::now(), pair.resident());
    let answer = pair.send(method, path, headers, body);
    assert!(
        codes.contains(&answer.status),
        "{method} {path} {headers:?}: {answer:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{method} {path} {headers:?} took {:?}",
        began.elapsed()
    );
    let grown = pair.resident().saturating_sub(before) / 1024;
    assert!(grown < 200, "{method} {path} {headers:?} took {grown} MiB");
    assert_eq!(pair.curl(&["/readyz"]).stdout, "ok");
    answer.body
}

#[test]
fn bodies_have_a_limit() {
    let pair = Pair::start();
    let padded = |size: usize| {
        let text = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}).to_string();
        " ".repeat(size - text.len()) + &text
    };
    assert_eq!(pair.send("POST", MAPS, &[], &padded(BODY_MAX)).status, 201);
    let large = padded(BODY_MAX + 1);
    let said = refused(&pair, "POST", MAPS, &[], &large, &[413]);
    assert!(said.contains("limit is 3145728"), "{said}");
    refused(&pair, "POST", MAPS, &["Transfer-Encoding: chunked"], &large, &[413]);
    let one = format!("{MAPS}/a");
    refused(&pair, "PUT", &one, &[], &large, &[413]);
    refused(&pair, "DELETE", &one, &[], &large, &[413]);
    refused(
        &pair,
        "PATCH",
        &one,
        &["Content-Type: application/merge-patch+json"],
        &large,
        &[413],
    );
    refused(
        &pair,
        "PATCH",
        &one,
        &["Content-Type: application/apply-patch+yaml"],
        &large,
        &[413],
    );
    // A value of more than the store takes.
    let big =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "data": {"t": "x".repeat(2 << 20)}});
    refused(&pair, "POST", MAPS, &[], &big.to_string(), &[422]);
}

#[test]
fn what_is_too_large_for_the_store_is_told_and_not_to_be_tried_again() {
    let pair = Pair::start();
    let revisions = "/apis/apps/v1/namespaces/default/controllerrevisions";
    let sized = |size: usize| {
        let object = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "a"},
            "revision": 1, "data": {"t": "x".repeat(size)}});
        pair.send("POST", revisions, &[], &object.to_string())
    };
    let refused = sized(1_700_000);
    let told = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "etcdserver: request is too large", "code": 500});
    assert_eq!((refused.status, refused.json()), (500, told), "{:?}", refused.headers);
    let refused = sized(2_150_000);
    let told = refused.json();
    assert_eq!(
        (refused.status, &told["reason"]),
        (500, &serde_json::Value::Null),
        "{told}"
    );
    assert!(!refused.headers.contains("retry-after"), "{}", refused.headers);
    let message = told["message"].as_str().unwrap();
    let head = "rpc error: code = ResourceExhausted desc = trying to send message larger than max (";
    assert!(
        message.starts_with(head) && message.ends_with(" vs. 2097152)"),
        "{message}"
    );
}

#[test]
fn yaml_does_not_multiply() {
    let pair = Pair::start();
    let mut bomb =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..30 {
        let all = vec![format!("*a{}", n - 1); 9].join(", ");
        writeln!(bomb, "a{n}: &a{n} [{all}]").unwrap();
    }
    refused(&pair, "POST", MAPS, &["Content-Type: application/yaml"], &bomb, &[400]);
    let apply = format!("{MAPS}/a?fieldManager=me");
    refused(
        &pair,
        "PATCH",
        &apply,
        &["Content-Type: application/apply-patch+yaml"],
        &bomb,
        &[400],
    );
    let chain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: &l {<<: *l}}\n";
    refused(&pair, "POST", MAPS, &["Content-Type: application/yaml"], chain, &[400]);
}

#[test]
fn depth_does_not_break_the_stack() {
    let pair = Pair::start();
    pair.create(
        MAPS,
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
    );
    let one = format!("{MAPS}/a?fieldManager=me");
    for depth in [20_000, 1_000_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let depth = depth / open.len();
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let object = format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"b"}},"data":{deep}}}"#);
            refused(&pair, "POST", MAPS, &[], &object, &[400]);
            refused(
                &pair,
                "POST",
                MAPS,
                &["Content-Type: application/yaml"],
                &object,
                &[400],
            );
            for (content, body) in [
                ("merge-patch+json", object.clone()),
                ("strategic-merge-patch+json", object.clone()),
                (
                    "json-patch+json",
                    format!(r#"[{{"op":"add","path":"/data","value":{deep}}}]"#),
                ),
                ("apply-patch+yaml", object.clone()),
            ] {
                let content = format!("Content-Type: application/{content}");
                refused(&pair, "PATCH", &one, &[&content], &body, &[400, 422]);
            }
            let options = format!(r#"{{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{deep}}}"#);
            refused(&pair, "DELETE", &format!("{MAPS}/a"), &[], &options, &[400]);
        }
    }
}

#[test]
fn a_body_that_is_compressed_is_not_unpacked() {
    let pair = Pair::start();
    let file = pair.folder().join("bomb");
    let mut packed = flate2::write::GzEncoder::new(fs::File::create(&file).unwrap(), flate2::Compression::best());
    for _ in 0..256 {
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    packed.finish().unwrap();
    let before = pair.resident();
    let data = format!("@{}", file.display());
    let said = pair.curl(&[
        "-X",
        "POST",
        "-H",
        "Content-Encoding: gzip",
        "-H",
        "Content-Type: application/json",
        "--data-binary",
        &data,
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        MAPS,
    ]);
    assert!(["400", "415"].contains(&said.stdout.as_str()), "{said:?}");
    let grown = pair.resident().saturating_sub(before) / 1024;
    assert!(grown < 64, "it took {grown} MiB");
}

#[test]
fn patches_do_not_multiply() {
    let pair = Pair::start();
    pair.create(
        MAPS,
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"t": "x".repeat(100_000)}}),
    );
    let one = format!("{MAPS}/a");
    let json_patch = &["Content-Type: application/json-patch+json"];
    let copies: Vec<_> = (0..5_000)
        .map(|n| json!({"op": "copy", "from": "/data/t", "path": format!("/data/t{n}")}))
        .collect();
    refused(&pair, "PATCH", &one, json_patch, &json!(copies).to_string(), &[422]);
    let many: Vec<_> = (0..10_001)
        .map(|_| json!({"op": "test", "path": "/kind", "value": "ConfigMap"}))
        .collect();
    let said = refused(&pair, "PATCH", &one, json_patch, &json!(many).to_string(), &[413]);
    assert!(said.contains("10000"), "{said}");
}

#[test]
fn requests_that_are_absurd_are_refused() {
    let pair = Pair::start();
    let config = pair.folder().join("header");
    fs::write(&config, format!("X-Large: {}", "x".repeat(2 << 20))).unwrap();
    let header = format!("@{}", config.display());
    let asked = ["-o", "/dev/null", "-w", "%{http_code}", "/version"];
    let said = pair.curl(&[&["--http2", "-H", &header][..], &asked].concat());
    // Refused, or the connection is ended.
    assert!(["431", "000"].contains(&said.stdout.as_str()), "{said:?}");
    // A selector of many terms.
    let terms = vec!["a!=b"; 10_000].join(",");
    let config = pair.folder().join("selector");
    fs::write(
        &config,
        format!("url = \"{}{MAPS}?labelSelector={terms}\"\n", pair.url()),
    )
    .unwrap();
    let said = pair.curl(&["-K", config.to_str().unwrap(), "-o", "/dev/null", "-w", "%{http_code}"]);
    assert!(["200", "400", "414", "431"].contains(&said.stdout.as_str()), "{said:?}");
    for path in [
        "/api/v1/namespaces/..%2f..%2f/configmaps",
        "/%00",
        "/api/v1/namespaces/default/configmaps/%ff",
        "//api//v1",
    ] {
        let said = pair.curl(&["--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", path]);
        assert!(
            said.stdout.starts_with('4') || said.stdout.starts_with('3'),
            "{path}: {said:?}"
        );
    }
    assert_eq!(pair.curl(&["/readyz"]).stdout, "ok");
}

/// A connection of which the test writes each byte.
pub(crate) async fn connect(pair: &Pair) -> tokio_rustls::client::TlsStream<TcpStream> {
    let tls = ClientTls::new(ClientOptions {
        trusted_ca_file: Some(pair.ca()),
        ..ClientOptions::default()
    });
    let stream = TcpStream::connect(("127.0.0.1", pair.port)).await.unwrap();
    tls.unwrap().connect("127.0.0.1", stream).await.unwrap()
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {ADMIN}\r\n\r\n")
}

// Not by curl, which now and then waits forever within headers of this size.
#[tokio::test]
async fn headers_without_end_are_refused() {
    let pair = Pair::start();
    let mut stream = connect(&pair).await;
    let front = format!("GET /version HTTP/1.1\r\nHost: a\r\nX-Large: {}", "x".repeat(2 << 20));
    // The connection may be closed before all was sent.
    let _ = stream.write_all(front.as_bytes()).await;
    let mut said = Vec::new();
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut said)).await;
    read.unwrap().unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"),
        "{said}"
    );
}

#[tokio::test]
async fn requests_that_name_no_host_or_two_or_expect_what_there_is_not_are_refused() {
    let pair = Pair::start();
    for (headers, front, body) in [
        (
            "",
            "HTTP/1.1 400 Bad Request\r\n",
            "400 Bad Request: missing required Host header",
        ),
        (
            "Host: a\r\nHost: a\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
            "400 Bad Request",
        ),
        (
            "Host: a/b\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
            "400 Bad Request: malformed Host header",
        ),
        ("Host: a\r\nExpect: tea\r\n", "HTTP/1.1 417 Expectation Failed\r\n", ""),
        (
            "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n",
            "HTTP/1.1 501 Not Implemented\r\n",
            "Unsupported transfer encoding",
        ),
    ] {
        refused_at_the_door(&pair, "/version", headers, front, body).await;
    }
}

/// Asks for a path with these headers, and finds the request refused with this head and body, and the connection ended.
async fn refused_at_the_door(pair: &Pair, path: &str, headers: &str, front: &str, body: &str) {
    let mut stream = connect(pair).await;
    let request = format!("GET {path} HTTP/1.1\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut said)).await;
    read.unwrap().unwrap();
    let said = String::from_utf8_lossy(&said);
    let (head, told) = said.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with(front) && head.contains("connection: close"),
        "{path} {headers}: {said}"
    );
    assert_eq!(told, body, "{path} {headers}");
}

#[tokio::test]
async fn paths_with_half_an_escape_are_refused_and_the_server_as_a_whole_answers_whoever_asks() {
    let pair = Pair::start();
    for path in ["/api/v1/namespaces/n%zz/configmaps", "/n%", "/n%2"] {
        let front = "HTTP/1.1 400 Bad Request\r\n";
        refused_at_the_door(&pair, path, "Host: a\r\n", front, "400 Bad Request").await;
        let said = pair.curl(&["--http2", "-w", " %{http_code}", path]).stdout;
        assert_eq!(said, "400 Bad Request 400", "{path}");
    }
    for version in ["--http1.1", "--http2"] {
        let asked = [
            version,
            "-X",
            "OPTIONS",
            "--request-target",
            "*",
            "-w",
            "%{http_code}",
            "/",
        ];
        assert_eq!(pair.curl(&asked).stdout, "200", "{version}");
    }
}

#[tokio::test]
async fn a_watch_ends_when_its_client_has_said_all() {
    let pair = Pair::start();
    let idle = pair.connections();
    let path = "/api/v1/namespaces?watch=1&fieldSelector=metadata.name%3Ddefault";
    let mut stream = connect(&pair).await;
    stream.write_all(request(path).as_bytes()).await.unwrap();
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains("ADDED") {
        let count = tokio::time::timeout(LONG, stream.read_buf(&mut said))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(
            count,
            0,
            "it must not end by itself: {}",
            String::from_utf8_lossy(&said)
        );
    }
    // The client closes its half, and still listens.
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the watch goes on for nobody");
    drop(stream);

    // Those whose clients are just gone are let go of too.
    for _ in 0..20 {
        let mut stream = connect(&pair).await;
        stream.write_all(request(path).as_bytes()).await.unwrap();
        stream.read_u8().await.unwrap();
    }
    until_async("their connections are closed", || async {
        (pair.connections() <= idle).then_some(())
    })
    .await;
}

#[tokio::test]
async fn half_a_request_holds_nobody_up() {
    let pair = Pair::start();
    let mut open = Vec::new();
    for half in [
        "",
        "GET /ver",
        "GET /version HTTP/1.1\r\nHost: a\r\n",
        "POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
    ] {
        for _ in 0..25 {
            let mut stream = connect(&pair).await;
            stream.write_all(half.as_bytes()).await.unwrap();
            open.push(stream);
        }
    }
    // Nor does one that never begins the handshake.
    let silent = TcpStream::connect(("127.0.0.1", pair.port)).await.unwrap();
    assert_eq!(pair.curl(&["/readyz"]).stdout, "ok");
    // It came while they wait, not once they were given up; the last ones said more than half, and may have been answered.
    for stream in &mut open[..75] {
        assert!(
            stream.read_u8().now_or_never().is_none(),
            "ended before others were answered"
        );
    }
    drop((open, silent));
}

#[tokio::test]
async fn a_watch_that_nobody_reads_does_not_grow() {
    let pair = Pair::start();
    let mut stream = connect(&pair).await;
    stream
        .write_all(request(&format!("{MAPS}?watch=1")).as_bytes())
        .await
        .unwrap();
    stream.read_u8().await.unwrap();
    let body = |n: usize| {
        let text = format!("{n}").repeat(700_000 / format!("{n}").len());
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"t": text}}).to_string()
    };
    assert_eq!(pair.send("POST", MAPS, &[], &body(0)).status, 201);
    let change = |n: usize| assert_eq!(pair.send("PUT", &format!("{MAPS}/a"), &[], &body(n)).status, 200);
    // What happened is kept for a while, for all; so much is filled first.
    (0..60).for_each(change);
    let before = pair.resident();
    (60..120).for_each(change);
    let grown = pair.resident().saturating_sub(before) / 1024;
    assert!(grown < 30, "it grew by {grown} MiB over 40 MiB of events");
    until("another watch sees what is there", || {
        let said = pair.curl(&["-N", &format!("{MAPS}?watch=1&timeoutSeconds=1")]);
        said.stdout.contains("ADDED").then_some(())
    });
    drop(stream);
}
