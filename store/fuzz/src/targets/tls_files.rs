//! Files of TLS: certificates, keys, authorities, revocation lists, and the options beside them.
//!
//! An input is pieces: a certificate, its key, an authority, a revocation list, a byte of flags, and the texts of the
//! options, one a line: versions at least and at most, cipher suites, allowed names, a host. With the fourth flag the
//! files are given as DER, which is wrapped before it is read, so that noise gets past the letters of PEM.

use std::path::Path;
use std::sync::OnceLock;

use base::certs::{Authority, CertOptions, Usage};
use base::tls::{
    ClientOptions, ClientTls, Protocol, ServerOptions, ServerTls, Version, auto_tls, cipher_suites, identity,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tempfile::TempDir;

use crate::support::must;
use crate::{Verdict, pieces};

/// Client certificates are asked for.
const AUTHENTICATED: u8 = 1;
/// A revocation list is given.
const REVOKED: u8 = 2;
/// Names are hosts, not common names.
const HOSTS: u8 = 4;

/// Files are DER without its PEM.
const PLAIN: u8 = 8;

/// The files of one input.
struct Files<'a> {
    folder: &'a Path,
    flags: u8,
    options: Vec<String>,
}

/// Reads the files as a listener, as a dialer and as a tool that makes certificates does.
///
/// # Panics
/// Where the same files are usable once and not the second time.
pub fn run(data: &[u8]) -> Verdict {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| must("make a folder", TempDir::new())).path();
    let pieces: Vec<&[u8]> = pieces::split(data).collect();
    let piece = |at: usize| pieces.get(at).copied().unwrap_or_default();
    let flags = piece(4).first().copied().unwrap_or_default();
    // Automatic certificates are kept under names of their own.
    for (name, at) in [
        ("cert", 0),
        ("key", 1),
        ("ca", 2),
        ("crl", 3),
        ("cert.pem", 0),
        ("key.pem", 1),
    ] {
        let file = if flags & PLAIN == 0 {
            piece(at).to_vec()
        } else {
            wrapped(at, piece(at))
        };
        must("write a file", std::fs::write(folder.join(name), file));
    }
    let files = Files {
        folder,
        flags,
        options: pieces::text(piece(5)).lines().map(str::to_owned).collect(),
    };
    let mut listens = false;
    if let Some(protocol) = files.protocol() {
        listens = files.listens(&protocol);
        assert_eq!(listens, files.listens(&protocol), "the same files are read in two ways");
        files.dials(&protocol);
    }
    files.looks(piece(0));
    drop(Authority::load(&folder.join("ca"), &folder.join("key")));
    drop(auto_tls(folder, &["localhost".to_owned()], 1));
    Verdict::of(listens)
}

/// PEM of what a piece is.
fn wrapped(at: usize, der: &[u8]) -> Vec<u8> {
    let label = ["CERTIFICATE", "PRIVATE KEY", "CERTIFICATE", "X509 CRL"][at];
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der)
    )
    .into_bytes()
}

/// What a PEM holds first.
fn unwrapped(pem: &str) -> Vec<u8> {
    let letters: String = pem.lines().skip(1).take_while(|line| !line.starts_with('-')).collect();
    must("read a PEM that was made", STANDARD.decode(letters))
}

