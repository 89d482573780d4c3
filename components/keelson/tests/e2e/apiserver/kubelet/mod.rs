//! A kubelet that is played: logs that are told, commands that run on this machine, and ports that answer.

mod command;
mod log;
mod ports;
mod spdy;

use std::path::Path;
use std::sync::Arc;

use base::certs::{Authority, CertOptions, KeyPair, Usage};
use base::task::Tasks;
use base::tls::{ServerOptions, ServerTls};
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

use crate::apiserver::pair::Pair;

type Stream = tokio_rustls::server::TlsStream<TcpStream>;

/// A kubelet, which ends when it is dropped.
pub(crate) struct Kubelet {
    port: u16,
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

/// What its connections share.
struct Shared {
    /// What was asked of it: methods and targets.
    heard: Mutex<Vec<String>>,
    /// Lines of logs that are followed; none ends them.
    lines: broadcast::Sender<Option<String>>,
    tasks: Tasks,
}

/// A request without its body.
struct Head {
    target: String,
    /// Names in lower case, and values.
    headers: Vec<(String, String)>,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The words of the path.
    fn path(&self) -> Vec<&str> {
        let path = self.target.split('?').next().unwrap();
        path.trim_start_matches('/').split('/').collect()
    }

    /// All values of a parameter.
    fn values(&self, name: &str) -> Vec<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(own, _)| *own == name)
            .map(|(_, value)| plain(value))
            .collect()
    }

    fn flag(&self, name: &str) -> bool {
        self.values(name)
            .iter()
            .any(|value| matches!(value.as_str(), "1" | "true"))
    }
}

/// A value as it was before it was written into a query.
fn plain(value: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), value.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

impl Kubelet {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::create("authority of kubelets", 1).unwrap();
        authority.save(folder.path(), "ca").unwrap();
        let pair = issue(&authority, folder.path(), "system:node:n1", Usage::Server);
        issue(&authority, folder.path(), "apiserver", Usage::Client);
        let options = ServerOptions {
            cert_file: pair.cert_file,
            key_file: pair.key_file,
            trusted_ca_file: Some(folder.path().join("ca.crt")),
            client_cert_auth: true,
            ..ServerOptions::default()
        };
        let tls = ServerTls::new(options).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let shared = Arc::new(Shared {
            heard: Mutex::default(),
            lines: broadcast::channel(16).0,
            tasks: Tasks::new(),
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = shared.clone();
        let guard = runtime.enter();
        shared.tasks.spawn_until("kubelet", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, shared) = (tls.clone(), served.clone());
                served.tasks.spawn_until("kubelet connection", async move {
                    if let Ok(stream) = tls.accept(stream, None).await {
                        serve(stream, &shared).await;
                    }
                });
            }
        });
        drop(guard);
        Self {
            port,
            folder,
            shared,
            _runtime: runtime,
        }
    }

    /// Flags of an apiserver that it believes, and that believes it.
    pub(crate) fn flags(&self) -> Vec<String> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        vec![
            format!("--kubelet-certificate-authority={}", file("ca.crt")),
            format!("--kubelet-client-certificate={}", file("apiserver.crt")),
            format!("--kubelet-client-key={}", file("apiserver.key")),
        ]
    }

    /// Makes a node whose kubelet this is.
    pub(crate) fn register(&self, pair: &Pair, name: &str) {
        node(
            pair,
            name,
            json!([{"type": "InternalIP", "address": "127.0.0.1"}]),
            self.port,
        );
    }

    /// What was asked of it since this was last asked.
    pub(crate) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.heard.lock())
    }

    /// Says a line to those who follow a log; none ends it.
    pub(crate) fn say(&self, line: Option<&str>) {
        let heard_by = self.shared.lines.send(line.map(str::to_owned));
        assert!(heard_by.is_ok(), "nobody follows a log");
    }
}

/// Makes a node with these addresses, whose kubelet listens at this port.
pub(crate) fn node(pair: &Pair, name: &str, addresses: serde_json::Value, port: u16) {
    let object = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"addresses": addresses, "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}},
    });
    pair.create("/api/v1/nodes", &object);
}

fn issue(authority: &Authority, folder: &Path, name: &str, usage: Usage) -> KeyPair {
    let options = CertOptions {
        common_name: name.to_owned(),
        organizations: Vec::new(),
        hosts: vec!["127.0.0.1".to_owned()],
        validity_days: 1,
        usage,
    };
    authority.issue(&options).unwrap().save(folder, name).unwrap()
}

/// Reads a request up to its body; none where there is none.
async fn head(stream: &mut Stream) -> Option<(String, Head)> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Some((format!("{method} {target}"), Head { target, headers }))
}

/// Answers one request, after which the connection ends.
async fn serve(mut stream: Stream, shared: &Shared) {
    let Some((line, head)) = head(&mut stream).await else {
        return;
    };
    shared.heard.lock().push(line);
    match head.path().as_slice() {
        ["containerLogs", _, _, container] => log::tell(stream, shared, &head, container).await,
        ["exec" | "attach", _, _, "waiting"] => refuse(stream, 404, r#"container not found ("waiting")"#).await,
        ["exec" | "attach", ..] => command::serve(stream, shared, &head).await,
        ["portForward", _, pod] => ports::serve(stream, shared, &head, pod).await,
        _ => refuse(stream, 404, "404 page not found").await,
    }
}

/// Answers with this text.
async fn refuse(mut stream: Stream, code: u16, text: &str) {
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 {code} No\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Switches to SPDY, and to the first protocol in it that is offered.
async fn switch(mut stream: Stream, head: &Head) -> Option<Stream> {
    if head.header("upgrade") != Some("SPDY/3.1") {
        refuse(stream, 400, "you must specify at least 1 Upgrade header").await;
        return None;
    }
    let offered = head.header("x-stream-protocol-version")?;
    let protocol = offered.split(',').next()?.trim();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: {protocol}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    Some(stream)
}
