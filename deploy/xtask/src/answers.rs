//! Plays recorded answers of a real kube-apiserver against ours, and holds the counts against a committed floor.
//!
//! The recordings and their player are no part of the repository; who has them says where.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::workspace::Workspace;

/// What was played, below the recordings; each story begins with an empty store.
const STORIES: [&str; 9] = [
    "reads",
    "writes",
    "deletes",
    "watches",
    "subresources",
    "access",
    "tables",
    "patches",
    "applies",
];
const FLOOR: &str = "deploy/answers.txt";
/// The port of the recorded server: some answers tell it.
const PORT: u16 = 26443;
/// A server is ready in this time, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the recordings and their player are.
struct Recordings {
    answers: PathBuf,
    player: PathBuf,
}

impl Recordings {
    fn below(folder: &Path) -> anyhow::Result<Self> {
        let found = Self {
            answers: folder.join("data/kubernetes-1.36/answers"),
            player: folder.join("tools/answers/answers.py"),
        };
        for path in [&found.answers, &found.player] {
            ensure!(path.exists(), "{} is not there", path.display());
        }
        Ok(found)
    }
}

/// Plays everything. `write` raises the floor to what was reached.
///
/// # Errors
/// A server that does not start, a player that fails, or a count below its floor.
pub(crate) fn run(workspace: &Workspace, folder: &Path, write: bool) -> anyhow::Result<()> {
    let root = &workspace.root;
    let recordings = Recordings::below(folder)?;
    let binary = build(root)?;
    let mut reached = BTreeMap::new();
    for story in STORIES {
        let server = Server::start(&binary)?;
        reached.extend(server.play(&recordings, &format!("{story}.jsonl"))?);
    }
    reached.extend(Server::start(&binary)?.play(&recordings, "fields")?);
    let file = root.join(FLOOR);
    let floor = read(&file)?;
    let mut below = Vec::new();
    for (name, (equal, all)) in &reached {
        let least = floor.get(name).map_or(0, |(equal, _)| *equal);
        println!("{name}: {equal} of {all} equal, at least {least}");
        if *equal < least {
            below.push(format!("{name}: {equal} of {all} equal, {least} before"));
        }
    }
    let (equal, all) = reached.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("in all: {equal} of {all} equal");
    ensure!(
        below.is_empty(),
        "answers that were equal are not any more:\n{}",
        below.join("\n")
    );
    if write {
        let lines = reached
            .iter()
            .map(|(name, (equal, all))| format!("{name} {equal} {all}\n"));
        fs::write(&file, lines.collect::<String>())?;
    }
    Ok(())
}

/// Counts by name: how many are equal, of how many.
type Counts = BTreeMap<String, (u64, u64)>;

fn read(file: &Path) -> anyhow::Result<Counts> {
    let Ok(text) = fs::read_to_string(file) else {
        return Ok(Counts::new());
    };
    let line = |line: &str| -> Option<(String, (u64, u64))> {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        Some((name, (words.next()?.parse().ok()?, words.next()?.parse().ok()?)))
    };
    let lines = text
        .lines()
        .map(|text| line(text).with_context(|| format!("{FLOOR}: cannot read {text:?}")));
    lines.collect()
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let done = Command::new("cargo")
        .args(["build", "--locked", "--package", "keelson"])
        .current_dir(root)
        .status()?;
    ensure!(done.success(), "keelson was not built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("debug/keelson"))
}

/// A store and an apiserver with nothing in it, in a folder that goes with them.
struct Server {
    dir: PathBuf,
    url: String,
    processes: Vec<Child>,
}

impl Server {
    fn start(binary: &Path) -> anyhow::Result<Self> {
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
        let store = server.store(binary, client, peer)?;
        server.processes.push(store);
        wait_for(client)?;
        let api = server.api(binary, client)?;
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

    fn spawn(&self, binary: &Path, name: &str, args: &[String]) -> anyhow::Result<Child> {
        let log = fs::File::create(self.dir.join(format!("{name}.log")))?;
        let child = Command::new(binary)
            .arg(name)
            .args(args)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        child.with_context(|| format!("{} {name} was not started", binary.display()))
    }

    fn store(&self, binary: &Path, client: u16, peer: u16) -> anyhow::Result<Child> {
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let args = [
            format!("--data-dir={}", self.dir.join("data").display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
        ];
        self.spawn(binary, "store", &args)
    }

    /// As the recorded server was started.
    fn api(&self, binary: &Path, client: u16) -> anyhow::Result<Child> {
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
        self.spawn(binary, "apiserver", &args)
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

    /// Plays a file or a folder of recordings; the counts of each file.
    fn play(&self, recordings: &Recordings, what: &str) -> anyhow::Result<Counts> {
        let played = Command::new("python3")
            .arg(&recordings.player)
            .args([&self.url, "tok"])
            .arg(recordings.answers.join(what))
            .args(["--show", "0"])
            .output()?;
        let text = String::from_utf8_lossy(&played.stdout);
        let counts: Counts = text
            .lines()
            .filter(|line| !line.starts_with("in all"))
            .filter_map(count)
            .collect();
        let said = String::from_utf8_lossy(&played.stderr);
        ensure!(!counts.is_empty(), "nothing of {what} was played: {said}");
        Ok(counts)
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

/// `reads: 194 of 198 equal, 196 with the same status`.
fn count(line: &str) -> Option<(String, (u64, u64))> {
    let (name, rest) = line.split_once(": ")?;
    let mut words = rest.split_whitespace();
    let equal = words.next()?.parse().ok()?;
    let all = words.nth(1)?.parse().ok()?;
    Some((name.to_owned(), (equal, all)))
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

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn the_players_lines_are_counts() {
        let line = "reads: 194 of 198 equal, 196 with the same status";
        assert_eq!(count(line), Some(("reads".to_owned(), (194, 198))));
        assert_eq!(count("nothing of it"), None);
    }
}
