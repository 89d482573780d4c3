//! A store and an apiserver that are started as the recorded server was.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::{Counts, Recordings, count};

/// The port of the recorded server: some answers tell it.
const PORT: u16 = 26443;
/// A server is ready in this time, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// The words with which a store and an apiserver are called, before their flags.
pub(super) struct Programs {
    store: Vec<PathBuf>,
    api: Vec<PathBuf>,
}

impl Programs {
    /// Ours, from our one binary.
    pub(super) fn ours(binary: &Path) -> Self {
        let call = |name: &str| vec![binary.to_owned(), PathBuf::from(name)];
        Self {
            store: call("store"),
            api: call("apiserver"),
        }
    }

    /// A kube-apiserver on an etcd.
    pub(super) fn upstream(kube_apiserver: &Path, etcd: &Path) -> Self {
        Self {
            store: vec![etcd.to_owned()],
            api: vec![kube_apiserver.to_owned()],
        }
    }
}

/// A store and an apiserver with nothing in it, in a folder that goes with them.
pub(super) struct Server {
    dir: PathBuf,
    url: String,
    processes: Vec<Child>,
}

impl Server {
    /// Starts both.
    ///
    /// # Errors
    /// The port is taken, or one of them is not ready in time.
    pub(super) fn start(programs: &Programs) -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("keelson-answers-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir)?;
        ensure!(
            TcpListener::bind(("127.0.0.1", PORT)).is_ok(),
            "port {PORT} is taken; the recordings tell it, so end what has it"
        );
        let mut server = Self {
            dir,
            url: format!("https://127.0.0.1:{PORT}"),
            processes: Vec::new(),
        };
        server.write_keys()?;
        let (client, peer) = (free_port()?, free_port()?);
        let store = server.store(programs, client, peer)?;
        server.processes.push(store);
        wait_for(client)?;
        let api = server.api(programs, client)?;
        server.processes.push(api);
        server.wait_until_ready()?;
        Ok(server)
    }

    fn write_keys(&self) -> anyhow::Result<()> {
        let mut tokens = fs::File::create(self.dir.join("tokens.csv"))?;
        tokens.write_all(b"tok,admin,1,\"system:masters\"\nusertoken,jane,2,\"dev,ops\"\n")?;
        let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 2
            openssl genrsa -out sa.key 2048
            openssl rsa -in sa.key -pubout -out sa.pub";
        let done = Command::new("sh")
            .args(["-ec", script])
            .current_dir(&self.dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(done.success(), "openssl did not make the keys; is it installed?");
        Ok(())
    }

    fn spawn(&self, words: &[PathBuf], name: &str, args: &[String]) -> anyhow::Result<Child> {
        let log = fs::File::create(self.dir.join(format!("{name}.log")))?;
        let child = Command::new(&words[0])
            .args(&words[1..])
            .args(args)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        child.with_context(|| format!("{} was not started", words[0].display()))
    }

    fn store(&self, programs: &Programs, client: u16, peer: u16) -> anyhow::Result<Child> {
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let args = [
            format!("--data-dir={}", self.dir.join("data").display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
        ];
        self.spawn(&programs.store, "store", &args)
    }

    /// As the recorded server was started.
    fn api(&self, programs: &Programs, client: u16) -> anyhow::Result<Child> {
        let file = |name: &str| self.dir.join(name).display().to_string();
        let args = [
            format!("--etcd-servers=http://127.0.0.1:{client}"),
            format!("--secure-port={PORT}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--cert-dir={}", file("certs")),
            format!("--token-auth-file={}", file("tokens.csv")),
            format!("--client-ca-file={}", file("ca.crt")),
            format!("--service-account-key-file={}", file("sa.pub")),
            format!("--service-account-signing-key-file={}", file("sa.key")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
            // It is what the recorded server told clients.
            "--external-hostname=127.0.0.1".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-bootstrap-token-auth".to_owned(),
            "--allow-privileged".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        self.spawn(&programs.api, "apiserver", &args)
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let url = format!("{}/readyz", self.url);
        let begun = Instant::now();
        loop {
            let asked = Command::new("curl")
                .args(["-skf", "-H", "Authorization: Bearer tok", &url])
                .output()?;
            if asked.status.success() {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!(
                    "the apiserver is not ready; see {}",
                    self.dir.join("apiserver.log").display()
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Plays files or folders of recordings; the counts of each file.
    ///
    /// # Errors
    /// The player does not run, or played nothing.
    pub(super) fn play(&self, recordings: &Recordings, files: &[PathBuf]) -> anyhow::Result<Counts> {
        let played = Command::new("python3")
            .arg(&recordings.player)
            .args([&self.url, "tok"])
            .args(files)
            .args(["--show", "0"])
            .output()?;
        let text = String::from_utf8_lossy(&played.stdout);
        let counts: Counts = text
            .lines()
            .filter(|line| !line.starts_with("in all"))
            .filter_map(count)
            .collect();
        let said = String::from_utf8_lossy(&played.stderr);
        ensure!(!counts.is_empty(), "nothing of {files:?} was played: {said}");
        Ok(counts)
    }

    /// Whether the apiserver serves a path.
    ///
    /// # Errors
    /// curl does not run, or nothing answers.
    pub(super) fn serves(&self, path: &str) -> anyhow::Result<bool> {
        let url = format!("{}{path}", self.url);
        let asked = Command::new("curl")
            .args([
                "-sk",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "-H",
                "Authorization: Bearer tok",
            ])
            .arg(&url)
            .output()?;
        ensure!(
            asked.status.success(),
            "{url} was not answered; has the apiserver ended?"
        );
        Ok(asked.stdout != b"404")
    }

    /// The process of the apiserver.
    pub(super) fn pid(&self) -> u32 {
        self.processes.last().map_or(0, Child::id)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn wait_for(port: u16) -> anyhow::Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(begun.elapsed() < PATIENCE, "nothing answers at port {port}");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
