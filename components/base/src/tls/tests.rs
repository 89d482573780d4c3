//! Handshakes between the two sides: who gets in, who does not, and what a changed file does.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;
use crate::certs::{Authority, CertOptions, Issued, Usage};

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct World {
    dir: tempfile::TempDir,
    authority: Authority,
    ca: KeyPair,
    server: KeyPair,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create("test CA", 2).unwrap();
        let ca = authority.save(dir.path(), "ca").unwrap();
        let server = issue(&authority, "server", &["localhost", "127.0.0.1"], Usage::Server);
        let server = server.save(dir.path(), "server").unwrap();
        Self {
            dir,
            authority,
            ca,
            server,
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn client(&self, name: &str, hosts: &[&str]) -> (Issued, ClientOptions) {
        let issued = issue(&self.authority, name, hosts, Usage::Peer);
        let pair = issued.save(self.path(), name).unwrap();
        let options = ClientOptions {
            cert_file: Some(pair.cert_file),
            key_file: Some(pair.key_file),
            trusted_ca_file: Some(self.ca.cert_file.clone()),
            alpn: vec![b"h2".to_vec()],
            ..ClientOptions::default()
        };
        (issued, options)
    }

    fn mutual(&self) -> ServerOptions {
        ServerOptions {
            cert_file: self.server.cert_file.clone(),
            key_file: self.server.key_file.clone(),
            trusted_ca_file: Some(self.ca.cert_file.clone()),
            client_cert_auth: true,
            alpn: vec![b"h2".to_vec()],
            ..ServerOptions::default()
        }
    }
}

fn issue(authority: &Authority, name: &str, hosts: &[&str], usage: Usage) -> Issued {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    let options = CertOptions {
        common_name: name.to_owned(),
        organizations: Vec::new(),
        hosts,
        validity_days: 1,
        usage,
    };
    authority.issue(&options).unwrap()
}

/// One handshake, then a byte each way; what the server learnt about the client.
async fn meet(
    server: &ServerTls,
    client: &ClientTls,
    host: &str,
    remote: IpAddr,
) -> (Result<Option<Identity>, HandshakeError>, Result<(), String>) {
    let (near, far) = duplex(64 * 1024);
    let serve = async {
        let mut stream = server.accept(far, Some(remote)).await?;
        let who = identity(stream.get_ref().1.peer_certificates());
        stream.write_all(b"!").await?;
        stream.shutdown().await?;
        Ok(who)
    };
    let dial = async {
        let mut stream = client.connect(host, near).await.map_err(|error| error.to_string())?;
        stream.read_u8().await.map(|_| ()).map_err(|error| error.to_string())
    };
    tokio::join!(serve, dial)
}

#[tokio::test]
async fn both_sides_prove_themselves() {
    let world = World::new();
    let server = ServerTls::new(world.mutual()).unwrap();
    let (_, options) = world.client("alice", &[]);
    let client = ClientTls::new(options).unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let (who, dialed) = meet(&server, &client, host, LOCAL).await;
        assert_eq!(who.unwrap().unwrap().common_name, "alice");
        dialed.unwrap();
    }
    let (_, dialed) = meet(&server, &client, "elsewhere", LOCAL).await;
    assert!(dialed.unwrap_err().contains("elsewhere"));
}

#[tokio::test]
async fn a_trusted_ca_alone_asks_for_a_client_certificate() {
    let world = World::new();
    let server = ServerTls::new(ServerOptions {
        client_cert_auth: false,
        ..world.mutual()
    })
    .unwrap();
    let (_, options) = world.client("alice", &[]);
    let nobody = ClientOptions {
        cert_file: None,
        key_file: None,
        ..options
    };
    let (who, dialed) = meet(&server, &ClientTls::new(nobody).unwrap(), "localhost", LOCAL).await;
    assert!(who.is_err() && dialed.is_err());
}

