//! The authorities that sign certificates of clients, in a file that is read again when it changes
//! (`--client-ca-file`, `--requestheader-client-ca-file`).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use apiserver_api::go::quote;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::x509::{Certificate, Invalid, Trusted, moments, verify};

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
    /// What stands in the file. Not all of it may be able to sign something.
    roots: Vec<CertificateDer<'static>>,
    /// The same, read.
    certificates: Vec<Certificate>,
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
        let (mut roots, mut certificates) = (Vec::new(), Vec::new());
        // What is no certificate is passed over, as upstream does.
        for der in CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok) {
            certificates.push(Certificate::read(&der).map_err(|invalid| wrong(invalid.to_string()))?);
            roots.push(der);
        }
        if roots.is_empty() {
            let text = "data does not contain any valid RSA or ECDSA certificates";
            return Err(wrong(text.to_owned()));
        }
        Ok(Self {
            pem,
            roots,
            certificates,
        })
    }

    /// The moments, in seconds since 1970, at which what is good may change because of the authorities.
    pub(super) fn moments(&self) -> impl Iterator<Item = i64> {
        self.certificates.iter().flat_map(|root| moments(root.times))
    }

    /// Verifies a client's chain, the leaf first, at a time in seconds since 1970.
    pub(super) fn verify(&self, chain: &[CertificateDer<'static>], now: i64) -> Result<(), Invalid> {
        let (leaf, rest) = chain.split_first().ok_or(Invalid::Malformed)?;
        let trusted = Trusted {
            roots: &self.certificates,
            itself: self.roots.contains(leaf),
        };
        // One that cannot be read is as none: it vouches for nobody.
        let between: Vec<Certificate> = rest.iter().filter_map(|der| Certificate::read(der).ok()).collect();
        verify(&Certificate::read(leaf)?, &trusted, &between, now)
    }
}
