//! Protocol versions and cipher suites under the names that etcd's flags take.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::cipher_suite;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use super::{Error, provider};

/// A TLS version that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `TLS1.2`
    Tls12,
    /// `TLS1.3`
    Tls13,
}

impl Version {
    /// Reads the value of `flag` (`--tls-min-version` or `--tls-max-version`); empty means "not said".
    ///
    /// # Errors
    /// Names the flag, the value and the accepted values.
    pub fn parse(flag: &str, text: &str) -> Result<Option<Self>, Error> {
        match text {
            "" => Ok(None),
            "TLS1.2" => Ok(Some(Self::Tls12)),
            "TLS1.3" => Ok(Some(Self::Tls13)),
            _ => Err(Error::Options(format!(
                "--{flag}: unexpected TLS version {text:?}; accepted: TLS1.2, TLS1.3"
            ))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLS1.2",
            Self::Tls13 => "TLS1.3",
        }
    }
}

/// The suites that exist here. Suites of TLS 1.3 can be named but are always on there, as in Go.
const SUITES: &[(&str, SupportedCipherSuite)] = &[
    ("TLS_AES_128_GCM_SHA256", cipher_suite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", cipher_suite::TLS13_AES_256_GCM_SHA384),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The suites with the given Go or IANA names, in the given order, which is their priority.
///
/// # Errors
/// A name that is not offered here: the text names the flag, the name and all accepted names.
pub fn cipher_suites(flag: &str, names: &[String]) -> Result<Vec<SupportedCipherSuite>, Error> {
    names.iter().map(|name| suite(flag, name)).collect()
}

fn suite(flag: &str, name: &str) -> Result<SupportedCipherSuite, Error> {
    // Go's older constants leave the hash off the ChaCha20 names.
    let full = match name {
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" | "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" => format!("{name}_SHA256"),
        _ => name.to_owned(),
    };
    let found = SUITES.iter().find(|(known, _)| *known == full).map(|(_, suite)| *suite);
    found.ok_or_else(|| {
        let accepted: Vec<&str> = SUITES.iter().map(|(known, _)| *known).collect();
        let accepted = accepted.join(", ");
        Error::Options(format!(
            "--{flag}: unexpected TLS cipher suite {name:?}; accepted: {accepted}"
        ))
    })
}

/// Which versions and suites a listener or dialer offers.
#[derive(Clone, Debug)]
pub struct Protocol {
    min: Version,
    max: Version,
    suites: Vec<SupportedCipherSuite>,
    /// For the exchange of keys, by their numbers; none is all.
    curves: Vec<u16>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            min: Version::Tls12,
            max: Version::Tls13,
            suites: Vec::new(),
            curves: Vec::new(),
        }
    }
}

impl Protocol {
    /// Checks that the three fit together; no suites means all.
    ///
    /// # Errors
    /// A minimum above the maximum, or suites for TLS 1.3 alone, both worded as upstream does.
    pub fn new(min: Option<Version>, max: Option<Version>, suites: Vec<SupportedCipherSuite>) -> Result<Self, Error> {
        let (min, max) = (min.unwrap_or(Version::Tls12), max.unwrap_or(Version::Tls13));
        if min > max {
            let (min, max) = (min.name(), max.name());
            return Err(Error::Options(format!(
                "min version ({min}) is greater than max version ({max}); lower --tls-min-version or raise --tls-max-version"
            )));
        }
        if min == Version::Tls13 && !suites.is_empty() {
            return Err(Error::Options(
                "cipher suites cannot be configured when only TLS1.3 is enabled; remove --cipher-suites".to_owned(),
            ));
        }
        Ok(Self {
            min,
            max,
            suites,
            curves: Vec::new(),
        })
    }

    /// Keys are exchanged by these curves alone, named by their numbers: 23, 24 and 29 are offered; none means all.
    #[must_use]
    pub fn with_curves(self, curves: Vec<u16>) -> Self {
        Self { curves, ..self }
    }

    pub(super) fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let all = [
            (Version::Tls13, &rustls::version::TLS13),
            (Version::Tls12, &rustls::version::TLS12),
        ];
        all.into_iter()
            .filter(|(version, _)| (self.min..=self.max).contains(version))
            .map(|(_, known)| known)
            .collect()
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        if self.suites.is_empty() && self.curves.is_empty() {
            return provider();
        }
        let mut provider = CryptoProvider::clone(&provider());
        if !self.curves.is_empty() {
            let groups = &mut provider.kx_groups;
            groups.retain(|group| self.curves.contains(&u16::from(group.name())));
        }
        if self.suites.is_empty() {
            return Arc::new(provider);
        }
        let all = std::mem::take(&mut provider.cipher_suites);
        // The named ones first, by their priority; then those of TLS 1.3, which cannot be switched off.
        provider.cipher_suites.clone_from(&self.suites);
        for suite in all {
            if suite.tls13().is_some() && !self.suites.contains(&suite) {
                provider.cipher_suites.push(suite);
            }
        }
        // Only TLS 1.3 suites named: TLS 1.2 would have none, so rustls refuses the pair; leave its suites in.
        if !provider.cipher_suites.iter().any(|suite| suite.tls13().is_none()) {
            let defaults = rustls::crypto::ring::DEFAULT_CIPHER_SUITES;
            provider
                .cipher_suites
                .extend(defaults.iter().filter(|suite| suite.tls13().is_none()));
        }
        Arc::new(provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_by_name() {
        assert_eq!(
            Version::parse("tls-min-version", "TLS1.3").unwrap(),
            Some(Version::Tls13)
        );
        assert_eq!(Version::parse("tls-max-version", "").unwrap(), None);
        let error = Version::parse("tls-min-version", "TLS1.1").unwrap_err().to_string();
        assert_eq!(
            error,
            "--tls-min-version: unexpected TLS version \"TLS1.1\"; accepted: TLS1.2, TLS1.3"
        );
    }

    #[test]
    fn an_unknown_suite_is_refused_with_the_accepted_names() {
        let names = [
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305".to_owned(),
            "TLS_AES_128_GCM_SHA256".to_owned(),
        ];
        assert_eq!(cipher_suites("cipher-suites", &names).unwrap().len(), 2);
        let error = cipher_suites("cipher-suites", &["TLS_RSA_WITH_RC4_128_SHA".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("--cipher-suites: unexpected TLS cipher suite \"TLS_RSA_WITH_RC4_128_SHA\""),
            "{error}"
        );
        assert!(error.contains("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), "{error}");
    }

    #[test]
    fn contradictions_are_refused() {
        let error = Protocol::new(Some(Version::Tls13), Some(Version::Tls12), Vec::new())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("min version (TLS1.3) is greater than max version (TLS1.2)"),
            "{error}"
        );
        let suites = cipher_suites("cipher-suites", &["TLS_AES_128_GCM_SHA256".to_owned()]).unwrap();
        assert!(Protocol::new(Some(Version::Tls13), None, suites).is_err());
    }

    #[test]
    fn only_named_suites_are_offered_for_the_older_version() {
        let name = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned();
        let suites = cipher_suites("cipher-suites", &[name]).unwrap();
        let protocol = Protocol::new(None, None, suites).unwrap();
        let older = protocol
            .provider()
            .cipher_suites
            .iter()
            .filter(|suite| suite.tls13().is_none())
            .count();
        assert_eq!((older, protocol.versions().len()), (1, 2));
    }
}