#[tokio::test]
async fn a_certificate_that_is_only_asked_for_is_taken_from_any_authority() {
    let world = World::new();
    let asking = ServerOptions {
        trusted_ca_file: None,
        client_cert_auth: false,
        ask_client_cert: true,
        ..world.mutual()
    };
    let server = ServerTls::new(asking.clone()).unwrap();
    let stranger = issue(
        &Authority::create("other CA", 2).unwrap(),
        "mallory",
        &[],
        Usage::Client,
    );
    let pair = stranger.save(world.path(), "mallory").unwrap();
    let (_, known) = world.client("alice", &[]);
    let shown = ClientOptions {
        cert_file: Some(pair.cert_file),
        key_file: Some(pair.key_file),
        ..known.clone()
    };
    let (who, dialed) = meet(&server, &ClientTls::new(shown).unwrap(), "localhost", LOCAL).await;
    assert_eq!(
        (who.unwrap().unwrap().common_name, dialed),
        ("mallory".to_owned(), Ok(()))
    );
    let nobody = ClientOptions {
        cert_file: None,
        key_file: None,
        ..known
    };
    let (who, dialed) = meet(&server, &ClientTls::new(nobody).unwrap(), "localhost", LOCAL).await;
    assert!(who.unwrap().is_none() && dialed.is_ok());
    let both = ServerOptions {
        trusted_ca_file: Some(world.ca.cert_file.clone()),
        ..asking
    };
    assert!(ServerTls::new(both).is_err());
}

#[tokio::test]
async fn an_unknown_server_is_believed_only_when_told_so() {
    let world = World::new();
    let options = ServerOptions {
        trusted_ca_file: None,
        client_cert_auth: false,
        ..world.mutual()
    };
    let server = ServerTls::new(options).unwrap();
    let stranger = ClientTls::new(ClientOptions::default()).unwrap();
    assert!(meet(&server, &stranger, "localhost", LOCAL).await.1.is_err());
    let careless = ClientOptions {
        insecure_skip_verify: true,
        ..ClientOptions::default()
    };
    let (_, dialed) = meet(&server, &ClientTls::new(careless).unwrap(), "anything", LOCAL).await;
    dialed.unwrap();
    let named = ClientOptions {
        trusted_ca_file: Some(world.ca.cert_file.clone()),
        server_name: Some("localhost".into()),
        ..ClientOptions::default()
    };
    meet(&server, &ClientTls::new(named).unwrap(), "10.0.0.1", LOCAL)
        .await
        .1
        .unwrap();
}

#[tokio::test]
async fn allowed_names_and_hosts_are_enforced() {
    let world = World::new();
    let (_, options) = world.client("alice", &["alice.example.com"]);
    let client = ClientTls::new(options).unwrap();
    for (names, hosts, allowed) in [
        (vec!["alice", "bob"], vec![], true),
        (vec!["bob"], vec![], false),
        (vec![], vec!["x.example.com", "alice.example.com"], true),
        (vec![], vec!["bob.example.com"], false),
    ] {
        let own = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        let options = ServerOptions {
            allowed_cns: own(names),
            allowed_hostnames: own(hosts),
            ..world.mutual()
        };
        let server = ServerTls::new(options).unwrap();
        assert_eq!(meet(&server, &client, "localhost", LOCAL).await.0.is_ok(), allowed);
    }
}

