//! Real etcd processes for a test: random ports, temporary folders, killed when the test ends.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::suite::Store;

/// A cluster of real etcd.
pub(crate) struct Etcd {
    members: Vec<Member>,
}

struct Member {
    arguments: Vec<String>,
    client_url: String,
    process: Option<Child>,
    log: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

/// Starts so many members, or says why not.
pub(crate) fn start(members: usize) -> Option<Etcd> {
    if Command::new("etcd").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no etcd in PATH; on Debian it is the package etcd-server");
        return None;
    }
    let ports: Vec<(u16, u16)> = free_ports(members * 2)
        .chunks(2)
        .map(|pair| (pair[0], pair[1]))
        .collect();
    let named: Vec<String> = ports
        .iter()
        .enumerate()
        .map(|(n, (_, peer))| format!("m{n}=http://127.0.0.1:{peer}"))
        .collect();
    let members = ports
        .iter()
        .enumerate()
        .map(|(n, &(client, peer))| Member::new(n, client, peer, &named.join(",")));
    let mut etcd = Etcd {
        members: members.collect(),
    };
    etcd.members.iter_mut().for_each(Member::start);
    Some(etcd)
}

impl Store for Etcd {
    fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| member.client_url.clone()).collect()
    }

    fn kill(&mut self, member: usize) {
        self.members[member].kill();
    }

    fn restart(&mut self, member: usize) {
        self.members[member].start();
    }
}

impl Member {
    fn new(n: usize, client: u16, peer: u16, cluster: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client_url = format!("http://127.0.0.1:{client}");
        let peer_url = format!("http://127.0.0.1:{peer}");
        let data = folder.path().join("data").display().to_string();
        let flags = [
            ("name", format!("m{n}")),
            ("data-dir", data),
            ("listen-client-urls", client_url.clone()),
            ("advertise-client-urls", client_url.clone()),
            ("listen-peer-urls", peer_url.clone()),
            ("initial-advertise-peer-urls", peer_url),
            ("initial-cluster", cluster.to_owned()),
            ("heartbeat-interval", "50".to_owned()),
            ("election-timeout", "500".to_owned()),
            ("logger", "zap".to_owned()),
            ("log-level", "error".to_owned()),
        ];
        let arguments = flags
            .into_iter()
            .map(|(name, value)| format!("--{name}={value}"))
            .collect();
        let log = folder.path().join("log");
        Self {
            arguments,
            client_url,
            process: None,
            log,
            _folder: folder,
        }
    }

    fn start(&mut self) {
        let log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.log)
            .unwrap();
        // It must not outlive this thread, even if the test is killed.
        let mut command = if Path::new("/usr/bin/setpriv").exists() {
            let mut command = Command::new("/usr/bin/setpriv");
            command.args(["--pdeathsig", "KILL", "etcd"]);
            command
        } else {
            Command::new("etcd")
        };
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.process = Some(command.spawn().unwrap());
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!(
                "--- etcd {}\n{}",
                self.client_url,
                std::fs::read_to_string(&self.log).unwrap_or_default()
            );
        }
    }
}

/// Ports that nobody listens on; all are held until all are known, so that they differ.
fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap())
        .collect();
    held.iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}
