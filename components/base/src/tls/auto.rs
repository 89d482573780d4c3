//! Automatic TLS: a certificate signed by itself, kept in the data folder.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Error;
use super::material;
use crate::certs::{self, CertOptions, KeyPair, Usage};

/// The certificate in `dir` (`<data-dir>/fixtures/client` or `.../peer`): made for `hosts` and `validity_years` if there
/// is none, or if the one there has expired.
///
/// # Errors
/// A validity of zero years, or a file that cannot be read or written.
pub fn auto_tls(dir: &Path, hosts: &[String], validity_years: u32) -> Result<KeyPair, Error> {
    let pair = KeyPair {
        cert_file: dir.join("cert.pem"),
        key_file: dir.join("key.pem"),
    };
    if pair.cert_file.exists() && pair.key_file.exists() {
        if !expired(&pair.cert_file)? {
            return Ok(pair);
        }
        tracing::warn!(path = %pair.cert_file.display(), "the automatic TLS certificate has expired; making a new one");
    }
    if validity_years == 0 {
        return Err(Error::Options(
            "--self-signed-cert-validity must be at least 1 (year)".to_owned(),
        ));
    }
    let options = CertOptions {
        common_name: String::new(),
        organizations: vec!["keelson".to_owned()],
        hosts: hosts.to_vec(),
        validity_days: validity_years.saturating_mul(365),
        usage: Usage::Peer,
    };
    certs::self_signed(&options)?.save_as(&pair)?;
    tracing::info!(path = %pair.cert_file.display(), validity_years, "made a TLS certificate signed by itself");
    Ok(pair)
}

fn expired(cert_file: &Path) -> Result<bool, Error> {
    let what = "certificate";
    let bytes = material::read(what, cert_file)?;
    let unusable = |reason: String| Error::Content {
        what,
        path: cert_file.to_path_buf(),
        reason,
    };
    let (_, pem) = x509_parser::pem::parse_x509_pem(&bytes)
        .map_err(|error| unusable(format!("{error}; remove it and a new one is made")))?;
    let certificate = pem
        .parse_x509()
        .map_err(|error| unusable(format!("{error}; remove it and a new one is made")))?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64);
    Ok(certificate.validity().not_after.timestamp() <= now)
}
