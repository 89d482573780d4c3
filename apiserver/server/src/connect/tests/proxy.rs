//! Proxies.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{World, node, pod, request, soon};

const PODS: &str = "/api/v1/namespaces/ns/pods";
const SERVICES: &str = "/api/v1/namespaces/ns/services";

/// A world with a pod at an address, which listens at the port that is given back.
async fn world() -> (World, u16) {
    let world = World::new().await;
    let port = pod::start(&world.tasks).await;
    put(&world, "web", "10.0.0.7", port);
    (world, port)
}

fn put(world: &World, name: &str, address: &str, port: u16) {
    world.objects.put(
        "pods",
        &format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"ns"}},"spec":{{"containers":[{{}},{{"ports":[{{"containerPort":{port}}}]}}]}},
                "status":{{"podIPs":[{{"ip":"{address}"}}]}}}}"#
        ),
    );
}

fn with(mut request: Request<Full<Bytes>>, headers: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn a_request_reaches_a_pod_with_what_a_proxy_adds_and_leaves_out() {
    let (world, port) = world().await;
    let mut request = with(
        request("PUT", &format!("{PODS}/web:{port}/proxy/a/b/?x=1&y=%20")),
        &[
            ("authorization", "Bearer x"),
            ("te", "trailers"),
            ("x-forwarded-for", "10.9.9.9"),
            ("x-other", "1"),
        ],
    );
    *request.body_mut() = "a body".into();
    let (parts, body) = world.ask(request).await;
    let expected = format!(
        "PUT /a/b/?x=1&y=%20\ncontent-length: 6\nhost: api:6443\nte: trailers\nx-forwarded-for: 10.9.9.9, 127.0.0.1\n\
         x-forwarded-uri: {PODS}/web:{port}/proxy/a/b/\nx-other: 1\na body"
    );
    assert_eq!(body, expected);
    assert!(!parts.headers.contains_key("access-control-allow-origin") && !parts.headers.contains_key("keep-alive"));
}

#[tokio::test]
async fn all_methods_pass() {
    let (world, _) = world().await;
    for method in ["GET", "POST", "PATCH", "DELETE", "OPTIONS"] {
        let (_, body) = world.ask(request(method, &format!("{PODS}/web/proxy/m"))).await;
        assert!(body.starts_with(&format!("{method} /m\n")), "{body}");
    }
    let (parts, body) = world.ask(request("HEAD", &format!("{PODS}/web/proxy/m"))).await;
    assert_eq!((parts.status.as_u16(), body.as_str()), (200, ""));
    assert_eq!(
        world.refusal(request("TRACE", &format!("{PODS}/web/proxy/m"))).await.0,
        405
    );
}

#[tokio::test]
async fn pages_and_redirects_lead_through_the_proxy() {
    let (world, _) = world().await;
    let proxy = format!("{PODS}/web/proxy");
    let (parts, body) = world.ask(request("GET", &format!("{proxy}/page"))).await;
    let page = format!(r#"<a href="{proxy}/next?x=1">next</a><a href="near">near</a>"#);
    assert_eq!(body, page);
    let cached: Vec<_> = parts.headers.get_all("cache-control").iter().collect();
    assert_eq!(cached, ["no-cache, private", "max-age=60"]);
    let (parts, _) = world.ask(request("GET", &format!("{proxy}/moved"))).await;
    assert_eq!(
        (parts.status.as_u16(), &parts.headers["location"]),
        (302, &format!("{proxy}/page/").parse().unwrap())
    );
    let refused = world.refusal(request("GET", &format!("{proxy}/bad-moved"))).await;
    let words =
        r#"Internal error occurred: error trying to parse Location header: parse "/%zz": invalid URL escape "%zz""#;
    assert_eq!(refused, (500, words.to_owned()));
    // A page's links lead from its slash on.
    let (parts, _) = world.ask(request("GET", &format!("{proxy}?x=1"))).await;
    assert_eq!(
        (parts.status.as_u16(), &parts.headers["location"]),
        (301, &format!("{proxy}/?x=1").parse().unwrap())
    );
    let (code, body) = world.get(&format!("{proxy}/")).await;
    assert!(code == 200 && body.starts_with("GET /\n"), "{body}");
}

#[tokio::test]
async fn protocols_that_are_switched_to_pass() {
    let (world, _) = world().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let request = format!(
        "GET {PODS}/web/proxy/switch HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream.write_all(b"echo").await.unwrap();
    let mut back = [0; 4];
    soon(stream.read_exact(&mut back)).await.unwrap();
    assert_eq!(&back, b"echo");
}

#[tokio::test]
async fn what_cannot_be_reached_is_told() {
    let (world, _) = world().await;
    put(&world, "loop", "127.0.0.1", 80);
    put(&world, "link", "169.254.169.254", 80);
    world
        .objects
        .put("pods", r#"{"metadata":{"name":"none","namespace":"ns"}}"#);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let refused = format!("error trying to reach service: dial tcp 10.0.0.7:{port}: connect: connection refused");
    for (name, code, words) in [
        ("loop", 400, "address not allowed"),
        ("link", 400, "address not allowed"),
        ("none", 400, "address not allowed"),
        ("a:b:c:d", 400, r#"invalid pod request "a:b:c:d""#),
        ("ftp:web:1", 400, r#"invalid pod request "ftp:web:1""#),
        ("missing:80", 404, r#"pods "missing" not found"#),
        (
            "web:web",
            503,
            "error trying to reach service: dial tcp: lookup tcp/web: unknown port",
        ),
        (
            "web:70000",
            503,
            "error trying to reach service: dial tcp: address 70000: invalid port",
        ),
        (&format!("web:{port}"), 503, &refused),
    ] {
        let path = format!("{PODS}/{name}/proxy/");
        assert_eq!(
            world.refusal(request("GET", &path)).await,
            (code, words.to_owned()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_node_is_its_kubelet_or_what_else_listens_there() {
    let (world, port) = world().await;
    let nodes = "/api/v1/nodes";
    let kubelet = world.kubelet.port;
    for name in ["n", &format!("n:{kubelet}"), &format!("https:n:{kubelet}")] {
        let (_, body) = world
            .ask(request("GET", &format!("{nodes}/{name}/proxy/stats/summary?x=1")))
            .await;
        assert_eq!(body, "node says /stats/summary?x=1", "{name}");
    }
    let mut asked = request("POST", &format!("{nodes}/n/proxy/echo"));
    *asked.body_mut() = "echo".into();
    assert_eq!(world.ask(asked).await.1, "echo");
    let (_, body) = world.ask(request("GET", &format!("{nodes}/n:{port}/proxy/x"))).await;
    assert!(body.starts_with("GET /x\n"), "{body}");
    world.objects.put("nodes", &node("loop", "loop", 1, "[]"));
    world.objects.put("nodes", &node("lost", "nobody", 1, "[]"));
    for (name, code, words) in [
        ("none", 404, r#"nodes "none" not found"#),
        ("loop", 400, "address not allowed"),
        ("lost", 400, "lookup nobody: no such host"),
        (":1", 400, r#"invalid node request ":1""#),
    ] {
        let refused = world.refusal(request("GET", &format!("{nodes}/{name}/proxy/"))).await;
        assert_eq!(refused, (code, words.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_service_is_one_of_its_endpoints() {
    let (world, port) = world().await;
    let ports = r#"[{"name":"http","port":80},{"name":"other","port":81}]"#;
    for name in ["s", "empty", "far"] {
        let object = format!(r#"{{"metadata":{{"name":"{name}","namespace":"ns"}},"spec":{{"ports":{ports}}}}}"#);
        world.objects.put("services", &object);
    }
    let endpoints = |name: &str, subsets: &str| {
        let object = format!(r#"{{"metadata":{{"name":"{name}","namespace":"ns"}},"subsets":{subsets}}}"#);
        world.objects.put("endpoints", &object);
    };
    let address = |ip: &str, namespace: &str| {
        format!(r#"{{"ip":"{ip}","targetRef":{{"kind":"Pod","name":"web","namespace":"{namespace}"}}}}"#)
    };
    let good = address("10.0.0.7", "ns");
    let ports = format!(r#"[{{"name":"http","port":{port}}}]"#);
    endpoints(
        "s",
        &format!(
            r#"[{{"ports":{ports}}},{{"addresses":[{{"ip":"10.0.0.8"}},{},{good},{}],"ports":{ports}}}]"#,
            address("10.0.0.9", "ns"),
            address("10.0.0.7", "elsewhere")
        ),
    );
    endpoints("empty", "[]");
    endpoints(
        "far",
        &format!(r#"[{{"addresses":[{{"ip":"169.254.169.254"}}],"ports":{ports}}}]"#),
    );
    for name in ["s:http", "s:80", "http:s:80"] {
        let (code, body) = world.get(&format!("{SERVICES}/{name}/proxy/x")).await;
        assert!(code == 200 && body.starts_with("GET /x\n"), "{name}: {body}");
    }
    for (name, code, words) in [
        ("none", 404, r#"services "none" not found"#),
        ("none:80", 404, r#"services "none" not found"#),
        ("s:99", 503, r#"no service port 99 found for service "s""#),
        ("s:nope", 503, r#"no endpoints available for service "s:nope""#),
        ("s", 503, r#"no endpoints available for service "s""#),
        ("empty:80", 503, r#"no endpoints available for service "empty""#),
        ("far:80", 503, r#"no endpoints available for service "far:80""#),
        ("a:b:c:d", 400, r#"invalid service request "a:b:c:d""#),
    ] {
        let refused = world
            .refusal(request("GET", &format!("{SERVICES}/{name}/proxy/")))
            .await;
        assert_eq!(refused, (code, words.to_owned()), "{name}");
    }
}
