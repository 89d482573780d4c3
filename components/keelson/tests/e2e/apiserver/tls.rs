//! Certificates, protocols and connections, as openssl and curl see them.

use std::fs;
use std::process::{Command, Stdio};

use base::certs::{Authority, CertOptions, KeyPair, Usage};

use crate::apiserver::pair::Pair;
use crate::harness::{exists, run, skip};

/// What `openssl s_client` says of a connection that ends at once.
fn handshake(pair: &Pair, words: &[&str]) -> (bool, String) {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &format!("127.0.0.1:{}", pair.port)]);
    command.arg("-CAfile").arg(pair.ca()).args(words).stdin(Stdio::null());
    let output = run(&mut command);
    (output.code == Some(0), output.stdout + &output.stderr)
}

#[test]
fn openssl_trusts_the_certificate_and_speaks_tls_12_and_13() {
    if !exists("openssl") {
        return skip("no openssl in PATH");
    }
    let pair = Pair::start();
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (fine, said) = handshake(
            &pair,
            &[version, "-verify_return_error", "-verify_hostname", "localhost"],
        );
        assert!(
            fine && said.contains("Verify return code: 0 (ok)") && said.contains(name),
            "{said}"
        );
    }
    let (fine, said) = handshake(&pair, &["-verify_return_error", "-verify_hostname", "example.com"]);
    assert!(!fine && said.contains("hostname mismatch"), "{said}");
    let (fine, said) = handshake(&pair, &["-verify_return_error", "-verify_ip", "192.0.2.1"]);
    assert!(fine, "{said}");
    // Older versions, even where openssl would speak them.
    let (fine, said) = handshake(&pair, &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]);
    assert!(!fine && said.contains("alert"), "{said}");

    let (_, said) = handshake(&pair, &["-alpn", "h2,http/1.1"]);
    assert!(said.contains("ALPN protocol: h2"), "{said}");
    let (_, said) = handshake(&pair, &["-alpn", "http/1.1"]);
    assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
    // A client may show a certificate, and need not.
    let (_, said) = handshake(&pair, &["-tls1_2"]);
    assert!(said.contains("Client Certificate Types"), "{said}");
}

/// Who the apiserver says that a client is who shows this, and the status.
fn whoami(pair: &Pair, shown: Option<&KeyPair>) -> String {
    let body = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let json = "Content-Type: application/json";
    // Without the token of admin, which comes first otherwise.
    let mut words = vec![
        "-H",
        "Authorization:",
        "-H",
        json,
        "-d",
        body,
        "-w",
        "\n%{http_code}",
        path,
    ];
    let files = shown.map(|pair| [&pair.cert_file, &pair.key_file].map(|file| file.display().to_string()));
    if let Some([cert, key]) = &files {
        words.extend(["--cert", cert, "--key", key]);
    }
    pair.curl(&words).stdout
}

#[test]
fn a_client_is_who_its_certificate_says() {
    let pair = Pair::start();
    let said = whoami(&pair, Some(&pair.client_pair()));
    assert!(
        said.contains(r#""username": "carol""#) && said.contains("system:masters"),
        "{said}"
    );

    // Without one nobody is known.
    let said = whoami(&pair, None);
    assert!(said.ends_with("403") && said.contains("system:anonymous"), "{said}");
    // One of another authority is refused, not taken for nobody's.
    let stranger = Authority::create("stranger", 1).unwrap();
    let options = CertOptions {
        common_name: "carol".to_owned(),
        organizations: vec!["system:masters".to_owned()],
        hosts: Vec::new(),
        validity_days: 1,
        usage: Usage::Client,
    };
    let forged = stranger.issue(&options).unwrap().save(pair.folder(), "forged").unwrap();
    let said = whoami(&pair, Some(&forged));
    assert!(said.ends_with("401"), "{said}");
}

/// A certificate that openssl makes of a new key, signed by the pair's authority.
fn signed(pair: &Pair, name: &str, key: &[&str], words: &[&str]) -> KeyPair {
    let file = |end: &str| pair.folder().join(format!("{name}.{end}"));
    let openssl = |command: &mut Command| {
        let output = run(command);
        assert_eq!(output.code, Some(0), "{command:?}: {output:?}");
    };
    let mut request = Command::new("openssl");
    request.args([
        "req",
        "-new",
        "-nodes",
        "-subj",
        &format!("/O=dev/CN={name}"),
        "-newkey",
    ]);
    request
        .args(key)
        .arg("-keyout")
        .arg(file("key"))
        .arg("-out")
        .arg(file("csr"));
    openssl(&mut request);
    let mut sign = Command::new("openssl");
    sign.args(["x509", "-req", "-days", "1", "-set_serial", "7"])
        .args(words);
    sign.arg("-CA")
        .arg(pair.ca())
        .arg("-CAkey")
        .arg(pair.folder().join("ca.key"));
    openssl(sign.arg("-in").arg(file("csr")).arg("-out").arg(file("crt")));
    KeyPair {
        cert_file: file("crt"),
        key_file: file("key"),
    }
}

#[test]
fn a_client_may_have_any_certificate_that_openssl_makes() {
    if !exists("openssl") {
        return skip("no openssl in PATH");
    }
    let pair = Pair::start();
    let curve = |name: &'static str| ["ec", "-pkeyopt", name];
    // Where nothing is said of extensions, openssl 3.0 makes certificates of version 1.
    for (name, key, words) in [
        ("vera", &curve("ec_paramgen_curve:P-256")[..], &[][..]),
        ("rosa", &["rsa:2048"], &["-sha512"]),
        ("paul", &curve("ec_paramgen_curve:P-521"), &["-sha512"]),
        ("mara", &curve("ec_paramgen_curve:P-384"), &["-sha384"]),
    ] {
        let said = whoami(&pair, Some(&signed(&pair, name, key, words)));
        let user = format!(r#""username": "{name}""#);
        assert!(said.ends_with("201") && said.contains(&user), "{name}: {said}");
    }
    // An extension that must be understood and is not: the client learns that it is not known, the log says why.
    let extensions = pair.folder().join("extensions");
    fs::write(&extensions, "1.2.3.4.5=critical,ASN1:UTF8String:x\n").unwrap();
    let extensions = extensions.display().to_string();
    let strange = signed(&pair, "sara", &["rsa:2048"], &["-extfile", &extensions]);
    let said = whoami(&pair, Some(&strange));
    assert!(said.ends_with("401"), "{said}");
    let log = pair.read_log();
    assert!(log.contains("x509: unhandled critical extension"), "{log}");
}
