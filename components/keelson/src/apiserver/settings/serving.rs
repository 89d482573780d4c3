//! The HTTPS port and its TLS.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use base::flags::pflag::{CertKey, Parsed};
use base::tls::Version;

use super::{Findings, path, suites};

/// The HTTPS port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serving {
    /// `--bind-address`
    pub(crate) bind_address: IpAddr,
    /// `--secure-port`
    pub(crate) port: u16,
    /// `--cert-dir`; where a certificate is made if `cert_file` is none.
    pub(crate) cert_dir: PathBuf,
    /// `--tls-cert-file`
    pub(crate) cert_file: Option<PathBuf>,
    /// `--tls-private-key-file`
    pub(crate) key_file: Option<PathBuf>,
    /// `--tls-sni-cert-key`
    pub(crate) sni: Vec<CertKey>,
    /// Not `--disable-http2-serving`.
    pub(crate) http2: bool,
    /// `--http2-max-streams-per-connection`, if there is a limit.
    pub(crate) max_streams: Option<u32>,
    /// `--permit-address-sharing`
    pub(crate) address_sharing: bool,
    /// `--permit-port-sharing`
    pub(crate) port_sharing: bool,
    /// `--tls-min-version`
    pub(crate) min_version: Version,
    /// `--tls-cipher-suites`: names that [`base::tls::cipher_suites`] knows; none is all.
    pub(crate) cipher_suites: Vec<String>,
    /// `--tls-curve-preferences`; none is all.
    pub(crate) curves: Vec<Curve>,
}

/// A curve for the exchange of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    /// Number 23.
    P256,
    /// Number 24.
    P384,
    /// Number 29.
    X25519,
}

impl Curve {
    /// As TLS numbers it.
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::P256 => 23,
            Self::P384 => 24,
            Self::X25519 => 29,
        }
    }
}

impl Serving {
    pub(super) fn read(parsed: &Parsed, found: &mut Findings) -> Self {
        let port = parsed.int("secure-port");
        let number = u16::try_from(port).ok().filter(|port| *port > 0);
        if number.is_none() {
            found.error(format!(
                "--secure-port {port} must be between 1 and 65535, inclusive. It cannot be turned off with 0"
            ));
        }
        let streams = parsed.int("http2-max-streams-per-connection");
        Self {
            bind_address: parsed.ip("bind-address").unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            port: number.unwrap_or_default(),
            cert_dir: path(parsed, "cert-dir").unwrap_or_default(),
            cert_file: path(parsed, "tls-cert-file"),
            key_file: path(parsed, "tls-private-key-file"),
            sni: parsed.cert_keys("tls-sni-cert-key").to_vec(),
            http2: !parsed.bool("disable-http2-serving"),
            max_streams: u32::try_from(streams).ok().filter(|streams| *streams > 0),
            address_sharing: parsed.bool("permit-address-sharing"),
            port_sharing: parsed.bool("permit-port-sharing"),
            min_version: Version::Tls12,
            cipher_suites: Vec::new(),
            curves: Vec::new(),
        }
    }

    /// What upstream checks when it sets TLS up: suites, curves, then the version.
    pub(super) fn check(&mut self, parsed: &Parsed, found: &mut Findings) {
        for name in parsed.texts("tls-cipher-suites") {
            if suites::is_known(name) {
                self.cipher_suites.push(name.clone());
            } else {
                found.error(format!("Cipher suite {name} not supported or doesn't exist"));
            }
        }
        self.curves = curves(parsed.ints("tls-curve-preferences")).unwrap_or_else(|error| {
            found.error(error);
            Vec::new()
        });
        match parsed.text("tls-min-version") {
            "" | "VersionTLS12" => {}
            "VersionTLS13" => {
                self.min_version = Version::Tls13;
                if !self.cipher_suites.is_empty() {
                    self.cipher_suites.clear();
                    found.note("--tls-cipher-suites has no effect: those of TLS 1.3 cannot be chosen");
                }
            }
            old @ ("VersionTLS10" | "VersionTLS11") => found.note(format!(
                "--tls-min-version={old}: TLS 1.2 is the oldest version that is spoken here"
            )),
            other => found.error(format!("unknown tls version {other:?}")),
        }
    }
}

fn curves(numbers: &[i32]) -> Result<Vec<Curve>, String> {
    let mut found = Vec::new();
    for (place, number) in numbers.iter().enumerate() {
        if !(1..=65_535).contains(number) {
            return Err(format!("curve preference {number} is out of range (must be 1-65535)"));
        }
        if numbers[..place].contains(number) {
            return Err(format!("duplicate curve preference {number}"));
        }
        found.push(match number {
            23 => Curve::P256,
            24 => Curve::P384,
            29 => Curve::X25519,
            _ => {
                return Err(format!(
                    "curve preference {number} is not supported; use 23 (P-256), 24 (P-384) or 29 (X25519)"
                ));
            }
        });
    }
    Ok(found)
}
