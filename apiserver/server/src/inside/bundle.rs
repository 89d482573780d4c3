//! Authorities as PEM text: two lists made one, without those that are over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

const LABEL: &str = "CERTIFICATE";
const LINE: usize = 64;
/// For so long after its end a certificate is kept, in seconds: clocks differ.
const SLACK: i64 = 5 * 60;

/// Why a list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("data does not contain any valid RSA or ECDSA certificates")]
    Empty,
    #[error("a certificate cannot be read: {0}")]
    Unreadable(String),
}

/// The certificates of both lists, each once and in their order; empty where all are over. `now` is in seconds since 1970.
pub(super) fn combine(lists: [&str; 2], now: i64) -> Result<String, Error> {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for list in lists.into_iter().filter(|list| !list.is_empty()) {
        for der in certificates(list)? {
            let (_, certificate) =
                X509Certificate::from_der(&der).map_err(|error| Error::Unreadable(error.to_string()))?;
            let over = certificate.validity().not_after.timestamp() + SLACK <= now;
            if !over && !kept.contains(&der) {
                kept.push(der);
            }
        }
    }
    Ok(kept.iter().map(|der| pem(der)).collect())
}

/// The certificates of a list; what else stands in it is passed over.
fn certificates(list: &str) -> Result<Vec<Vec<u8>>, Error> {
    let mut certificates = Vec::new();
    for block in Pem::iter_from_buffer(list.as_bytes()) {
        let block = block.map_err(|error| Error::Unreadable(error.to_string()))?;
        if block.label == LABEL {
            certificates.push(block.contents);
        }
    }
    if certificates.is_empty() {
        return Err(Error::Empty);
    }
    Ok(certificates)
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {LABEL}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + "-----END " + LABEL + "-----\n"
}

#[cfg(test)]
pub(super) mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::{Error, combine};

    /// 2026-01-01.
    const NOW: i64 = 1_767_225_600;

    /// A certificate that ends with a year.
    pub(in crate::inside) fn until(year: i32) -> String {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().pem().replace("\r\n", "\n")
    }

    #[test]
    fn each_certificate_stands_once_and_none_that_is_over() {
        let (a, b, over) = (until(2030), until(2031), until(2025));
        let both = format!("{b}a word\n{a}");
        assert_eq!(combine([&a, &both], NOW), Ok(format!("{a}{b}")));
        assert_eq!(combine([&over, &a], NOW), Ok(a.clone()));
        assert_eq!(combine([&over, ""], NOW), Ok(String::new()));
        assert_eq!(combine(["", ""], NOW), Ok(String::new()));
    }

    #[test]
    fn a_list_without_certificates_is_refused() {
        assert_eq!(combine(["garbage", ""], NOW), Err(Error::Empty));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(combine([broken, ""], NOW), Err(Error::Unreadable(_))));
    }
}
