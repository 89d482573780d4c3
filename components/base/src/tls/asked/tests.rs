//! Handshakes with certificates and keys that ring and webpki alone would not take.

use std::fs;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::{AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;

use crate::tls::{ClientOptions, ClientTls, Protocol, ServerOptions, ServerTls, Version, identity, provider};

/// vera's, of version 1, as `openssl x509 -req` makes it that is given no extensions.
const OLD: &str = "\
-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAgFw0yNjExMjMw
MzIzNDlaGA8yMTI2MTAzMDAzMjM0OVowDzENMAsGA1UEAwwEdmVyYTBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABJ7EU6VxaMr8D5v252hCuAAqANmCRy8b+q0BmYfh
YBriBeNA6g5rW4AOFoIBhdpG9xQw3dGFzULkcRcIgVIjDQgwCgYIKoZIzj0EAwID
SQAwRgIhAOjEg3+/09RSkX4WAnrx9tGHPsFMh+sCzuM5CRFROe+3AiEAjq+YOpm2
RbfwqifP2YPzbJD+a6Bf5zMf7vos8S0EQeA=
-----END CERTIFICATE-----
";
const OLD_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggXzwqJoirpHkRh6j
QvFyw8FDv6rSS6DbG/ZGebvyHTihRANCAASexFOlcWjK/A+b9udoQrgAKgDZgkcv
G/qtAZmH4WAa4gXjQOoOa1uADhaCAYXaRvcUMN3Rhc1C5HEXCIFSIw0I
-----END PRIVATE KEY-----
";
/// paul's, with a key on P-521, signed by itself after SHA-512.
const BIG: &str = "\
-----BEGIN CERTIFICATE-----
MIICETCCAXSgAwIBAgIUFisnirxYGoesUuMWGCajCay8fg4wCgYIKoZIzj0EAwQw
DzENMAsGA1UEAwwEcGF1bDAgFw0yNjExMjMwMzIzMDNaGA8yMTI2MTAzMDAzMjMw
M1owDzENMAsGA1UEAwwEcGF1bDCBmzAQBgcqhkjOPQIBBgUrgQQAIwOBhgAEAcE5
+Qm21MtlkI9azJS4bI6/Rv/FU6Fl559/rFRtr5t4nDGmvuA79g9w0l9bkOQH4Sw0
bhMsbQcesKzGDQfM/OzEAIJeE21mN0rGUzJX6/Pmx3zI1JTiEqzTLhwP14mqlq1Q
wjj34bZsQK2qQYUmr/DN7poXpyjct75YUKNCKmalwUoCo2kwZzAdBgNVHQ4EFgQU
1fkt7y9KE3kJbcVJ+hwRuYSQXlkwHwYDVR0jBBgwFoAU1fkt7y9KE3kJbcVJ+hwR
uYSQXlkwDwYDVR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYI
KoZIzj0EAwQDgYoAMIGGAkE4hg6/ddGidbGlhM5a6+pEhscZOhj6s4rsH3fsHS2C
dHqK6ox74lRy8FRVoI74FUg5gbScaS8W53pP90jon35MlwJBKkf0AtKiBVcI1i6L
5Td+3AzZCgrDkr04OG6MKCZOFsqwzDvAP8W37oAq78p953fKGNizc2n56V/393kb
9ICPb7w=
-----END CERTIFICATE-----
";
const BIG_KEY: &str = "\
-----BEGIN EC PRIVATE KEY-----
MIHcAgEBBEIBBSEY3HPp/PqJoosNpaRVfMPk45hH0+x3sDej2FwEmNPQAk33d4H2
YCNBJWUB23pvrV5JU+SNk2vNRrnd45dHcjagBwYFK4EEACOhgYkDgYYABAHBOfkJ
ttTLZZCPWsyUuGyOv0b/xVOhZeeff6xUba+beJwxpr7gO/YPcNJfW5DkB+EsNG4T
LG0HHrCsxg0HzPzsxACCXhNtZjdKxlMyV+vz5sd8yNSU4hKs0y4cD9eJqpatUMI4
9+G2bECtqkGFJq/wze6aF6co3Le+WFCjQipmpcFKAg==
-----END EC PRIVATE KEY-----
";
const BIG_KEY_PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBBSEY3HPp/PqJoosN
paRVfMPk45hH0+x3sDej2FwEmNPQAk33d4H2YCNBJWUB23pvrV5JU+SNk2vNRrnd
45dHcjahgYkDgYYABAHBOfkJttTLZZCPWsyUuGyOv0b/xVOhZeeff6xUba+beJwx
pr7gO/YPcNJfW5DkB+EsNG4TLG0HHrCsxg0HzPzsxACCXhNtZjdKxlMyV+vz5sd8
yNSU4hKs0y4cD9eJqpatUMI49+G2bECtqkGFJq/wze6aF6co3Le+WFCjQipmpcFK
Ag==
-----END PRIVATE KEY-----
";

/// A listener that asks for certificates, with this one.
fn listener(dir: &tempfile::TempDir, cert: &str, key: &str, protocol: Protocol) -> Result<ServerTls, String> {
    let options = ServerOptions {
        cert_file: dir.path().join("server.crt"),
        key_file: dir.path().join("server.key"),
        ask_client_cert: true,
        protocol,
        ..ServerOptions::default()
    };
    fs::write(&options.cert_file, cert).unwrap();
    fs::write(&options.key_file, key).unwrap();
    ServerTls::new(options).map_err(|error| error.to_string())
}

/// A dialer that believes everybody and shows this certificate, whatever it is.
fn dialer(cert: &str, key: &str, protocol: &Protocol) -> Arc<ClientConfig> {
    let careless = ClientTls::new(ClientOptions {
        insecure_skip_verify: true,
        protocol: protocol.clone(),
        ..ClientOptions::default()
    });
    let mut config = ClientConfig::clone(&careless.unwrap().config());
    let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let key = provider().key_provider.load_private_key(key).unwrap();
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)));
    Arc::new(config)
}

