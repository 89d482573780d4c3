//! A whole cluster in one process.

use crate::common::{Program, free_ports, output};
use etcd_client::Client;

/// A base with room for three members and an apiserver, free as far as one can know.
fn base() -> u16 {
    loop {
        let base = free_ports(1)[0];
        if base < 60_000 && (base..base + 7).all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return base;
        }
    }
}

#[tokio::test]
async fn three_members_start_end_and_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let base = base();
    let mut args = vec!["up".to_owned(), format!("--data-dir={}", data.display())];
    let mut first = args.clone();
    first.extend(["--members=3".to_owned(), format!("--port-base={base}")]);

    let mut program = Program::start(&first);
    program.wait_for("3 members are up: ");
    program.wait_for("Remove the folder to begin anew.");
    let endpoints = [0, 2, 4].map(|offset| format!("http://127.0.0.1:{}", base + offset));
    let mut client = Client::connect(&endpoints, None).await.unwrap();
    client.put("greeting", "hello", None).await.unwrap();
    assert_eq!(client.member_list().await.unwrap().members().len(), 3);

    // The same folder and ports, while they are in use.
    let second = output(&["up", &args[1]]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.starts_with(&format!("error: cannot listen on port {base}")),
        "{said}"
    );
    assert!(program.terminate().success());

    let mut program = Program::start(&args);
    program.wait_for("3 members are up: ");
    let mut client = Client::connect(&endpoints, None).await.unwrap();
    let answer = client.get("greeting", None).await.unwrap();
    assert_eq!(answer.kvs()[0].value_str().unwrap(), "hello");
    assert!(program.terminate().success());

    args.push("--members=1".to_owned());
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = String::from_utf8_lossy(&output(&args).stderr).into_owned();
    assert!(
        said.contains("has a cluster of 3 members; leave --members out"),
        "{said}"
    );
}
