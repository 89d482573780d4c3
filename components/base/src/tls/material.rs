//! Certificates, keys, authorities and revocation lists as read from files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::Error;

pub(super) fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read {
        what,
        path: path.to_path_buf(),
        source,
    })
}

fn content(what: &'static str, path: &Path, reason: impl Into<String>) -> Error {
    Error::Content {
        what,
        path: path.to_path_buf(),
        reason: reason.into(),
    }
}

/// The chain in a PEM file, leaf first.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let what = "certificate";
    let bytes = read(what, path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| content(what, path, format!("{error}; expected PEM")))?;
    if chain.is_empty() {
        return Err(content(
            what,
            path,
            "it holds no CERTIFICATE block; expected PEM, the leaf first",
        ));
    }
    Ok(chain)
}

/// The first private key in a PEM file: PKCS#8, PKCS#1 or SEC1.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let what = "private key";
    let bytes = read(what, path)?;
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| content(what, path, format!("{error}; expected one unencrypted PEM private key")))
}

/// Every certificate of a PEM file as a root to trust.
pub(super) fn roots(path: &Path) -> Result<Arc<RootCertStore>, Error> {
    let what = "trusted CA";
    let bytes = read(what, path)?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| content(what, path, format!("{error}; expected PEM")))?;
        store
            .add(certificate)
            .map_err(|error| content(what, path, error.to_string()))?;
    }
    if store.is_empty() {
        return Err(content(what, path, "it holds no CERTIFICATE block; expected PEM"));
    }
    Ok(Arc::new(store))
}

/// The serial numbers that a revocation list names; DER as upstream reads, or PEM.
pub(super) fn revoked(path: &Path) -> Result<BTreeSet<Vec<u8>>, Error> {
    let what = "revocation list";
    let bytes = read(what, path)?;
    let der = match CertificateRevocationListDer::from_pem_slice(&bytes) {
        Ok(list) => list.to_vec(),
        Err(_) => bytes,
    };
    let (_, list) = CertificateRevocationList::from_der(&der)
        .map_err(|error| content(what, path, format!("{error}; expected an X.509 CRL as DER or PEM")))?;
    Ok(list
        .iter_revoked_certificates()
        .map(|entry| entry.raw_serial().to_vec())
        .collect())
}

/// What a file looked like when it was last read.
type Stamp = Vec<Option<(SystemTime, u64)>>;

fn stamp(files: &[PathBuf]) -> Stamp {
    let look = |path: &PathBuf| {
        fs::metadata(path)
            .ok()
            .and_then(|meta| Some((meta.modified().ok()?, meta.len())))
    };
    files.iter().map(look).collect()
}

/// A value made from files, and made again once one of them changes.
///
/// Looking costs one `stat` a file. Files that cannot be used leave the last good value in place and are logged once.
pub(super) struct Watched<T> {
    files: Vec<PathBuf>,
    make: Box<dyn Fn() -> Result<T, Error> + Send + Sync>,
    value: ArcSwap<T>,
    seen: Mutex<Stamp>,
}

impl<T> Watched<T> {
    pub(super) fn new(
        files: Vec<PathBuf>,
        make: impl Fn() -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let seen = stamp(&files);
        let value = ArcSwap::from_pointee(make()?);
        Ok(Self {
            files,
            make: Box::new(make),
            value,
            seen: Mutex::new(seen),
        })
    }

    pub(super) fn get(&self) -> Arc<T> {
        // One reader at a time looks; the others meanwhile take what there is.
        if let Some(mut seen) = self.seen.try_lock() {
            let now = stamp(&self.files);
            if *seen != now {
                *seen = now;
                match (self.make)() {
                    Ok(value) => {
                        self.value.store(Arc::new(value));
                        tracing::info!(files = ?self.files, "read changed TLS files again");
                    }
                    Err(error) => {
                        tracing::warn!(%error, "changed TLS files are not usable; the former ones stay in use");
                    }
                }
            }
        }
        self.value.load_full()
    }
}
