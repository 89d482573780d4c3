//! TLS in all its forms, certificates as users, tokens.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base::certs::{Authority, CertOptions, Issued, KeyPair, Usage};
use base::task::Tasks;
use base::tls::ClientOptions;
use proto::auth::permission;
use proto::fault::Fault;
use store_client::{Client, Options, Put, Span};

use crate::harness::{Cluster, Kind, Member, Setup, exists, run, skip, tools, until_async};

/// An authority with a certificate for the members.
struct Trust {
    folder: tempfile::TempDir,
    authority: Authority,
    server: KeyPair,
}

impl Trust {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::create("test authority", 1).unwrap();
        authority.save(folder.path(), "ca").unwrap();
        let server = issue(&authority, "server", Usage::Peer)
            .save(folder.path(), "server")
            .unwrap();
        Self {
            folder,
            authority,
            server,
        }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    fn client(&self, common_name: &str) -> (Issued, KeyPair) {
        let issued = issue(&self.authority, common_name, Usage::Client);
        let pair = issued.save(self.folder.path(), common_name).unwrap();
        (issued, pair)
    }

    /// The flags of a server that shows its certificate; with `peer-` in front for the other port.
    fn flags(&self, front: &str) -> Vec<String> {
        vec![
            format!("--{front}cert-file={}", self.server.cert_file.display()),
            format!("--{front}key-file={}", self.server.key_file.display()),
        ]
    }

    /// The same for one that wants certificates too.
    fn mutual(&self, front: &str) -> Vec<String> {
        let mut flags = self.flags(front);
        flags.push(format!("--{front}trusted-ca-file={}", self.ca().display()));
        flags.push(format!("--{front}client-cert-auth=true"));
        flags
    }
}

fn issue(authority: &Authority, common_name: &str, usage: Usage) -> Issued {
    let options = CertOptions {
        common_name: common_name.to_owned(),
        organizations: Vec::new(),
        hosts: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
        validity_days: 1,
        usage,
    };
    authority.issue(&options).unwrap()
}

fn client(cluster: &Cluster, ca: &Path, pair: Option<&KeyPair>) -> Client {
    let tls = ClientOptions {
        cert_file: pair.map(|pair| pair.cert_file.clone()),
        key_file: pair.map(|pair| pair.key_file.clone()),
        trusted_ca_file: Some(ca.to_owned()),
        ..ClientOptions::default()
    };
    let options = Options {
        retry_for: Duration::from_millis(300),
        ..Options::new(cluster.endpoints())
    };
    Client::new(options.with_tls(tls), &Tasks::new()).unwrap()
}

