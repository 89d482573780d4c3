//! The authorities that sign certificates of clients, in a file that is read again when it changes
//! (`--client-ca-file`, `--requestheader-client-ca-file`).

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use apiserver_api::go::quote;
use apiserver_api::time::Time;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Why there are no authorities to verify certificates with.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The file cannot be read.
    #[error("open {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is empty.
    #[error("missing content for CA bundle {}", quote(.0))]
    Empty(String),
    /// The file holds no certificates, or one that cannot be used.
    #[error("error loading CA bundle for {}: {reason}", quote(.name))]
    Content {
        /// What it is for, and the file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why a certificate is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Invalid {
    /// It cannot be read.
    #[error("x509: malformed certificate")]
    Malformed,
    /// Its time has not come, or is over: the time, before or after what.
    #[error("x509: certificate has expired or is not yet valid: current time {0}")]
    Expired(String),
    /// None of the authorities signed it.
    #[error("x509: certificate signed by unknown authority")]
    UnknownAuthority,
    /// It is not for clients.
    #[error("x509: certificate specifies an incompatible key usage")]
    Usage,
    /// Anything else, in the words of who verifies.
    #[error("x509: {0}")]
    Other(String),
}

/// Authorities in a file. They are the same for all who hold it.
pub struct Authorities {
    /// What they are for, and the file, as logs call it.
    name: String,
    file: PathBuf,
    bundle: ArcSwap<Bundle>,
    seen: Mutex<Option<Stamp>>,
}

/// What tells a file from what it was.
type Stamp = (u64, u64, u64, SystemTime);

fn stamp(file: &Path) -> Option<Stamp> {
    let meta = fs::metadata(file).ok()?;
    Some((meta.dev(), meta.ino(), meta.len(), meta.modified().ok()?))
}

impl Authorities {
    /// Reads a PEM file; the purpose (`client-ca-bundle`, `request-header`) is for messages.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(purpose: &str, file: &Path) -> Result<Self, AuthorityError> {
        let name = format!("{purpose}::{}", file.display());
        // Before it is read: what changes meanwhile is seen at the next look.
        let seen = stamp(file);
        let bundle = Bundle::read(&name, file)?;
        Ok(Self {
            name,
            file: file.to_path_buf(),
            bundle: ArcSwap::from_pointee(bundle),
            seen: Mutex::new(seen),
        })
    }

    /// The file as it is in use, for clients that need the authorities themselves.
    pub fn pem(&self) -> Vec<u8> {
        self.current().pem.clone()
    }

    /// The certificates of the authorities.
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.current().roots.clone()
    }

    /// What is in use. Looking whether the file changed costs one call of the system. A file that cannot be used leaves in use
    /// what there was.
    pub(super) fn current(&self) -> Arc<Bundle> {
        // One looks; the others meanwhile take what there is.
        if let Some(mut seen) = self.seen.try_lock() {
            let now = stamp(&self.file);
            if *seen != now {
                *seen = now;
                self.reload();
            }
        }
        self.bundle.load_full()
    }

    fn reload(&self) {
        match Bundle::read(&self.name, &self.file) {
            // A new bundle would make every connection verify its certificates again.
            Ok(bundle) if bundle.pem == self.bundle.load().pem => {}
            Ok(bundle) => {
                self.bundle.store(Arc::new(bundle));
                tracing::info!(name = self.name, "loaded a new CA bundle");
            }
            Err(error) => {
                tracing::warn!(name = self.name, %error, "the changed CA bundle is not usable; the former one stays in use");
            }
        }
    }
}

/// Authorities as they were read once.
pub(super) struct Bundle {
    pem: Vec<u8>,
    roots: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
    /// When each is good: from and to these seconds since 1970.
    times: Vec<(i64, i64)>,
}

