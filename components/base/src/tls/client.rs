//! The dialing side: which server is believed, and the certificate shown to it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::material::{self, Watched};
use super::server::bad;
use super::{Error, HandshakeError, Protocol};

/// What a dialer is told about TLS.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// PEM chain to show if the server asks for one.
    pub cert_file: Option<PathBuf>,
    /// Its private key; needed with `cert_file`.
    pub key_file: Option<PathBuf>,
    /// Authorities whose servers are believed. Without it no server is, unless `insecure_skip_verify`.
    pub trusted_ca_file: Option<PathBuf>,
    /// The name to check instead of the one that is connected to.
    pub server_name: Option<String>,
    /// Believe any certificate; for peers with automatic TLS, whose certificates nobody signed.
    pub insecure_skip_verify: bool,
    /// Versions and suites.
    pub protocol: Protocol,
    /// Application protocols offered, best first, for example `h2`.
    pub alpn: Vec<Vec<u8>>,
}

/// A dialer's TLS. Clones share the files and what was read from them.
#[derive(Clone)]
pub struct ClientTls {
    server_name: Option<String>,
    config: Arc<Watched<Arc<ClientConfig>>>,
}

impl ClientTls {
    /// Reads all files and checks that they and the options fit together.
    ///
    /// # Errors
    /// The file or option that is wrong and what was expected.
    pub fn new(options: ClientOptions) -> Result<Self, Error> {
        if options.cert_file.is_some() != options.key_file.is_some() {
            let show = |path: &Option<PathBuf>| path.as_deref().unwrap_or("".as_ref()).display().to_string();
            let (key, cert) = (show(&options.key_file), show(&options.cert_file));
            return Err(Error::Options(format!(
                "ClientKeyFile and ClientCertFile must both be present or both absent [key: {key}, cert: {cert}]"
            )));
        }
        let files = [&options.cert_file, &options.key_file, &options.trusted_ca_file];
        let files = files.into_iter().flatten().cloned().collect();
        let server_name = options.server_name.clone();
        let config = Watched::new(files, move || build(&options).map(Arc::new))?;
        Ok(Self {
            server_name,
            config: Arc::new(config),
        })
    }

    /// The present configuration; files that changed since the last call are read first.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config.get())
    }

    /// Completes the handshake on a connection to `host`, a DNS name or an IP address (in brackets or not).
    ///
    /// # Errors
    /// The server is not believed, refused us, or `host` is no name that could be checked.
    pub async fn connect<S>(&self, host: &str, stream: S) -> Result<TlsStream<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let host = self.server_name.as_deref().unwrap_or(host);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| HandshakeError::BadName(host.to_owned()))?;
        Ok(TlsConnector::from(self.config()).connect(name, stream).await?)
    }
}

fn build(options: &ClientOptions) -> Result<ClientConfig, Error> {
    let provider = options.protocol.provider();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&options.protocol.versions())
        .map_err(|error| Error::Options(format!("TLS versions and cipher suites do not fit together: {error}")))?;
    let builder = if options.insecure_skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Unchecked { provider }))
    } else if let Some(file) = &options.trusted_ca_file {
        let verifier = WebPkiServerVerifier::builder_with_provider(material::roots(file)?, provider)
            .build()
            .map_err(|error| bad("trusted CA", file, &error))?;
        builder.with_webpki_verifier(verifier)
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    let mut config = match (&options.cert_file, &options.key_file) {
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(material::chain(cert)?, material::key(key)?)
            .map_err(|error| bad("certificate", cert, &error))?,
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols.clone_from(&options.alpn);
    Ok(config)
}

/// Believes every certificate, but still demands that the server holds its key.
#[derive(Debug)]
struct Unchecked {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
