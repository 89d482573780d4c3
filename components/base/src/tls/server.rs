//! The listening side: who is let in, and the certificate shown to them.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::asked::Asked;
use super::identity::identity;
use super::material::{self, Watched};
use super::named::{Choice, NamedCert, certified};
use super::{Error, HandshakeError, Protocol, san};

/// What a listener is told about TLS, in etcd's terms.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// PEM chain shown to clients.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// Authorities whose client certificates are accepted; giving them makes a client certificate a must, as upstream.
    pub trusted_ca_file: Option<PathBuf>,
    /// Clients must show a certificate; needs `trusted_ca_file`.
    pub client_cert_auth: bool,
    /// Ask clients for a certificate and take whatever they show, or nothing: who it stands for is found out by whoever
    /// answers requests. Excludes `trusted_ca_file`.
    pub ask_client_cert: bool,
    /// Serial numbers refused.
    pub crl_file: Option<PathBuf>,
    /// If not empty, the certificate's common name must be one of these. Excludes `allowed_hostnames`.
    pub allowed_cns: Vec<String>,
    /// If not empty, the certificate must be valid for one of these.
    pub allowed_hostnames: Vec<String>,
    /// The certificate's hosts, if it has any, must include the remote address: the rule between peers.
    pub check_remote_san: bool,
    /// Versions and suites.
    pub protocol: Protocol,
    /// Application protocols offered, best first, for example `h2`.
    pub alpn: Vec<Vec<u8>>,
}

/// A listener's TLS. Clones share the files and what was read from them.
#[derive(Clone)]
pub struct ServerTls {
    shared: Arc<Shared>,
}

struct Shared {
    options: ServerOptions,
    config: Watched<Configs>,
    revoked: Option<Watched<BTreeSet<Vec<u8>>>>,
}

/// How connections are taken.
struct Configs {
    usual: Arc<ServerConfig>,
    /// At addresses that have a certificate of their own.
    by_address: HashMap<IpAddr, Arc<ServerConfig>>,
}

impl ServerTls {
    /// Reads all files and checks that they and the options fit together.
    ///
    /// # Errors
    /// The file or option that is wrong and what was expected.
    pub fn new(options: ServerOptions) -> Result<Self, Error> {
        Self::with_named(options, Vec::new())
    }

