//! A store and an apiserver on it, with certificates and users of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use base::certs::{Authority, CertOptions, KeyPair, Usage};

use crate::harness::{Cluster, Kind, Output, Setup, bound, free_ports, run_until, until};

/// The token of a user in `system:masters`.
pub(crate) const ADMIN: &str = "token-of-admin";
/// The token of jane, who is in the groups dev and ops and may do nothing.
pub(crate) const JANE: &str = "token-of-jane";

const TOKENS: &str = "token-of-admin,admin,1,system:masters\ntoken-of-jane,jane,2,\"dev,ops\"\n";
/// An address that is nobody's, so that what the apiserver says of itself is the same on each machine.
const ADDRESS: &str = "192.0.2.1";

/// The most that an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Options of curl that are followed by a file.
const FILE_OPTIONS: &[&str] = &["-D", "-K", "-T", "-o", "--cert", "--key"];

/// Both processes. All of it is gone when it is dropped.
pub(crate) struct Pair {
    pub(crate) port: u16,
    arguments: Vec<String>,
    process: Option<Child>,
    patience: Duration,
    folder: tempfile::TempDir,
    /// Ends after what stands on it; none where it is another pair's.
    store: Option<Cluster>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As they came, in lower case.
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Pair {
    /// Starts both, the store being ours, and waits until they are ready.
    pub(crate) fn start() -> Self {
        Self::start_on(Kind::Keelson)
    }

    /// The same on this kind of store.
    pub(crate) fn start_on(kind: Kind) -> Self {
        Self::start_with(kind, &[])
    }

    /// The same with flags beyond the usual ones.
    pub(crate) fn start_with(kind: Kind, flags: &[&str]) -> Self {
        let store = Cluster::start(kind, Setup::of(1));
        let endpoints = store.endpoints().join(",");
        Self::start_at(&endpoints, Some(store), flags)
    }

    /// Another apiserver on the same store, which must not outlive this one.
    pub(crate) fn beside(&self) -> Self {
        let endpoints = self.store.as_ref().unwrap().endpoints().join(",");
        Self::start_at(&endpoints, None, &[])
    }

    fn start_at(endpoints: &str, store: Option<Cluster>, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_ports(1)[0];
        let mut arguments = arguments(folder.path(), port, endpoints);
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let mut pair = Self {
            port,
            arguments,
            process: None,
            patience: PATIENCE,
            folder,
            store,
        };
        pair.launch();
        pair
    }

    /// The same, whose answers may take so long.
    pub(crate) fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Its store.
    pub(crate) fn store(&mut self) -> &mut Cluster {
        self.store.as_mut().unwrap()
    }

    /// Starts the apiserver, and waits until it is ready.
    fn launch(&mut self) {
        let log = fs::File::create(self.log()).unwrap();
        let mut command = bound(env!("CARGO_BIN_EXE_keelson").as_ref());
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.process = Some(command.spawn().unwrap());
        until("the apiserver is ready", || {
            let ended = self.ended();
            assert!(ended.is_none(), "the apiserver ended with {ended:?}");
            (self.curl(&["/readyz"]).stdout == "ok").then_some(())
        });
        // Readiness does not wait for the namespaces of the system.
        until("there is a namespace to work in", || {
            let found = self.send("GET", "/api/v1/namespaces/default", &[], "");
            (found.status == 200).then_some(())
        });
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// A folder that lives as long as the pair.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The authority of all certificates.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder().join("ca.crt")
    }

    /// The certificate of a client: a user `carol` in the group `system:masters`.
    pub(crate) fn client_pair(&self) -> KeyPair {
        KeyPair {
            cert_file: self.folder().join("carol.crt"),
            key_file: self.folder().join("carol.key"),
        }
    }

    /// The header that says that admin asks.
    pub(crate) fn credentials() -> String {
        format!("Authorization: Bearer {ADMIN}")
    }

    /// The process of the apiserver.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().unwrap().try_wait().unwrap()
    }

    /// Process memory of the apiserver in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let id = self.id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How many sockets the apiserver has open.
    pub(crate) fn connections(&self) -> usize {
        let id = self.id();
        let open = fs::read_dir(format!("/proc/{id}/fd")).unwrap().flatten();
        let sockets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        sockets
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    }

