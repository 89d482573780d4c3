//! Certificates of clients and proxies, made by an authority of the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::clock::Clock;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};
use rustls_pki_types::CertificateDer;

use super::super::front_proxy::{FrontProxies, FrontProxy};
use super::super::trial::{Trial, metrics, nobody, tree};
use super::super::{Authorities, Peer};
use super::{Certificates, Leaf, uid};

/// An authority, good from 2025 to the end of 2026; it is 2026-01-01.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    if !name.is_empty() {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

fn ca(name: &str, parent: Option<&Ca>, change: impl FnOnce(&mut CertificateParams)) -> Ca {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = match parent {
        Some(parent) => params.signed_by(&key, &parent.issuer),
        None => params.self_signed(&key),
    };
    let certificate = certificate.unwrap();
    Ca {
        pem: certificate.pem(),
        der: certificate.der().clone(),
        issuer: Issuer::new(params, key),
    }
}

fn root() -> Ca {
    ca("root", None, |_| {})
}

fn client(name: &str, by: &Ca, change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
    let mut params = params(name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    let certificate = params.signed_by(&KeyPair::generate().unwrap(), &by.issuer);
    certificate.unwrap().der().clone()
}

/// A file of authorities, and who believes them.
struct Room {
    _dir: tempfile::TempDir,
    file: PathBuf,
    authorities: Arc<Authorities>,
}

impl Room {
    fn new(pem: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.crt");
        fs::write(&file, pem).unwrap();
        let authorities = Arc::new(Authorities::read("client-ca-bundle", &file).unwrap());
        Self {
            _dir: dir,
            file,
            authorities,
        }
    }

    /// As tools do it: a new file in place of the old one.
    fn replace(&self, pem: &str) {
        let new = self.file.with_extension("new");
        fs::write(&new, pem).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    fn certificates(&self, trial: &Trial) -> Certificates {
        Certificates {
            authorities: Arc::clone(&self.authorities),
            clock: Arc::new(trial.clock.clone()),
            metrics: metrics(),
        }
    }

    /// The user's name, or why there is none.
    async fn ask(&self, chain: Vec<CertificateDer<'static>>) -> Result<String, String> {
        let trial = Trial::new().peer(Peer::new(chain).unwrap());
        ask(&trial, &self.certificates(&trial)).await
    }
}

async fn ask(trial: &Trial, part: &Certificates) -> Result<String, String> {
    match trial.ask(part).await {
        Ok(found) => Ok(found.map(|found| found.user.name.to_string()).unwrap_or_default()),
        Err(refused) => {
            let told = refused.to_string();
            assert!(told.starts_with("verifying certificate SN="), "{told}");
            let (_, why) = told.split_once(" failed: ").unwrap();
            Err(why.to_owned())
        }
    }
}

const UNKNOWN: &str = "x509: certificate signed by unknown authority";
const OVER: &str = "x509: certificate has expired or is not yet valid: current time";

#[tokio::test]
async fn a_certificate_s_names_are_the_user_s() {
    let root = root();
    let room = Room::new(&root.pem);
    let leaf = client("jane", &root, |params| {
        // The writer keeps one of each type; by number it is another type to it.
        params.distinguished_name.push(DnType::OrganizationName, "dev");
        params
            .distinguished_name
            .push(DnType::CustomDnType(vec![2, 5, 4, 10]), "ops");
        let uid = DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 57683, 2]);
        params.distinguished_name.push(uid, "u-7");
    });
    let hash = ring::digest::digest(&ring::digest::SHA256, &leaf);
    let hash: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = hash.concat();
    let trial = Trial::new().peer(Peer::new(vec![leaf]).unwrap());
    let user = trial.ask(&room.certificates(&trial)).await.unwrap().unwrap().user;
    let expected = format!(
        r#"{{"extra":{{"authentication.kubernetes.io/credential-id":["X509SHA256={hash}"]}},
             "groups":["dev","ops"],"uid":"u-7","username":"jane"}}"#
    );
    assert_eq!(user.to_tree(), tree(&expected));
}

#[tokio::test]
async fn who_shows_no_certificate_or_has_no_name_is_nobody() {
    let root = root();
    let room = Room::new(&root.pem);
    let trial = Trial::new();
    assert_eq!(trial.ask(&room.certificates(&trial)).await, nobody());
    assert_eq!(room.ask(vec![client("", &root, |_| {})]).await, Ok(String::new()));
    assert!(Peer::new(Vec::new()).is_none());
    let garbage = Trial::new().peer(Peer::new(vec![CertificateDer::from(vec![1, 2, 3])]).unwrap());
    let refused = garbage.ask(&room.certificates(&garbage)).await.unwrap_err().to_string();
    assert_eq!(refused, "verifying certificate  failed: x509: malformed certificate");
}

