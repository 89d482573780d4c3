//! Certificates, protocols and connections, as openssl and curl see them.

use std::process::{Command, Stdio};

use base::certs::{Authority, CertOptions, Usage};

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

#[test]
fn a_client_is_who_its_certificate_says() {
    let pair = Pair::start();
    let whoami = |words: &[&str]| {
        let body = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
        let common = [
            "-H",
            "Content-Type: application/json",
            "-d",
            body,
            "-w",
            "\n%{http_code}",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        ];
        // Without the token of admin, which comes first otherwise.
        pair.curl(&[&["-H", "Authorization:"], words, &common].concat()).stdout
    };
    let carol = pair.client_pair();
    let files = |pair: &base::certs::KeyPair| {
        [
            "--cert".to_owned(),
            pair.cert_file.display().to_string(),
            "--key".to_owned(),
            pair.key_file.display().to_string(),
        ]
    };
    let said = whoami(&files(&carol).each_ref().map(String::as_str));
    assert!(
        said.contains(r#""username": "carol""#) && said.contains("system:masters"),
        "{said}"
    );

    // Without one nobody is known.
    let said = whoami(&[]);
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
    let said = whoami(&files(&forged).each_ref().map(String::as_str));
    assert!(said.ends_with("401"), "{said}");
}