    /// Writes a kubeconfig: contexts `admin`, `jane` and `carol`, of which the first is current, in this namespace.
    pub(crate) fn kubeconfig(&self, file: &Path, namespace: &str) {
        let carol = self.client_pair();
        let user = |name: &str, how: &str| format!("- name: {name}\n  user: {{{how}}}\n");
        let users = [
            user("admin", &format!("token: {ADMIN}")),
            user("jane", &format!("token: {JANE}")),
            user(
                "carol",
                &format!(
                    "client-certificate: {}, client-key: {}",
                    carol.cert_file.display(),
                    carol.key_file.display()
                ),
            ),
        ];
        let context = |name: &str| {
            format!("- name: {name}\n  context: {{cluster: keelson, user: {name}, namespace: {namespace}}}\n")
        };
        let contexts = ["admin", "jane", "carol"].map(context);
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: keelson\n  cluster: {{server: \"{}\", certificate-authority: {}}}\nusers:\n{}contexts:\n{}current-context: admin\n",
            self.url(),
            self.ca().display(),
            users.concat(),
            contexts.concat(),
        );
        fs::write(file, text).unwrap();
    }

    /// Runs curl as admin, unless words say otherwise; words that begin with `/` are paths of the apiserver, but behind an option that wants a file.
    pub(crate) fn curl(&self, words: &[&str]) -> Output {
        self.curl_with(words, "")
    }

    /// The same, with this on its standard input.
    pub(crate) fn curl_with(&self, words: &[&str], stdin: &str) -> Output {
        let mut command = Command::new("curl");
        command.args(["-sS", "--noproxy", "*"]);
        if !words.iter().any(|word| word.starts_with("Authorization:")) {
            command.args(["-H", &Self::credentials()]);
        }
        command.arg("--cacert").arg(self.ca());
        let mut names_file = false;
        for word in words {
            if word.starts_with('/') && !names_file {
                command.arg(format!("{}{word}", self.url()));
            } else {
                command.arg(word);
            }
            names_file = FILE_OPTIONS.contains(word);
        }
        let mut output = run_until(&mut command, stdin, None, self.patience);
        // The last line has an end in any case.
        output.stdout.truncate(output.stdout.trim_end_matches('\n').len());
        output
    }

    /// Sends a request as admin; the body, if there is one, is JSON unless a header says otherwise.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut words = vec!["-i", "-X", method, path, "-H", "Expect:"];
        if !body.is_empty() {
            words.extend(["--data-binary", "@-"]);
            if !headers.iter().any(|header| header.starts_with("Content-Type")) {
                words.extend(["-H", "Content-Type: application/json"]);
            }
        }
        for header in headers {
            words.extend(["-H", header]);
        }
        let output = self.curl_with(&words, body);
        assert_eq!(output.code, Some(0), "{method} {path}: {output:?}");
        // A line ends as HTTP has it, or as the reader of the output made it.
        let text = output.stdout.replace("\r\n", "\n");
        let (headers, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let status = headers.split(' ').nth(1).and_then(|word| word.trim().parse().ok());
        Answer {
            status: status.unwrap_or_else(|| panic!("no status: {text}")),
            headers: headers.to_lowercase(),
            body: body.to_owned(),
        }
    }

    /// Makes an object, which must work.
    pub(crate) fn create(&self, path: &str, object: &serde_json::Value) -> serde_json::Value {
        let answer = self.send("POST", path, &[], &object.to_string());
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// Makes a namespace.
    pub(crate) fn namespace(&self, name: &str) {
        let object = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.create("/api/v1/namespaces", &object);
    }

    /// What the apiserver has logged so far.
    pub(crate) fn read_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log()).unwrap()).into_owned()
    }

    fn log(&self) -> PathBuf {
        self.folder().join("apiserver.log")
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "--- log of the apiserver\n{}",
                lines[lines.len().saturating_sub(40)..].join("\n")
            );
        }
    }
}

/// Writes certificates, keys and tokens, and says the flags that name them.
fn arguments(folder: &Path, port: u16, store: &str) -> Vec<String> {
    let authority = Authority::create("test authority", 1).unwrap();
    authority.save(folder, "ca").unwrap();
    let issue = |name: &str, organization: &str, usage: Usage| {
        let options = CertOptions {
            common_name: name.to_owned(),
            organizations: vec![organization.to_owned()],
            hosts: ["127.0.0.1", ADDRESS, "localhost", "kubernetes.default.svc"]
                .map(str::to_owned)
                .to_vec(),
            validity_days: 1,
            usage,
        };
        authority.issue(&options).unwrap().save(folder, name).unwrap()
    };
    let server = issue("server", "keelson", Usage::Server);
    issue("carol", "system:masters", Usage::Client);
    // Any key signs tokens; that there is a certificate for it does not matter.
    let signer = issue("signer", "keelson", Usage::Client);
    fs::write(folder.join("tokens.csv"), TOKENS).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let flags = [
        ("etcd-servers", store.to_owned()),
        ("bind-address", "127.0.0.1".to_owned()),
        ("secure-port", port.to_string()),
        ("advertise-address", ADDRESS.to_owned()),
        ("tls-cert-file", server.cert_file.display().to_string()),
        ("tls-private-key-file", server.key_file.display().to_string()),
        ("client-ca-file", file("ca.crt")),
        ("token-auth-file", file("tokens.csv")),
        ("service-account-issuer", "https://kubernetes.default.svc".to_owned()),
        ("service-account-key-file", signer.key_file.display().to_string()),
        (
            "service-account-signing-key-file",
            signer.key_file.display().to_string(),
        ),
        ("service-cluster-ip-range", "10.0.0.0/16".to_owned()),
        ("authorization-mode", "Node,RBAC".to_owned()),
        ("allow-privileged", "true".to_owned()),
        // No controller makes the accounts that pods would need.
        ("disable-admission-plugins", "ServiceAccount".to_owned()),
    ];
    let flags = flags.into_iter().map(|(name, value)| format!("--{name}={value}"));
    std::iter::once("apiserver".to_owned()).chain(flags).collect()
}
