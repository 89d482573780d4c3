//! Just enough HTTP to ask a member how it is and what time it has.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A member that works answers sooner; its own limit for a linearizable read is longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a member answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: u16,
    /// The time it has, as it is written in the head.
    pub(super) date: Option<String>,
    /// As it came: chunked where the member does so.
    pub(super) body: String,
}

/// Asks for a page.
pub(super) async fn get(address: SocketAddr, path: &str) -> anyhow::Result<Page> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = timeout(PATIENCE, exchange).await.context("no answer in time")??;
    read(&answer)
}

fn read(answer: &str) -> anyhow::Result<Page> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        bail!("an answer without a head: {answer:?}");
    };
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("an answer without a status: {first:?}"))?;
    let date = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("date"))
        .map(|(_, value)| value.trim().to_owned());
    Ok(Page {
        status,
        date,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let page = read(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nDate: Sat, 21 Nov 2026 20:57:27 GMT\r\n\r\n\
             {\"health\":\"true\"}",
        )
        .unwrap();
        assert_eq!(page.status, 200);
        assert_eq!(page.date.as_deref(), Some("Sat, 21 Nov 2026 20:57:27 GMT"));
        assert!(page.body.contains("\"true\""));
        assert!(read("HTTP/1.1 200 OK\r\n").is_err());
        assert!(read("nonsense\r\n\r\n").is_err());
    }
}
