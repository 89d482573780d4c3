//! Parts of the control plane that are played: one is well, one is not, one is not there, and a store is silent.

use std::sync::Arc;
use std::time::Duration;

use base::certs::{Authority, CertOptions, Usage};
use base::task::Tasks;
use base::tls::{ServerOptions, ServerTls};
use http::Request;
use prometheus::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Part, ask};
use crate::connect::{self, Connect, Direct};
use crate::pipeline::Pipeline;
use crate::pipeline::tests::{Setup, get, pipeline, store, text};

/// Something that answers every request on a connection of its own with this, behind a certificate that nobody knows.
async fn part(code: u16, said: &'static str, tasks: &Tasks) -> String {
    let folder = tempfile::tempdir().unwrap();
    let options = CertOptions {
        common_name: "part".to_owned(),
        hosts: Vec::new(),
        validity_days: 1,
        usage: Usage::Server,
        organizations: Vec::new(),
    };
    let authority = Authority::create("its own", 1).unwrap();
    let pair = authority.issue(&options).unwrap().save(folder.path(), "part").unwrap();
    let tls = ServerTls::new(ServerOptions {
        cert_file: pair.cert_file,
        key_file: pair.key_file,
        alpn: vec![b"http/1.1".to_vec()],
        ..ServerOptions::default()
    });
    let tls = tls.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/healthz", listener.local_addr().unwrap());
    tasks.spawn_until("part", async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = tls.accept(stream, None).await else {
                continue;
            };
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            assert!(asked[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            let length = said.len();
            let answer =
                format!("HTTP/1.1 {code} It is\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{said}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    url
}

/// Where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("https://{}/healthz", listener.local_addr().unwrap())
}

async fn as_table(pipeline: &Arc<Pipeline>, target: &str) -> String {
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let request = Request::get(target).header("accept", accept);
    let Ok(answer) = pipeline
        .clone()
        .serve(None, request.body(axum::body::Body::empty()).unwrap())
        .await;
    text(answer).await
}

#[tokio::test]
async fn each_part_is_asked_whether_it_is_well() {
    let (tasks, gone) = (Tasks::new(), nobody().await);
    let pipeline = pipeline(Setup {
        local: vec![
            ("scheduler", part(500, "not at all", &tasks).await),
            ("controller-manager", part(200, "ok", &tasks).await),
            ("a", gone.clone()),
        ],
        ..Setup::default()
    });
    let of = |name: &str, status: &str, message: &str| {
        let condition = format!(r#"{{"message":{message:?},"status":"{status}","type":"Healthy"}}"#);
        format!(r#""conditions":[{condition}],"metadata":{{"name":"{name}"}}"#)
    };
    let address = gone.trim_start_matches("https://").trim_end_matches("/healthz");
    let refused = format!("Get \"{gone}\": dial tcp {address}: connect: connection refused");
    let well = of("controller-manager", "True", "ok");
    let all = [
        of("a", "False", &refused),
        well.clone(),
        of("scheduler", "False", "HTTP probe failed with statuscode: 500"),
    ];
    let list = |items: &[String]| {
        let items: Vec<String> = items.iter().map(|item| format!("{{{item}}}")).collect();
        let items = items.join(",");
        format!("{{\"apiVersion\":\"v1\",\"items\":[{items}],\"kind\":\"ComponentStatusList\",\"metadata\":{{}}}}\n")
    };
    let path = "/api/v1/componentstatuses";
    for (query, items) in [
        ("", &all[..]),
        ("?fieldSelector=metadata.name%3Dcontroller-manager", &all[1..2]),
        ("?fieldSelector=metadata.name%21%3Da&labelSelector=%21x", &all[1..]),
        ("?labelSelector=x", &[]),
    ] {
        let answer = get(&pipeline, &format!("{path}{query}")).await;
        assert_eq!(
            (answer.status().as_u16(), text(answer).await),
            (200, list(items)),
            "{query}"
        );
    }
    let one = get(&pipeline, &format!("{path}/controller-manager")).await;
    let told = format!("{{\"apiVersion\":\"v1\",{well}}}\n")
        .replace(r#","metadata""#, r#","kind":"ComponentStatus","metadata""#);
    assert_eq!((one.status().as_u16(), text(one).await), (200, told));
    for (target, code) in [
        ("/api/v1/componentstatuses/nope", 404),
        ("/api/v1/componentstatuses?watch=1", 405),
        ("/api/v1/componentstatuses?fieldSelector=a%3Db", 400),
    ] {
        assert_eq!(get(&pipeline, target).await.status().as_u16(), code, "{target}");
    }
    let rows = as_table(&pipeline, path).await;
    assert!(
        rows.contains(r#""cells":["controller-manager","Healthy","ok",""]"#),
        "{rows}"
    );
    let row = as_table(&pipeline, &format!("{path}/scheduler")).await;
    assert!(row.contains(r#""metadata":{}"#), "{row}");
    tasks.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_not_well() {
    let tasks = Tasks::new();
    let store = store(&Registry::new(), &tasks);
    let connect = Connect::new(connect::Settings::default(), Arc::new(Direct), &tasks).unwrap();
    let found = ask(&connect, Part::Store(&store), Duration::from_secs(1)).await;
    assert_eq!((found.is_well, found.message.as_str()), (false, ""));
    assert_eq!(found.error, "error getting data from etcd: context deadline exceeded");
    tasks.shutdown().await;
}