#[test]
fn there_is_one_uid_or_none() {
    let told = |uids: &[Option<&str>]| {
        let leaf = Leaf {
            common_name: "jane".to_owned(),
            organizations: Vec::new(),
            uids: uids.iter().map(|uid| uid.map(str::to_owned)).collect(),
            credential: String::new(),
            identifier: String::new(),
            times: (0, 0),
        };
        uid(&leaf)
            .map(|uid| uid.to_string())
            .map_err(|refused| refused.to_string())
    };
    assert_eq!(told(&[]), Ok(String::new()));
    assert_eq!(told(&[Some("u")]), Ok("u".to_owned()));
    assert_eq!(told(&[Some("")]), Err("UID cannot be an empty string".to_owned()));
    assert_eq!(told(&[None]), Err("unable to parse UID into a string".to_owned()));
    assert_eq!(
        told(&[Some("a"), Some("b")]),
        Err("expected 1 UID, but found multiple: [a b]".to_owned())
    );
}

#[tokio::test]
async fn what_nobody_vouches_for_is_refused() {
    let (root, other) = (root(), ca("other", None, |_| {}));
    let room = Room::new(&root.pem);
    assert_eq!(
        room.ask(vec![client("jane", &other, |_| {})]).await,
        Err(UNKNOWN.to_owned())
    );
    // Of the same name, with another key.
    let same = ca("root", None, |_| {});
    assert_eq!(
        room.ask(vec![client("jane", &same, |_| {})]).await,
        Err(format!(
            "{UNKNOWN} (possibly because of \"x509: verification failure\" \
             while trying to verify candidate authority certificate \"root\")"
        ))
    );
    // That it brings its authority along does not help.
    let chain = vec![client("jane", &other, |_| {}), other.der.clone()];
    assert_eq!(room.ask(chain).await, Err(UNKNOWN.to_owned()));
    let both = format!("{}{}", root.pem, other.pem);
    assert_eq!(
        Room::new(&both).ask(vec![client("jane", &other, |_| {})]).await,
        Ok("jane".to_owned())
    );
}

#[tokio::test]
async fn an_authority_between_is_shown_with_the_certificate() {
    let root = root();
    let between = ca("between", Some(&root), |_| {});
    let room = Room::new(&root.pem);
    let leaf = client("jane", &between, |_| {});
    assert_eq!(
        room.ask(vec![leaf.clone(), between.der.clone()]).await,
        Ok("jane".to_owned())
    );
    assert_eq!(room.ask(vec![leaf.clone()]).await, Err(UNKNOWN.to_owned()));
    assert_eq!(Room::new(&between.pem).ask(vec![leaf]).await, Ok("jane".to_owned()));
    let old = ca("old", Some(&root), |params| {
        params.not_after = date_time_ymd(2025, 12, 1);
    });
    let chain = vec![client("jane", &old, |_| {}), old.der.clone()];
    assert_eq!(
        room.ask(chain).await,
        Err(format!("{OVER} 2026-01-01T00:00:00Z is after 2025-12-01T00:00:00Z"))
    );
}

#[tokio::test]
async fn a_certificate_is_good_in_its_time() {
    let root = root();
    let room = Room::new(&root.pem);
    let over = client("jane", &root, |params| params.not_after = date_time_ymd(2025, 12, 31));
    assert_eq!(
        room.ask(vec![over]).await,
        Err(format!("{OVER} 2026-01-01T00:00:00Z is after 2025-12-31T00:00:00Z"))
    );
    let early = client("jane", &root, |params| params.not_before = date_time_ymd(2026, 1, 2));
    assert_eq!(
        room.ask(vec![early]).await,
        Err(format!("{OVER} 2026-01-01T00:00:00Z is before 2026-01-02T00:00:00Z"))
    );
    let old = ca("old", None, |params| params.not_after = date_time_ymd(2025, 12, 31));
    let both = Room::new(&format!("{}{}", old.pem, root.pem));
    assert_eq!(
        both.ask(vec![client("jane", &old, |_| {})]).await,
        Err(format!("{OVER} 2026-01-01T00:00:00Z is after 2025-12-31T00:00:00Z"))
    );
    assert_eq!(
        both.ask(vec![client("jane", &root, |_| {})]).await,
        Ok("jane".to_owned())
    );
}

