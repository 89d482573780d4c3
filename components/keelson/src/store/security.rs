//! TLS of one kind of port, clients' or peers': the flags, and what they become.

use std::path::{Path, PathBuf};

use base::tls::{ClientOptions, ClientTls, Protocol, ServerOptions, ServerTls, auto_tls};

use crate::error::{Error, Result};

/// The TLS flags of one kind of port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Security {
    pub(crate) cert_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    /// For calling others; `cert_file` if absent.
    pub(crate) client_cert_file: Option<PathBuf>,
    pub(crate) client_key_file: Option<PathBuf>,
    pub(crate) trusted_ca_file: Option<PathBuf>,
    pub(crate) crl_file: Option<PathBuf>,
    pub(crate) client_cert_auth: bool,
    pub(crate) allowed_cns: Vec<String>,
    pub(crate) allowed_hostnames: Vec<String>,
    /// Make a certificate if none is given.
    pub(crate) auto: bool,
    /// Callers need not call from a host that their certificate names.
    pub(crate) skip_san_check: bool,
}

/// Which ports the flags are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those for clients.
    Client,
    /// Those for peers.
    Peer,
}

impl Side {
    /// What the side's flags begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Client => "",
            Self::Peer => "peer-",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Peer => "peer",
        }
    }
}

fn is_secure(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("unixs://")
}

impl Security {
    /// Whether a certificate is given.
    pub(crate) fn has_certificate(&self) -> bool {
        self.cert_file.is_some() || self.key_file.is_some()
    }

    /// Holds the flags against the URLs listened on, as upstream: what it warns of is returned.
    ///
    /// # Errors
    /// Half of a certificate, an `https` URL without one, or callers who must show one that nothing can check.
    pub(crate) fn check(&self, side: Side, urls: &[String]) -> Result<Vec<String>> {
        let (prefix, word) = (side.prefix(), side.word());
        if self.cert_file.is_some() != self.key_file.is_some() {
            return Err(Error::new(format!(
                "--{prefix}cert-file and --{prefix}key-file belong together; only one is given"
            )));
        }
        if self.client_cert_file.is_some() != self.client_key_file.is_some() {
            return Err(Error::new(format!(
                "--{prefix}client-cert-file and --{prefix}client-key-file belong together; only one is given"
            )));
        }
        if self.client_cert_auth && self.trusted_ca_file.is_none() && urls.iter().any(|url| is_secure(url)) {
            return Err(Error::new(format!(
                "--{prefix}client-cert-auth needs --{prefix}trusted-ca-file, the authority of the {word}s' certificates: \
                 without it etcd takes every authority that the system trusts, so anyone with a certificate from one"
            )));
        }
        let mut notes = Vec::new();
        if self.auto && self.has_certificate() {
            notes.push(format!("ignoring {word} auto TLS since certs given"));
        }
        for url in urls {
            if is_secure(url) {
                if !self.has_certificate() && !self.auto {
                    return Err(Error::new(format!(
                        "TLS key/cert (--{prefix}cert-file, --{prefix}key-file) must be provided for {word} url {url} with HTTPS scheme"
                    )));
                }
            } else {
                if self.has_certificate() {
                    notes.push(format!("scheme is HTTP while key and cert files are present; ignoring key and cert files for {word} url {url}"));
                }
                if self.client_cert_auth {
                    notes.push(format!("scheme is HTTP while --{prefix}client-cert-auth is enabled; ignoring client cert auth for {word} url {url}"));
                }
            }
        }
        Ok(notes)
    }

    /// Puts an automatic certificate in place of none; `dir` is the data folder.
    fn with_certificate(&self, side: Side, dir: &Path, urls: &[String], years: u32) -> Result<(Self, bool)> {
        if !self.auto || self.has_certificate() {
            return Ok((self.clone(), false));
        }
        let hosts: Vec<String> = urls
            .iter()
            .filter_map(|url| Some(base::flags::host_port(url)?.0))
            .collect();
        let pair = auto_tls(&dir.join("fixtures").join(side.word()), &hosts, years)?;
        Ok((
            Self {
                cert_file: Some(pair.cert_file),
                key_file: Some(pair.key_file),
                ..self.clone()
            },
            true,
        ))
    }

