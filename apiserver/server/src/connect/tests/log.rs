//! Logs.

use futures_util::StreamExt;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::streams::websocket;
use super::{World, pod_on, request, soon};

const LOG: &str = "/api/v1/namespaces/ns/pods/p/log";

#[tokio::test]
async fn a_log_is_what_the_kubelet_says() {
    let world = World::new().await;
    let asked =
        "?follow=false&tailLines=2&timestamps=true&previous=1&limitBytes=9&sinceTime=2020-01-01T00:00:00Z&pretty=true";
    let (parts, body) = world.ask(request("GET", &format!("{LOG}{asked}"))).await;
    assert_eq!((parts.status.as_u16(), body.as_str()), (200, "a line\nanother line\n"));
    assert_eq!(parts.headers["content-type"], "text/plain");
    let (line, headers) = world.kubelet.last();
    let query = "limitBytes=9&previous=true&sinceTime=2020-01-01T00%3A00%3A00Z&tailLines=2&timestamps=true";
    assert_eq!(line, format!("GET /containerLogs/ns/p/c?{query}"));
    assert_eq!(headers["host"], format!("node-1:{}", world.kubelet.port).as_str());
}

#[tokio::test]
async fn a_log_that_is_followed_ends_at_the_kubelet_when_the_client_goes() {
    let world = World::new().await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, http_body_util::Full<bytes::Bytes>>(TokioIo::new(stream))
            .await
            .unwrap();
    let connection = world.tasks.spawn_until("client", async move {
        let _ = connection.await;
    });
    let mut answer = soon(sender.send_request(request("GET", &format!("{LOG}?follow=true"))))
        .await
        .unwrap();
    let first = soon(answer.body_mut().frame()).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "a line\n");
    drop((sender, answer));
    connection.abort();
    assert_eq!(soon(world.kubelet.dropped.lock().await.recv()).await, Some("log"));
}

#[tokio::test]
async fn options_that_make_no_sense_are_told() {
    let world = World::new().await;
    let head = "PodLogOptions \"p\" is invalid: ";
    for (query, code, words) in [
        (
            "tailLines=-1",
            422,
            "tailLines: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "limitBytes=0",
            422,
            "limitBytes: Invalid value: 0: must be greater than 0",
        ),
        (
            "sinceSeconds=0",
            422,
            "sinceSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            "sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z",
            422,
            "[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
        ("stream=Stdout", 422, "stream: Forbidden: may not be specified"),
        ("tailLines=x", 400, r#"strconv.ParseInt: parsing "x": invalid syntax"#),
        ("container=zz", 400, "container zz is not valid for pod p"),
    ] {
        let expected = if code == 422 {
            format!("{head}{words}")
        } else {
            words.to_owned()
        };
        let refused = world.refusal(request("GET", &format!("{LOG}?{query}"))).await;
        assert_eq!(refused, (code, expected), "{query}");
    }
    assert_eq!(world.refusal(request("POST", LOG)).await.0, 405);
    assert_eq!(world.refusal(request("HEAD", LOG)).await.0, 405);
}

#[tokio::test]
async fn what_a_kubelet_refuses_is_told_as_upstream_tells_it() {
    let world = World::new().await;
    for name in ["bad", "none", "oh", "moved"] {
        world
            .objects
            .put("pods", &pod_on(name, r#""nodeName":"n","containers":[{"name":"c"}]"#));
    }
    world
        .objects
        .put("pods", &pod_on("un", r#""containers":[{"name":"c"}]"#));
    world.objects.put(
        "pods",
        &pod_on("lost", r#""nodeName":"gone","containers":[{"name":"c"}]"#),
    );
    let generic = "the server could not find the requested resource ( pods/log none)";
    for (name, code, words) in [
        ("bad", 400, r#"container "c" in pod "bad" is waiting to start"#),
        ("none", 404, generic),
        ("oh", 500, "Internal error occurred: it broke"),
        ("moved", 500, r#"Get "https://elsewhere/": redirects forbidden"#),
        ("missing", 404, r#"pods "missing" not found"#),
        // Upstream names what was asked for, not what was not found.
        ("lost", 404, r#"pods "gone" not found"#),
    ] {
        let path = format!("/api/v1/namespaces/ns/pods/{name}/log");
        assert_eq!(
            world.refusal(request("GET", &path)).await,
            (code, words.to_owned()),
            "{name}"
        );
    }
    assert_eq!(
        world.get("/api/v1/namespaces/ns/pods/un/log").await,
        (204, String::new())
    );
}

#[tokio::test]
async fn a_kubelet_that_is_not_believed_is_asked_only_where_the_client_wants_it() {
    let world = World::with(|settings| settings.kubelets.address_types = vec!["InternalIP".to_owned()]).await;
    // Its certificate names its host, not this address.
    let node = super::node("n", "10.0.0.9", world.kubelet.port, "[]").replace("Hostname", "InternalIP");
    world.objects.put("nodes", &node);
    let (code, words) = world.refusal(request("GET", LOG)).await;
    assert_eq!(code, 500);
    let url = format!("https://10.0.0.9:{}/containerLogs/ns/p/c", world.kubelet.port);
    let head = format!("Get \"{url}\": tls: failed to verify certificate: x509: ");
    assert!(words.starts_with(&head), "{words}");
    let path = format!("{LOG}?insecureSkipTLSVerifyBackend=true");
    assert_eq!(world.get(&path).await.0, 200);
}

#[tokio::test]
async fn a_kubelet_that_does_not_answer_is_told_with_its_address() {
    let world = World::new().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    world.objects.put("nodes", &super::node("n", "node-1", port, "[]"));
    let refused = world.refusal(request("GET", LOG)).await;
    let words = format!(
        "Get \"https://node-1:{port}/containerLogs/ns/p/c\": dial tcp 10.1.0.1:{port}: connect: connection refused"
    );
    assert_eq!(refused, (500, words));
    world.objects.put("nodes", &super::node("n", "nobody", port, "[]"));
    let refused = world.refusal(request("GET", LOG)).await;
    let words = format!("Get \"https://nobody:{port}/containerLogs/ns/p/c\": dial tcp: lookup nobody: no such host");
    assert_eq!(refused, (500, words));
}

#[tokio::test]
async fn a_log_comes_in_messages_to_those_who_want_it_so() {
    let world = World::new().await;
    let lines = "a line\nanother line\n";
    for (protocol, expected) in [
        ("binary.k8s.io", vec![Message::binary(""), Message::binary(lines)]),
        (
            "base64.binary.k8s.io",
            vec![Message::text(""), Message::text("YSBsaW5lCmFub3RoZXIgbGluZQo=")],
        ),
    ] {
        let (mut socket, answer) = websocket(&world, LOG, protocol).await.unwrap();
        assert_eq!(answer["sec-websocket-protocol"], protocol);
        let mut heard = Vec::new();
        while let Some(Ok(message)) = soon(socket.next()).await {
            if message.is_close() {
                break;
            }
            heard.push(message);
        }
        assert_eq!(heard, expected);
    }
    assert_eq!(websocket(&world, LOG, "v9.channel.k8s.io").await.err(), Some(403));
}