fn etcdctl(cluster: &Cluster, ca: &Path, pair: Option<&KeyPair>, words: &[&str]) -> Option<i32> {
    let mut command = Command::new(&tools().unwrap().etcdctl);
    command.arg(format!("--endpoints={}", cluster.endpoints().join(",")));
    command
        .arg(format!("--cacert={}", ca.display()))
        .arg("--command-timeout=3s");
    if let Some(pair) = pair {
        command.arg(format!("--cert={}", pair.cert_file.display()));
        command.arg(format!("--key={}", pair.key_file.display()));
    }
    run(command.args(words)).code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_trusted_by_its_authority_only() {
    let (trust, stranger) = (Trust::new(), Trust::new());
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1).client_tls(&trust.flags("")));
    client(&cluster, &trust.ca(), None)
        .put(Put::new("k", "v"))
        .await
        .unwrap();
    let refused = client(&cluster, &stranger.ca(), None)
        .put(Put::new("k", "v"))
        .await
        .unwrap_err();
    assert!(refused.is_surely_not_sent(), "{refused}");
    // Plain text is not understood.
    let plain = Options {
        retry_for: Duration::from_millis(300),
        ..Options::new([format!("http://127.0.0.1:{}", cluster.members[0].client_port)])
    };
    assert!(Client::new(plain, &Tasks::new()).unwrap().get("k").await.is_err());
    match tools() {
        Ok(_) => assert_eq!(etcdctl(&cluster, &trust.ca(), None, &["get", "k"]), Some(0)),
        Err(why) => skip(why),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_must_show_certificates_that_are_ours_and_not_revoked() {
    let trust = Trust::new();
    let (_, ann) = trust.client("ann");
    let (lost, thief) = trust.client("thief");
    let crl = trust.folder.path().join("crl.pem");
    std::fs::write(&crl, trust.authority.revoke(&[&lost]).unwrap()).unwrap();
    let mut flags = trust.mutual("");
    flags.push(format!("--client-crl-file={}", crl.display()));
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1).client_tls(&flags));

    client(&cluster, &trust.ca(), Some(&ann))
        .put(Put::new("k", "v"))
        .await
        .unwrap();
    let stranger = Trust::new();
    let (_, foreign) = stranger.client("ann");
    for (what, pair) in [
        ("no certificate", None),
        ("revoked", Some(&thief)),
        ("foreign", Some(&foreign)),
    ] {
        let refused = client(&cluster, &trust.ca(), pair).get("k").await;
        assert!(refused.is_err_and(|error| error.is_unavailable()), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_a_user() {
    let trust = Trust::new();
    let (_, root) = trust.client("root");
    let (_, ann) = trust.client("ann");
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1).client_tls(&trust.mutual("")));
    let as_root = client(&cluster, &trust.ca(), Some(&root));
    as_root.put(Put::new("pub/k", "v")).await.unwrap();
    // The common name is the user, without a password.
    as_root.user_add("root", None).await.unwrap();
    as_root.role_add("root").await.unwrap();
    as_root.user_grant_role("root", "root").await.unwrap();
    as_root.user_add("ann", None).await.unwrap();
    as_root.role_add("reader").await.unwrap();
    as_root
        .role_grant_permission("reader", permission::Type::Read, Span::prefix("pub/"))
        .await
        .unwrap();
    as_root.user_grant_role("ann", "reader").await.unwrap();
    as_root.auth_enable().await.unwrap();
    let as_ann = client(&cluster, &trust.ca(), Some(&ann));
    assert!(as_ann.get_key("pub/k").await.unwrap().is_some());
    assert_eq!(
        as_ann.put(Put::new("pub/k", "w")).await.unwrap_err().fault(),
        Some(Fault::PermissionDenied)
    );
    as_root.put(Put::new("pub/k", "w")).await.unwrap();
    match tools() {
        Ok(_) => {
            assert_eq!(etcdctl(&cluster, &trust.ca(), Some(&ann), &["get", "pub/k"]), Some(0));
            assert_ne!(
                etcdctl(&cluster, &trust.ca(), Some(&ann), &["put", "pub/k", "x"]),
                Some(0)
            );
        }
        Err(why) => skip(why),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_show_certificates_to_each_other() {
    let trust = Trust::new();
    let mut cluster = Cluster::start(
        Kind::Keelson,
        Setup::of(3)
            .client_tls(&trust.flags(""))
            .peer_tls(&trust.mutual("peer-")),
    );
    let client = client(&cluster, &trust.ca(), None);
    client.put(Put::new("k", "v")).await.unwrap();
    // Certificates are read again when they change, and a restarted member shows the new one.
    issue(&trust.authority, "server", Usage::Peer)
        .save_as(&trust.server)
        .unwrap();
    cluster.restart(0);
    cluster.members[0].wait_healthy();
    until_async("writes go on", || async { client.put(Put::new("k", "w")).await.ok() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_made_when_asked_for() {
    let auto = Setup::of(3)
        .client_tls(&["--auto-tls=true".to_owned()])
        .peer_tls(&["--peer-auto-tls=true".to_owned()]);
    let cluster = Cluster::start(Kind::Keelson, auto);
    let tls = ClientOptions {
        insecure_skip_verify: true,
        ..ClientOptions::default()
    };
    let options = cluster.options().with_tls(tls);
    let client = Client::new(options, &Tasks::new()).unwrap();
    client.put(Put::new("k", "v")).await.unwrap();
    assert_eq!(client.members().await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn simple_tokens_run_out_and_are_renewed() {
    renewed(Setup::of(1).flag("--auth-token-ttl=1"), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_tokens_run_out_and_are_renewed() {
    if !exists("openssl") {
        return skip("no openssl in PATH to make an RSA key");
    }
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let mut openssl = Command::new("openssl");
    openssl.args(["genrsa", "-traditional", "-out"]).arg(&key);
    assert_eq!(run(&mut openssl).code, Some(0), "{openssl:?}");
    // The public key is in the private one.
    let jwt = format!("--auth-token=jwt,priv-key={},sign-method=RS256,ttl=3s", key.display());
    // Its end is told in whole seconds: it lives for between two and three.
    renewed(Setup::of(1).flag(jwt), 3).await;
}

/// Writes for longer than a token lives.
async fn renewed(setup: Setup, seconds: u64) {
    let cluster = Cluster::start(Kind::Keelson, setup.flag("--bcrypt-cost=4"));
    let plain = cluster.client();
    plain.user_add("root", Some("r")).await.unwrap();
    plain.role_add("root").await.unwrap();
    plain.user_grant_role("root", "root").await.unwrap();
    plain.auth_enable().await.unwrap();
    let root = Client::new(cluster.options().with_login("root", "r"), &Tasks::new()).unwrap();
    for _ in 0..2 {
        root.put(Put::new("k", "v")).await.unwrap();
        // Not to wait for something: the time itself ends the token.
        tokio::time::sleep(Duration::from_millis(seconds * 1000 + 200)).await;
    }
    assert_eq!(root.get_key("k").await.unwrap().unwrap().version, 2);
    assert!(plain.get("k").await.is_err());
}

/// A freshly made set of files from the program itself is enough for everything.
#[tokio::test(flavor = "multi_thread")]
async fn the_certs_command_makes_all_that_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let made = run(Command::new(env!("CARGO_BIN_EXE_keelson"))
        .args(["certs", "--dir"])
        .arg(folder.path()));
    assert_eq!(made.code, Some(0), "{made:?}");
    let flags = |front: &str, name: &str| {
        vec![
            format!("--{front}cert-file={}", at(&format!("{name}.crt")).display()),
            format!("--{front}key-file={}", at(&format!("{name}.key")).display()),
            format!("--{front}trusted-ca-file={}", at("ca.crt").display()),
            format!("--{front}client-cert-auth"),
        ]
    };
    let setup = Setup::of(3)
        .client_tls(&flags("", "server"))
        .peer_tls(&flags("peer-", "peer"));
    let mut cluster = Cluster::start(Kind::Keelson, setup);
    let pair = KeyPair {
        cert_file: at("client.crt"),
        key_file: at("client.key"),
    };
    client(&cluster, &at("ca.crt"), Some(&pair))
        .put(Put::new("k", "v"))
        .await
        .unwrap();
    cluster.members.iter_mut().for_each(Member::kill);
}