impl Files<'_> {
    fn option(&self, at: usize) -> &str {
        self.options.get(at).map_or("", String::as_str)
    }

    fn list(&self, at: usize) -> Vec<String> {
        base::flags::list(self.option(at))
    }

    fn protocol(&self) -> Option<Protocol> {
        let least = Version::parse("tls-min-version", self.option(0)).ok()?;
        let most = Version::parse("tls-max-version", self.option(1)).ok()?;
        let suites = cipher_suites("cipher-suites", &self.list(2)).ok()?;
        Protocol::new(least, most, suites).ok()
    }

    /// Whether a listener takes the files.
    fn listens(&self, protocol: &Protocol) -> bool {
        let names = self.list(3);
        let (cns, hosts) = if self.flags & HOSTS == 0 {
            (names, Vec::new())
        } else {
            (Vec::new(), names)
        };
        let options = ServerOptions {
            cert_file: self.folder.join("cert"),
            key_file: self.folder.join("key"),
            trusted_ca_file: (self.flags & AUTHENTICATED != 0).then(|| self.folder.join("ca")),
            client_cert_auth: self.flags & AUTHENTICATED != 0,
            crl_file: (self.flags & REVOKED != 0).then(|| self.folder.join("crl")),
            allowed_cns: cns,
            allowed_hostnames: hosts,
            check_remote_san: true,
            ask_client_cert: false,
            protocol: protocol.clone(),
            alpn: store_wire::alpn(),
        };
        ServerTls::new(options).map(|tls| drop(tls.config())).is_ok()
    }

    fn dials(&self, protocol: &Protocol) {
        let options = ClientOptions {
            cert_file: Some(self.folder.join("cert")),
            key_file: Some(self.folder.join("key")),
            trusted_ca_file: Some(self.folder.join("ca")),
            server_name: Some(self.option(4).to_owned()),
            insecure_skip_verify: false,
            protocol: protocol.clone(),
            alpn: store_wire::alpn(),
        };
        drop(ClientTls::new(options).map(|tls| drop(tls.config())));
    }

    /// Asks who a certificate names, as it stands and in its PEM.
    fn looks(&self, bytes: &[u8]) {
        let plain = CertificateDer::from(bytes.to_vec());
        for der in CertificateDer::pem_slice_iter(bytes).flatten().chain([plain]) {
            if let Some(identity) = identity(Some(&[der])) {
                identity.covers(self.option(4));
                for name in &identity.dns_names {
                    identity.covers(name);
                }
            }
        }
    }
}

/// Files that belong together, files that do not, and files with more than one thing in them.
pub fn seeds() -> Vec<Vec<u8>> {
    let authority = must("make an authority", Authority::create("an authority", 3650));
    let options = CertOptions {
        common_name: "server".to_owned(),
        organizations: vec!["keelson".to_owned()],
        hosts: vec![
            "localhost".to_owned(),
            "*.etcd.svc".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ],
        validity_days: 3650,
        usage: Usage::Peer,
    };
    let pair = must("make a certificate", authority.issue(&options));
    let other = must("make a certificate", authority.issue(&options));
    let crl = must("make a revocation list", authority.revoke(&[&other]));
    let chain = format!("{}{}", pair.cert_pem, authority.cert_pem());
    let seed = |cert: &str, key: &str, crl: &str, flags: u8, options: &str| {
        let pieces = [cert, key, authority.cert_pem(), crl].map(str::as_bytes);
        pieces::join(pieces.into_iter().chain([&[flags][..], options.as_bytes()]))
    };
    let ders = [&pair.cert_pem, &pair.key_pem, authority.cert_pem(), &crl].map(unwrapped);
    let plain = |flags: u8| {
        let flags = vec![PLAIN | flags];
        pieces::join(ders.iter().chain([&flags, &b"TLS1.2\n\n\n\nlocalhost".to_vec()]))
    };
    vec![
        plain(0),
        plain(AUTHENTICATED),
        plain(AUTHENTICATED | REVOKED),
        seed(&pair.cert_pem, &pair.key_pem, "", 0, "\n\n\n\nlocalhost"),
        seed(
            &pair.cert_pem,
            &pair.key_pem,
            &crl,
            3,
            "TLS1.2\nTLS1.3\n\nserver\n127.0.0.1",
        ),
        seed(
            &chain,
            &pair.key_pem,
            &crl,
            7,
            "TLS1.3\n\n\n*.etcd.svc,localhost\na.etcd.svc",
        ),
        seed(
            &pair.cert_pem,
            &other.key_pem,
            "",
            1,
            "TLS1.2\n\nTLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256\n\n::1",
        ),
        seed("", "", "", 0, ""),
    ]
}