#[tokio::test]
async fn what_was_verified_once_is_not_good_for_ever() {
    let root = root();
    let room = Room::new(&root.pem);
    let leaf = client("jane", &root, |params| params.not_after = date_time_ymd(2026, 1, 3));
    let trial = Trial::new().peer(Peer::new(vec![leaf]).unwrap());
    let part = room.certificates(&trial);
    for day in 1..=3 {
        assert_eq!(ask(&trial, &part).await, Ok("jane".to_owned()), "{day}");
        trial.clock.advance(Duration::from_secs(24 * 3600));
    }
    assert!(
        ask(&trial, &part)
            .await
            .unwrap_err()
            .starts_with("x509: certificate has expired")
    );
    // The same of an authority.
    let leaf = client("jane", &root, |params| params.not_after = date_time_ymd(2030, 1, 1));
    let trial = Trial::new().peer(Peer::new(vec![leaf]).unwrap());
    let part = room.certificates(&trial);
    assert_eq!(ask(&trial, &part).await, Ok("jane".to_owned()));
    trial.clock.advance(Duration::from_secs(366 * 24 * 3600));
    assert_eq!(
        ask(&trial, &part).await,
        Err(format!("{OVER} 2027-01-02T00:00:00Z is after 2027-01-01T00:00:00Z"))
    );
    trial.clock.set_wall_ms(trial.clock.wall_ms() - 100 * 24 * 3600 * 1000);
    assert_eq!(ask(&trial, &part).await, Ok("jane".to_owned()), "the clock went back");
}

#[tokio::test]
async fn a_certificate_must_be_for_clients_if_it_says_for_what() {
    let root = root();
    let room = Room::new(&root.pem);
    let with = |uses: &[ExtendedKeyUsagePurpose], by: &Ca| {
        client("jane", by, |params| params.extended_key_usages = uses.to_vec())
    };
    let wrong = "x509: certificate specifies an incompatible key usage";
    let server = ExtendedKeyUsagePurpose::ServerAuth;
    assert_eq!(
        room.ask(vec![with(std::slice::from_ref(&server), &root)]).await,
        Err(wrong.to_owned())
    );
    for uses in [
        &[][..],
        &[ExtendedKeyUsagePurpose::Any],
        &[server.clone(), ExtendedKeyUsagePurpose::ClientAuth],
    ] {
        assert_eq!(
            room.ask(vec![with(uses, &root)]).await,
            Ok("jane".to_owned()),
            "{uses:?}"
        );
    }
    // Who vouches is asked first.
    let other = ca("other", None, |_| {});
    assert_eq!(room.ask(vec![with(&[server], &other)]).await, Err(UNKNOWN.to_owned()));
}