impl Bundle {
    fn read(name: &str, file: &Path) -> Result<Self, AuthorityError> {
        let pem = fs::read(file).map_err(|source| AuthorityError::Read {
            path: file.to_path_buf(),
            source,
        })?;
        if pem.is_empty() {
            return Err(AuthorityError::Empty(name.to_owned()));
        }
        let wrong = |reason: String| AuthorityError::Content {
            name: name.to_owned(),
            reason,
        };
        let (mut roots, mut anchors, mut times) = (Vec::new(), Vec::new(), Vec::new());
        // What is no certificate is passed over, as upstream does.
        for der in CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok) {
            let (_, certificate) =
                X509Certificate::from_der(&der).map_err(|_| wrong(Invalid::Malformed.to_string()))?;
            let anchor = webpki::anchor_from_trusted_cert(&der).map_err(|error| wrong(format!("x509: {error}")))?;
            times.push(validity(&certificate));
            anchors.push(anchor.to_owned());
            roots.push(der);
        }
        if roots.is_empty() {
            let text = "data does not contain any valid RSA or ECDSA certificates";
            return Err(wrong(text.to_owned()));
        }
        Ok(Self {
            pem,
            roots,
            anchors,
            times,
        })
    }

    /// The moments, in seconds since 1970, at which what is good may change because of the authorities.
    pub(super) fn moments(&self) -> impl Iterator<Item = i64> {
        self.times.iter().flat_map(|times| moments(*times))
    }

    /// Verifies a client's chain, the leaf first, at a time in seconds since 1970. The leaf's own time was looked at before.
    pub(super) fn verify(&self, chain: &[CertificateDer<'static>], now: i64) -> Result<(), Invalid> {
        let (leaf, intermediates) = chain.split_first().ok_or(Invalid::Malformed)?;
        if self.roots.contains(leaf) {
            // Its own authority: there is nothing to build.
            return if is_for_clients(leaf) {
                Ok(())
            } else {
                Err(Invalid::Usage)
            };
        }
        let usage = ClientUse::default();
        match self.build(leaf, intermediates, now, &usage) {
            // Upstream looks at the use last. If that was all, the certificate is good without it.
            Err(_) if usage.missing.get() => match self.build(leaf, intermediates, now, &AnyUse) {
                Ok(()) => Err(Invalid::Usage),
                refused => refused,
            },
            outcome => outcome,
        }
    }

    fn build(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'static>],
        now: i64,
        usage: &impl ExtendedKeyUsageValidator,
    ) -> Result<(), Invalid> {
        let leaf = EndEntityCert::try_from(leaf).map_err(|error| Invalid::Other(error.to_string()))?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now.max(0) as u64));
        // webpki trusts anchors at all times.
        let good = |times: &(i64, i64)| (times.0..=times.1).contains(&now);
        let some: Vec<TrustAnchor<'static>>;
        let anchors = if self.times.iter().all(good) {
            &self.anchors
        } else {
            let pairs = self.anchors.iter().zip(&self.times);
            some = pairs
                .filter(|(_, times)| good(times))
                .map(|(anchor, _)| anchor.clone())
                .collect();
            &some
        };
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        match leaf.verify_for_usage(algorithms, anchors, intermediates, time, usage, None, None) {
            Ok(_) => Ok(()),
            // Of these upstream says that no chain leads to an authority.
            Err(
                webpki::Error::UnknownIssuer
                | webpki::Error::InvalidSignatureForPublicKey
                | webpki::Error::CertExpired { .. }
                | webpki::Error::CertNotValidYet { .. }
                | webpki::Error::EndEntityUsedAsCa,
            ) => Err(Invalid::UnknownAuthority),
            Err(error) => Err(Invalid::Other(error.to_string())),
        }
    }
}

/// From and to which seconds since 1970 a certificate is good.
pub(super) fn validity(certificate: &X509Certificate<'_>) -> (i64, i64) {
    let validity = certificate.validity();
    (validity.not_before.timestamp(), validity.not_after.timestamp())
}

/// The moments at which such a time begins and at which it is over.
pub(super) fn moments((from, to): (i64, i64)) -> [i64; 2] {
    [from, to.saturating_add(1)]
}

/// Whether a certificate is good at a time.
pub(super) fn in_time((from, to): (i64, i64), now: i64) -> Result<(), Invalid> {
    let told = |word: &str, moment: i64| {
        let (now, moment) = (Time::from_unix(now), Time::from_unix(moment));
        Err(Invalid::Expired(format!("{now} is {word} {moment}")))
    };
    if now < from {
        told("before", from)
    } else if now > to {
        told("after", to)
    } else {
        Ok(())
    }
}

fn is_for_clients(der: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return false;
    };
    match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.any || usage.value.client_auth,
        Err(_) => false,
    }
}

/// 1.3.6.1.5.5.7.3.2 and 2.5.29.37.0.
const CLIENT_AUTH: KeyPurposeId<'static> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 2]);
const ANY: KeyPurposeId<'static> = KeyPurposeId::new(&[0x55, 0x1d, 0x25, 0]);

/// Certificates that say what they are for must say that they are for clients, or for anything.
#[derive(Default)]
struct ClientUse {
    /// Whether one said something else.
    missing: Cell<bool>,
}

impl ExtendedKeyUsageValidator for ClientUse {
    fn validate(&self, uses: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let mut says = false;
        for id in uses {
            let id = id?;
            if id == CLIENT_AUTH || id == ANY {
                return Ok(());
            }
            says = true;
        }
        if says {
            self.missing.set(true);
            // Which error does not matter: it is asked again without this.
            return Err(webpki::Error::ExtensionValueInvalid);
        }
        Ok(())
    }
}

/// Certificates may be for anything.
struct AnyUse;

impl ExtendedKeyUsageValidator for AnyUse {
    fn validate(&self, uses: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        uses.into_iter().try_for_each(|id| id.map(drop))
    }
}