    /// The same with certificates for clients that ask for certain hosts.
    ///
    /// # Errors
    /// As [`ServerTls::new`].
    pub fn with_named(options: ServerOptions, named: Vec<NamedCert>) -> Result<Self, Error> {
        check(&options)?;
        let mut files = vec![options.cert_file.clone(), options.key_file.clone()];
        files.extend(options.trusted_ca_file.clone());
        for one in &named {
            files.extend([one.cert_file.clone(), one.key_file.clone()]);
        }
        let wanted = options.clone();
        let config = Watched::new(files, move || build(&wanted, &named))?;
        let revoked = match options.crl_file.clone() {
            Some(file) => Some(Watched::new(vec![file.clone()], move || material::revoked(&file))?),
            None => None,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                config,
                revoked,
            }),
        })
    }

    /// The present configuration; files that changed since the last call are read first.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.shared.config.get().usual)
    }

    /// Completes the handshake on an accepted connection and applies the checks of the options.
    ///
    /// There is no time limit here: the caller sets one. `remote` is needed for `check_remote_san`; without it (a Unix
    /// socket) that check passes.
    ///
    /// # Errors
    /// Why the connection was refused; it is closed by then.
    pub async fn accept<S>(&self, stream: S, remote: Option<IpAddr>) -> Result<TlsStream<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.accept_at(stream, remote, None).await
    }

    /// The same on a connection that was made to an address of this machine, which may have a certificate of its own.
    ///
    /// # Errors
    /// As [`ServerTls::accept`].
    pub async fn accept_at<S>(
        &self,
        stream: S,
        remote: Option<IpAddr>,
        local: Option<IpAddr>,
    ) -> Result<TlsStream<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let configs = self.shared.config.get();
        let own = local.and_then(|local| configs.by_address.get(&local.to_canonical()));
        let config = own.unwrap_or(&configs.usual).clone();
        drop(configs);
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        self.admit(stream.get_ref().1.peer_certificates(), remote).await?;
        Ok(stream)
    }

    async fn admit(&self, chain: Option<&[CertificateDer<'_>]>, remote: Option<IpAddr>) -> Result<(), HandshakeError> {
        let Some(identity) = identity(chain) else { return Ok(()) };
        let options = &self.shared.options;
        let (names, hosts) = (&options.allowed_cns, &options.allowed_hostnames);
        if !names.is_empty() && !names.contains(&identity.common_name) {
            return Err(HandshakeError::NotAllowed);
        }
        if !hosts.is_empty() && !hosts.iter().any(|host| identity.covers(host)) {
            return Err(HandshakeError::NotAllowed);
        }
        if let (true, Some(remote)) = (options.check_remote_san, remote) {
            san::check(&identity, remote).await?;
        }
        self.check_revoked(chain.unwrap_or_default())
    }

    fn check_revoked(&self, chain: &[CertificateDer<'_>]) -> Result<(), HandshakeError> {
        let Some(revoked) = &self.shared.revoked else {
            return Ok(());
        };
        let revoked = revoked.get();
        for der in chain {
            if let Ok((_, certificate)) = X509Certificate::from_der(der)
                && revoked.contains(certificate.raw_serial())
            {
                return Err(HandshakeError::Revoked(certificate.raw_serial_as_string()));
            }
        }
        Ok(())
    }
}

fn check(options: &ServerOptions) -> Result<(), Error> {
    let refuse = |text: &str| Err(Error::Options(text.to_owned()));
    if options.cert_file.as_os_str().is_empty() || options.key_file.as_os_str().is_empty() {
        let (key, cert) = (options.key_file.display(), options.cert_file.display());
        return Err(Error::Options(format!(
            "KeyFile and CertFile must both be present [key: {key}, cert: {cert}]"
        )));
    }
    if options.client_cert_auth && options.trusted_ca_file.is_none() {
        return refuse(
            "client certificates are asked for but no CA to check them; give --trusted-ca-file (between peers --peer-trusted-ca-file)",
        );
    }
    if options.ask_client_cert && options.trusted_ca_file.is_some() {
        return refuse("a client certificate is either checked by the listener or by those who answer requests");
    }
    if !options.allowed_cns.is_empty() && !options.allowed_hostnames.is_empty() {
        return refuse(
            "AllowedCNs and AllowedHostnames are mutually exclusive; give only one of the allowed-cn and allowed-hostname flags",
        );
    }
    Ok(())
}

fn build(options: &ServerOptions, named: &[NamedCert]) -> Result<Configs, Error> {
    let provider = options.protocol.provider();
    let usual = certified(&options.cert_file, &options.key_file, &provider)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&options.protocol.versions())
        .map_err(|error| Error::Options(format!("TLS versions and cipher suites do not fit together: {error}")))?;
    let builder = match &options.trusted_ca_file {
        None if options.ask_client_cert => builder.with_client_cert_verifier(Asked::new(provider)),
        None => builder.with_no_client_auth(),
        Some(file) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(material::roots(file)?, provider)
                .build()
                .map_err(|error| bad("trusted CA", file, &error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let choice = Choice::read(usual, named, builder.crypto_provider())?;
    let mut config = builder.with_cert_resolver(Arc::new(choice.clone()));
    config.alpn_protocols.clone_from(&options.alpn);
    let at = |choice: Choice| {
        let mut config = config.clone();
        config.cert_resolver = Arc::new(choice);
        Arc::new(config)
    };
    let by_address = choice.by_address().map(|(address, choice)| (address, at(choice)));
    Ok(Configs {
        by_address: by_address.collect(),
        usual: Arc::new(config),
    })
}

pub(super) fn bad(what: &'static str, path: &std::path::Path, error: &dyn std::fmt::Display) -> Error {
    Error::Content {
        what,
        path: path.to_path_buf(),
        reason: error.to_string(),
    }
}