#[tokio::test]
async fn a_client_may_be_its_own_authority() {
    let alone = ca("alone", None, |_| {});
    assert_eq!(
        Room::new(&alone.pem).ask(vec![alone.der.clone()]).await,
        Ok("alone".to_owned())
    );
    let server = ca("alone", None, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert!(Room::new(&server.pem).ask(vec![server.der.clone()]).await.is_err());
}

#[tokio::test]
async fn an_extension_that_must_be_understood_and_is_not_is_refused() {
    let root = root();
    let leaf = client("jane", &root, |params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57683, 99], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let refused = Room::new(&root.pem).ask(vec![leaf]).await.unwrap_err();
    assert_eq!(refused, "x509: unhandled critical extension");
}

#[tokio::test]
async fn a_leaf_among_the_authorities_vouches_for_itself_alone() {
    let leaf = ca("leaf", None, |params| params.is_ca = IsCa::ExplicitNoCa);
    let room = Room::new(&leaf.pem);
    assert_eq!(room.ask(vec![leaf.der.clone()]).await, Ok("leaf".to_owned()));
    let forged = client("front-proxy", &leaf, |params| {
        params
            .distinguished_name
            .push(DnType::OrganizationName, "system:masters");
    });
    let refused = room.ask(vec![forged.clone()]).await.unwrap_err();
    assert!(
        refused.starts_with(UNKNOWN) && refused.contains("cannot sign"),
        "{refused}"
    );
    // Nor as a proxy that names users.
    let trial = through(&forged);
    let refused = trial.ask(&proxies(&trial, proxy(&room, &["front-proxy"]))).await;
    assert!(refused.unwrap_err().to_string().starts_with(UNKNOWN));
}

#[tokio::test]
async fn changed_authorities_count_without_a_restart() {
    let (root, other) = (root(), ca("other", None, |_| {}));
    let room = Room::new(&root.pem);
    let trial = Trial::new().peer(Peer::new(vec![client("jane", &root, |_| {})]).unwrap());
    let part = room.certificates(&trial);
    assert_eq!(ask(&trial, &part).await, Ok("jane".to_owned()));
    room.replace(&other.pem);
    assert_eq!(ask(&trial, &part).await, Err(UNKNOWN.to_owned()));
    assert_eq!(room.authorities.pem(), other.pem.as_bytes());
    // What cannot be used changes nothing.
    for broken in [
        "",
        "nothing",
        "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n",
    ] {
        room.replace(broken);
        assert_eq!(ask(&trial, &part).await, Err(UNKNOWN.to_owned()));
    }
    fs::remove_file(&room.file).unwrap();
    assert_eq!(ask(&trial, &part).await, Err(UNKNOWN.to_owned()));
    room.replace(&root.pem);
    assert_eq!(ask(&trial, &part).await, Ok("jane".to_owned()));
    assert_eq!(room.authorities.certificates(), [root.der]);
}

#[test]
fn files_without_authorities_are_refused_by_name() {
    let room = Room::new(&root().pem);
    let told = |text: &str| {
        room.replace(text);
        let error = Authorities::read("client-ca-bundle", &room.file)
            .err()
            .unwrap()
            .to_string();
        error.replace(room.file.to_str().unwrap(), "FILE")
    };
    assert_eq!(told(""), "missing content for CA bundle \"client-ca-bundle::FILE\"");
    assert_eq!(
        told("nothing"),
        "error loading CA bundle for \"client-ca-bundle::FILE\": data does not contain any valid RSA or ECDSA certificates"
    );
    assert!(Authorities::read("x", Path::new("/nowhere/at/all")).is_err());
}

fn proxy(room: &Room, allowed: &[&str]) -> FrontProxy {
    let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    FrontProxy {
        authorities: Arc::clone(&room.authorities),
        allowed_names: list(allowed),
        username_headers: list(&["X-Remote-User", "X-User"]),
        uid_headers: list(&["X-Remote-Uid"]),
        group_headers: list(&["X-Remote-Group", "X-Group"]),
        extra_prefixes: list(&["X-Remote-Extra-"]),
    }
}

fn proxies(trial: &Trial, proxy: FrontProxy) -> FrontProxies {
    FrontProxies {
        proxy: Arc::new(proxy),
        clock: Arc::new(trial.clock.clone()),
    }
}

fn through(leaf: &CertificateDer<'static>) -> Trial {
    Trial::new()
        .peer(Peer::new(vec![leaf.clone()]).unwrap())
        .header("x-user", "bob")
        .header("X-REMOTE-USER", "jane")
        .header("x-remote-uid", "7")
        .header("x-remote-group", "dev")
        .header("x-group", "last")
        .header("x-remote-group", "")
        .header("x-remote-group", "ops")
        .header("x-remote-extra-Scopes", "a")
        .header("x-remote-extra-scopes", "b")
        .header("x-remote-extra-example.org%2fKey", "c")
        .header("x-remote-other", "d")
}

#[tokio::test]
async fn a_proxy_in_front_names_the_user() {
    let root = root();
    let room = Room::new(&root.pem);
    let leaf = client("front-proxy", &root, |_| {});
    for allowed in [&["front-proxy"][..], &[]] {
        let trial = through(&leaf);
        let user = trial
            .ask(&proxies(&trial, proxy(&room, allowed)))
            .await
            .unwrap()
            .unwrap()
            .user;
        assert_eq!(
            user.to_tree(),
            tree(
                r#"{"extra":{"example.org/key":["c"],"scopes":["a","b"]},"groups":["dev","ops","last"],
                    "uid":"7","username":"jane"}"#
            )
        );
    }
    let silent = Trial::new()
        .peer(Peer::new(vec![leaf]).unwrap())
        .header("x-remote-user", "");
    assert_eq!(silent.ask(&proxies(&silent, proxy(&room, &[]))).await, nobody());
}

#[tokio::test]
async fn only_proxies_that_may_name_users() {
    let root = root();
    let room = Room::new(&root.pem);
    let other = client("front-proxy", &ca("other", None, |_| {}), |_| {});
    let trial = through(&other);
    let refused = trial
        .ask(&proxies(&trial, proxy(&room, &["front-proxy"])))
        .await
        .unwrap_err();
    assert_eq!(refused.to_string(), UNKNOWN);
    let trial = through(&client("jane", &root, |_| {}));
    let refused = trial
        .ask(&proxies(&trial, proxy(&room, &["front-proxy"])))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "x509: subject with cn=jane is not in the allowed list"
    );
    let plain = Trial::new().header("X-Remote-User", "jane");
    assert_eq!(plain.ask(&proxies(&plain, proxy(&room, &[]))).await, nobody());
}

#[test]
fn headers_that_name_users_are_known() {
    let proxy = proxy(&Room::new(&root().pem), &[]);
    for header in ["x-remote-user", "X-User", "x-REMOTE-uid", "x-group", "x-remote-extra-a"] {
        assert!(proxy.reads(header), "{header}");
    }
    assert!(!proxy.reads("x-remote-other"));
}