#[tokio::test]
async fn a_peer_must_come_from_a_host_of_its_certificate() {
    let world = World::new();
    let server = ServerTls::new(ServerOptions {
        check_remote_san: true,
        ..world.mutual()
    })
    .unwrap();
    let (_, options) = world.client("peer", &["127.0.0.1"]);
    let client = ClientTls::new(options).unwrap();
    meet(&server, &client, "localhost", LOCAL).await.0.unwrap();
    let (who, _) = meet(&server, &client, "localhost", [192, 0, 2, 1].into()).await;
    assert!(matches!(who, Err(HandshakeError::WrongHost { .. })));
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_from_the_next_handshake_on() {
    let world = World::new();
    let (alice, options) = world.client("alice", &[]);
    let (bob, _) = world.client("bob", &[]);
    let crl = world.path().join("crl.pem");
    fs::write(&crl, world.authority.revoke(&[&bob]).unwrap()).unwrap();
    let server = ServerTls::new(ServerOptions {
        crl_file: Some(crl.clone()),
        ..world.mutual()
    })
    .unwrap();
    let client = ClientTls::new(options).unwrap();
    meet(&server, &client, "localhost", LOCAL).await.0.unwrap();
    fs::write(&crl, world.authority.revoke(&[&bob, &alice]).unwrap()).unwrap();
    let (who, _) = meet(&server, &client, "localhost", LOCAL).await;
    assert!(matches!(who, Err(HandshakeError::Revoked(_))));
}

#[tokio::test]
async fn a_changed_certificate_is_shown_and_a_broken_one_is_not() {
    let world = World::new();
    let server = ServerTls::new(world.mutual()).unwrap();
    let (_, options) = world.client("alice", &[]);
    let client = ClientTls::new(options).unwrap();
    let renewed = issue(&world.authority, "server", &["renewed.example.com"], Usage::Server);
    renewed.save(world.path(), "server").unwrap();
    meet(&server, &client, "renewed.example.com", LOCAL).await.1.unwrap();
    fs::write(&world.server.cert_file, "not a certificate").unwrap();
    meet(&server, &client, "renewed.example.com", LOCAL).await.1.unwrap();
    let again = issue(&world.authority, "server", &["again.example.com"], Usage::Server);
    again.save(world.path(), "server").unwrap();
    meet(&server, &client, "again.example.com", LOCAL).await.1.unwrap();
}

#[test]
fn what_is_wrong_is_named() {
    let world = World::new();
    let text = |options: ServerOptions| ServerTls::new(options).err().unwrap().to_string();
    let absent = text(ServerOptions {
        cert_file: "/nowhere.crt".into(),
        ..world.mutual()
    });
    assert!(
        absent.starts_with("cannot read the certificate /nowhere.crt: "),
        "{absent}"
    );
    let swapped = text(ServerOptions {
        key_file: world.server.cert_file.clone(),
        ..world.mutual()
    });
    assert!(
        swapped.contains("private key") && swapped.contains("expected one unencrypted PEM"),
        "{swapped}"
    );
    let foreign = text(ServerOptions {
        key_file: world.ca.key_file.clone(),
        ..world.mutual()
    });
    assert!(foreign.starts_with("the certificate "), "{foreign}");
    let missing = text(ServerOptions {
        trusted_ca_file: None,
        ..world.mutual()
    });
    assert!(missing.contains("--trusted-ca-file"), "{missing}");
    let both = ServerOptions {
        allowed_cns: vec!["a".into()],
        allowed_hostnames: vec!["b".into()],
        ..world.mutual()
    };
    assert!(text(both).contains("mutually exclusive"));
    let crl = text(ServerOptions {
        crl_file: Some(world.ca.key_file.clone()),
        ..world.mutual()
    });
    assert!(crl.contains("revocation list"), "{crl}");
    let half = ClientOptions {
        cert_file: Some("/a".into()),
        ..ClientOptions::default()
    };
    assert!(
        ClientTls::new(half)
            .err()
            .unwrap()
            .to_string()
            .contains("must both be present")
    );
}

#[tokio::test]
async fn automatic_certificates_are_kept_until_they_expire() {
    let dir = tempfile::tempdir().unwrap();
    let fixtures = dir.path().join("fixtures/client");
    let hosts = ["127.0.0.1".to_owned()];
    let pair = auto_tls(&fixtures, &hosts, 1).unwrap();
    let first = fs::read(&pair.cert_file).unwrap();
    auto_tls(&fixtures, &hosts, 1).unwrap();
    assert_eq!(fs::read(&pair.cert_file).unwrap(), first);

    let gone = CertOptions {
        common_name: String::new(),
        organizations: Vec::new(),
        hosts: hosts.to_vec(),
        validity_days: 0,
        usage: Usage::Peer,
    };
    crate::certs::self_signed(&gone).unwrap().save_as(&pair).unwrap();
    auto_tls(&fixtures, &hosts, 1).unwrap();
    let options = ServerOptions {
        cert_file: pair.cert_file,
        key_file: pair.key_file,
        ..ServerOptions::default()
    };
    let careless = ClientOptions {
        insecure_skip_verify: true,
        ..ClientOptions::default()
    };
    let server = ServerTls::new(options).unwrap();
    meet(&server, &ClientTls::new(careless).unwrap(), "127.0.0.1", LOCAL)
        .await
        .1
        .unwrap();

    let none = auto_tls(&dir.path().join("none"), &hosts, 0).unwrap_err().to_string();
    assert!(none.contains("--self-signed-cert-validity"), "{none}");
}

/// The hosts of the certificate that a client is shown who asks for `host` at an address.
async fn shown(server: &ServerTls, host: &str, local: Option<IpAddr>) -> Vec<String> {
    let client = ClientTls::new(ClientOptions {
        insecure_skip_verify: true,
        ..ClientOptions::default()
    });
    let client = client.unwrap();
    let (near, far) = duplex(1 << 14);
    let (near, far) = tokio::join!(client.connect(host, near), server.accept_at(far, None, local));
    drop(far);
    let near = near.unwrap();
    identity(near.get_ref().1.peer_certificates()).unwrap().hosts()
}

#[tokio::test]
async fn who_asks_for_a_host_is_shown_its_certificate() {
    let world = World::new();
    let named = |file: &str, hosts: &[&str], names: &[&str]| {
        let issued = issue(&world.authority, file, hosts, Usage::Server);
        let pair = issued.save(world.path(), file).unwrap();
        NamedCert {
            cert_file: pair.cert_file,
            key_file: pair.key_file,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    };
    let named = vec![
        named("one", &["a.example", "*.b.example"], &[]),
        named("two", &["two.example"], &["a.example", "127.0.0.7"]),
        named("three", &["a.example", "three.example"], &[]),
    ];
    let options = ServerOptions {
        trusted_ca_file: None,
        client_cert_auth: false,
        ..world.mutual()
    };
    let server = ServerTls::with_named(options, named).unwrap();
    let usual = "localhost";
    let seven = Some("127.0.0.7".parse().unwrap());
    for (host, local, first) in [
        // What was given wins over what a certificate says, and the first over those after it.
        ("a.example", None, "two.example"),
        ("x.b.example", None, "a.example"),
        ("x.y.b.example", None, usual),
        ("THREE.example", None, "a.example"),
        ("three.example", seven, "a.example"),
        ("nobody.example", seven, usual),
        ("127.0.0.1", None, usual),
        ("127.0.0.1", Some(LOCAL), usual),
        ("127.0.0.1", seven, "two.example"),
    ] {
        assert_eq!(shown(&server, host, local).await[0], first, "{host} {local:?}");
    }
    // A changed file is read again.
    let changed = issue(&world.authority, "two", &["changed.example"], Usage::Server);
    changed.save(world.path(), "two").unwrap();
    assert_eq!(shown(&server, "a.example", None).await[0], "changed.example");
}

#[tokio::test]
async fn keys_are_exchanged_by_the_curves_that_were_named() {
    let world = World::new();
    let at = |curves: &[u16]| Protocol::default().with_curves(curves.to_vec());
    let server = |curves| {
        let options = ServerOptions {
            trusted_ca_file: None,
            client_cert_auth: false,
            protocol: at(curves),
            ..world.mutual()
        };
        ServerTls::new(options).unwrap()
    };
    let (_, client) = world.client("alice", &[]);
    let client = ClientTls::new(ClientOptions {
        protocol: at(&[24]),
        ..client
    });
    let client = client.unwrap();
    assert!(meet(&server(&[29, 24]), &client, "localhost", LOCAL).await.1.is_ok());
    assert!(meet(&server(&[29, 23]), &client, "localhost", LOCAL).await.1.is_err());
}
