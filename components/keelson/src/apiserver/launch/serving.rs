//! The certificate that an apiserver shows, and how it speaks TLS.

use std::path::PathBuf;

use base::flags::pflag::CertKey;
use base::tls::{NamedCert, Protocol, ServerOptions, ServerTls, cipher_suites};

use super::external_address;
use crate::apiserver::settings::Settings;
use crate::error::{Error, Result};

/// The certificate that is shown: the one that was given, or one that is made once and kept.
pub(super) fn tls(settings: &Settings) -> Result<ServerTls> {
    let serving = &settings.serving;
    let (cert_file, key_file) = match (&serving.cert_file, &serving.key_file) {
        (Some(cert), Some(key)) => (cert.clone(), key.clone()),
        _ => own_certificate(settings)?,
    };
    let suites = cipher_suites("tls-cipher-suites", &serving.cipher_suites).map_err(|error| Error::chain(&error))?;
    let protocol = Protocol::new(Some(serving.min_version), None, suites).map_err(|error| Error::chain(&error))?;
    let alpn: &[&[u8]] = if serving.http2 {
        &[b"h2", b"http/1.1"]
    } else {
        &[b"http/1.1"]
    };
    let options = ServerOptions {
        cert_file,
        key_file,
        ask_client_cert: true,
        protocol: protocol.with_curves(serving.curves.iter().map(|curve| curve.number()).collect()),
        alpn: alpn.iter().map(|name| name.to_vec()).collect(),
        ..ServerOptions::default()
    };
    let named = serving.sni.iter().map(named).collect();
    ServerTls::with_named(options, named).map_err(|error| Error::chain(&error))
}

fn named(pair: &CertKey) -> NamedCert {
    NamedCert {
        cert_file: pair.cert.clone().into(),
        key_file: pair.key.clone().into(),
        names: pair.names.clone(),
    }
}

/// The file names and hosts are upstream's.
fn own_certificate(settings: &Settings) -> Result<(PathBuf, PathBuf)> {
    let dir = &settings.serving.cert_dir;
    let (cert, key) = (dir.join("apiserver.crt"), dir.join("apiserver.key"));
    if cert.exists() && key.exists() {
        return Ok((cert, key));
    }
    let hosts = [
        settings.generic.advertise_address.to_string(),
        external_host(settings),
        settings.services.kubernetes_ip.to_string(),
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        "kubernetes".to_owned(),
        "kubernetes.default".to_owned(),
        "kubernetes.default.svc".to_owned(),
        "kubernetes.default.svc.cluster.local".to_owned(),
    ];
    let options = base::certs::CertOptions {
        common_name: format!("{}@keelson", hosts[0]),
        organizations: Vec::new(),
        hosts: hosts.to_vec(),
        validity_days: 365,
        usage: base::certs::Usage::Server,
    };
    let issued = base::certs::self_signed(&options).map_err(|error| Error::chain(&error))?;
    base::folder::create(dir)
        .map_err(|error| Error::new(format!("cannot make the folder {}: {error}", dir.display())))?;
    let pair = base::certs::KeyPair {
        cert_file: cert.clone(),
        key_file: key.clone(),
    };
    issued.save_as(&pair).map_err(|error| Error::chain(&error))?;
    tracing::info!(cert = %cert.display(), "generated self-signed cert");
    Ok((cert, key))
}

/// The name by which clients reach it, without a port.
fn external_host(settings: &Settings) -> String {
    let address = external_address(settings, settings.serving.port);
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    host.trim_matches(['[', ']']).to_owned()
}