    /// What listeners and dialers of this side use; a side without certificate has neither.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub(crate) fn prepare(&self, side: Side, place: &Place<'_>, protocol: &Protocol) -> Result<Prepared> {
        let (flags, made) = self.with_certificate(side, place.data_dir, place.urls, place.years)?;
        let server = match (&flags.cert_file, &flags.key_file) {
            (Some(cert_file), Some(key_file)) => Some(ServerTls::new(ServerOptions {
                cert_file: cert_file.clone(),
                key_file: key_file.clone(),
                trusted_ca_file: flags.trusted_ca_file.clone(),
                client_cert_auth: flags.client_cert_auth,
                crl_file: flags.crl_file.clone(),
                allowed_cns: flags.allowed_cns.clone(),
                allowed_hostnames: flags.allowed_hostnames.clone(),
                check_remote_san: side == Side::Peer && !flags.skip_san_check,
                protocol: protocol.clone(),
                alpn: place.alpn.clone(),
                ask_client_cert: false,
            })?),
            _ => None,
        };
        let wanted = server.is_some() || flags.trusted_ca_file.is_some() || flags.client_cert_file.is_some();
        let client = if wanted {
            Some(ClientTls::new(flags.dialer(made, protocol, &place.alpn))?)
        } else {
            None
        };
        Ok(Prepared { server, client })
    }

    fn dialer(&self, made: bool, protocol: &Protocol, alpn: &[Vec<u8>]) -> ClientOptions {
        let own = self.client_cert_file.is_none();
        ClientOptions {
            cert_file: if own {
                self.cert_file.clone()
            } else {
                self.client_cert_file.clone()
            },
            key_file: if own {
                self.key_file.clone()
            } else {
                self.client_key_file.clone()
            },
            trusted_ca_file: self.trusted_ca_file.clone(),
            server_name: None,
            // Nobody signed an automatic certificate, so nobody can check it.
            insecure_skip_verify: made,
            protocol: protocol.clone(),
            alpn: alpn.to_vec(),
        }
    }
}

/// What a certificate may have to be made for.
pub(crate) struct Place<'a> {
    pub(crate) data_dir: &'a Path,
    /// Listened on.
    pub(crate) urls: &'a [String],
    /// `--self-signed-cert-validity`
    pub(crate) years: u32,
    /// Application protocols of the ports.
    pub(crate) alpn: Vec<Vec<u8>>,
}

/// TLS ready for use.
#[derive(Clone)]
pub(crate) struct Prepared {
    /// For listeners with a secure URL.
    pub(crate) server: Option<ServerTls>,
    /// For calling others.
    pub(crate) client: Option<ClientTls>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_cert() -> Security {
        Security {
            cert_file: Some("c".into()),
            key_file: Some("k".into()),
            ..Security::default()
        }
    }

    #[test]
    fn urls_and_certificates_are_held_against_each_other() {
        let https = ["https://localhost:2379".to_owned()];
        let http = ["http://localhost:2379".to_owned()];
        let error = Security::default().check(Side::Peer, &https).unwrap_err().text;
        assert!(
            error.starts_with("TLS key/cert (--peer-cert-file, --peer-key-file) must be provided for peer url"),
            "{error}"
        );
        assert!(with_cert().check(Side::Client, &https).unwrap().is_empty());
        let auto = Security {
            auto: true,
            ..Security::default()
        };
        assert!(auto.check(Side::Client, &https).unwrap().is_empty());
        let both = Security {
            auto: true,
            client_cert_auth: true,
            ..with_cert()
        };
        assert_eq!(both.check(Side::Client, &http).unwrap().len(), 3);
        assert_eq!(
            both.check(Side::Peer, &https).unwrap_err().text.split(',').next(),
            Some("--peer-client-cert-auth needs --peer-trusted-ca-file")
        );
        let checked = Security {
            trusted_ca_file: Some("ca".into()),
            ..both
        };
        assert_eq!(
            checked.check(Side::Client, &https).unwrap(),
            ["ignoring client auto TLS since certs given"]
        );
        let half = Security {
            cert_file: Some("c".into()),
            ..Security::default()
        };
        assert_eq!(
            half.check(Side::Client, &http).unwrap_err().text,
            "--cert-file and --key-file belong together; only one is given"
        );
    }

    #[test]
    fn an_automatic_certificate_is_made_in_the_data_folder() {
        let dir = tempfile::tempdir().unwrap();
        let urls = ["https://127.0.0.1:0".to_owned()];
        let place = Place {
            data_dir: dir.path(),
            urls: &urls,
            years: 1,
            alpn: Vec::new(),
        };
        let auto = Security {
            auto: true,
            ..Security::default()
        };
        let prepared = auto.prepare(Side::Peer, &place, &Protocol::default()).unwrap();
        assert!(prepared.server.is_some() && prepared.client.is_some());
        assert!(dir.path().join("fixtures/peer/cert.pem").exists());
        let none = Security::default()
            .prepare(Side::Client, &place, &Protocol::default())
            .unwrap();
        assert!(none.server.is_none() && none.client.is_none());
    }
}
