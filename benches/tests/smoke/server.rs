//! One member of Keelson, of the binary that stands beside the tested one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The binary; none if the tests of this package were built alone.
pub(crate) fn keelson() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_keelson-bench")).with_file_name("keelson");
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: there is no {}; `cargo build -p keelson` makes it, as does a test of the workspace",
        path.display()
    );
    None
}

/// A running member; it and its data are gone when it is dropped.
pub(crate) struct Server {
    process: Child,
    url: String,
    _data: tempfile::TempDir,
}

impl Server {
    /// Starts it and waits until it serves.
    pub(crate) fn start(keelson: &Path, flags: &[String]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let [client, peer, metrics] = free_ports();
        let scheme = if flags.is_empty() { "http" } else { "https" };
        let url = format!("{scheme}://127.0.0.1:{client}");
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .arg(keelson)
            .arg("store")
            .arg(format!("--data-dir={}", data.path().join("data").display()))
            .arg(format!("--listen-client-urls={url}"))
            .arg(format!("--advertise-client-urls={url}"))
            .arg(format!("--listen-peer-urls=http://127.0.0.1:{peer}"))
            .arg(format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"))
            .arg(format!("--initial-cluster=default=http://127.0.0.1:{peer}"))
            .arg(format!("--listen-metrics-urls=http://127.0.0.1:{metrics}"))
            .arg("--log-level=error")
            .args(flags);
        let process = command.stdout(Stdio::null()).spawn().unwrap();
        let mut server = Self {
            process,
            url,
            _data: data,
        };
        let began = Instant::now();
        while !is_healthy(metrics) {
            assert_eq!(server.process.try_wait().unwrap(), None, "the member ended");
            assert!(began.elapsed() < Duration::from_secs(30), "the member does not serve");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// The flags that aim a benchmark at it.
    pub(crate) fn flags(&self) -> Vec<String> {
        let pid = self.process.id().to_string();
        ["--endpoints", &self.url, "--pids", &pid].map(str::to_owned).into()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Below the range that the kernel gives to outgoing connections. The process and the port of a fresh listener keep
/// tests that run side by side apart.
fn free_ports() -> [u16; 3] {
    let any = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut free = (0..20_000_u32)
        .map(|step| (10_000 + (u32::from(any) * 7919 + std::process::id() * 104_729 + step * 13) % 20_000) as u16)
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    std::array::from_fn(|_| free.next().unwrap())
}

fn is_healthy(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.contains("\"true\""))
    };
    ask().unwrap_or(false)
}
