//! Logs: of a container that has run before, of one beside it, and of one that has yet to start.

use tokio::io::AsyncWriteExt;

use super::{Head, Shared, Stream, refuse};

/// Tells the lines that are asked for, and goes on where the log is followed.
pub(super) async fn tell(mut stream: Stream, shared: &Shared, head: &Head, container: &str) {
    let lines: &[&str] = match (container, head.flag("previous")) {
        ("web", false) => &["one", "two", "three"],
        ("web", true) => &["before"],
        ("side", false) => &["beside"],
        ("waiting", _) => {
            let why = r#"container "waiting" in pod "web" is waiting to start: ContainerCreating"#;
            return refuse(stream, 400, why).await;
        }
        _ => {
            let why = format!("previous terminated container {container:?} in pod \"web\" not found");
            return refuse(stream, 400, &why).await;
        }
    };
    let number = |name: &str| head.values(name).first().map(|value| value.parse::<usize>().unwrap());
    let skipped = number("tailLines").map_or(0, |tail| lines.len().saturating_sub(tail));
    let stamp = if head.flag("timestamps") {
        "2026-01-01T00:00:00Z "
    } else {
        ""
    };
    let mut text = String::new();
    for line in &lines[skipped..] {
        text += stamp;
        text += line;
        text.push('\n');
    }
    text.truncate(number("limitBytes").unwrap_or(usize::MAX));
    let mut later = shared.lines.subscribe();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n{text}");
    let mut alive = stream.write_all(answer.as_bytes()).await.is_ok() && stream.flush().await.is_ok();
    while alive && head.flag("follow") {
        let Ok(Some(line)) = later.recv().await else {
            break;
        };
        let line = format!("{line}\n");
        alive = stream.write_all(line.as_bytes()).await.is_ok() && stream.flush().await.is_ok();
    }
    let _ = stream.shutdown().await;
}