/// Whom the listener takes the dialer for.
async fn meet(server: &ServerTls, client: Arc<ClientConfig>) -> Result<String, String> {
    let (near, far) = duplex(64 * 1024);
    let serve = async {
        let mut stream = server.accept(far, None).await.map_err(|error| error.to_string())?;
        let who = identity(stream.get_ref().1.peer_certificates()).unwrap_or_default();
        stream.shutdown().await.map_err(|error| error.to_string())?;
        Ok(who.common_name)
    };
    let dial = TlsConnector::from(client).connect("localhost".try_into().unwrap(), near);
    let (served, _dialed) = tokio::join!(serve, dial);
    served
}

fn versions() -> [Protocol; 2] {
    [Version::Tls12, Version::Tls13].map(|one| Protocol::new(Some(one), Some(one), Vec::new()).unwrap())
}

#[tokio::test]
async fn certificates_of_version_1_and_keys_on_p_521_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    for protocol in versions() {
        for (cert, key) in [(BIG, BIG_KEY), (BIG, BIG_KEY_PKCS8)] {
            let server = listener(&dir, cert, key, protocol.clone()).unwrap();
            let vera = meet(&server, dialer(OLD, OLD_KEY, &protocol)).await;
            assert_eq!(vera, Ok("vera".to_owned()), "{protocol:?}");
            let paul = meet(&server, dialer(BIG, key, &protocol)).await;
            assert_eq!(paul, Ok("paul".to_owned()), "{protocol:?}");
        }
    }
}

#[tokio::test]
async fn who_does_not_have_the_key_is_not_let_in() {
    let dir = tempfile::tempdir().unwrap();
    for protocol in versions() {
        let server = listener(&dir, BIG, BIG_KEY, protocol.clone()).unwrap();
        for (cert, key) in [(OLD, BIG_KEY), (BIG, OLD_KEY)] {
            let told = meet(&server, dialer(cert, key, &protocol)).await.unwrap_err();
            assert!(told.starts_with("TLS handshake failed: "), "{told}");
        }
        // The right kind of key, and another one.
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let told = meet(&server, dialer(OLD, &other, &protocol)).await.unwrap_err();
        assert!(told.contains("BadSignature"), "{told}");
    }
}

#[test]
fn which_keys_are_taken_is_told() {
    let dir = tempfile::tempdir().unwrap();
    // Ed448.
    let strange = "-----BEGIN PRIVATE KEY-----\nMEcCAQAwBQYDK2VxBDsEOaeqRNUIXaDCOzLv0vEsyvo5lg9LkPzeu1VzcIDMmaUq\n\
                   gALiU6pUQtCO4n3E7Ky28nApYOwP8N6Ocg==\n-----END PRIVATE KEY-----\n";
    let told = listener(&dir, OLD, strange, Protocol::default()).err().unwrap();
    assert!(
        told.starts_with("the private key ") && told.contains("RSA of 2048 to 4096 bits"),
        "{told}"
    );
    assert!(told.contains("P-256, P-384 or P-521"), "{told}");
    let told = listener(&dir, BIG, OLD_KEY, Protocol::default()).err().unwrap();
    assert!(told.starts_with("the certificate "), "{told}");
}
