//! The parts of PEM files that hold keys.

use std::fs;
use std::path::Path;

use rustls_pki_types::pem::{PemObject, SectionKind};

use super::Error;

/// The parts of a PEM text, in order. What is between them, and parts that are broken or of another kind (`EC PARAMETERS`),
/// is passed over, as upstream does.
pub(super) fn sections(pem: &[u8]) -> impl Iterator<Item = (SectionKind, Vec<u8>)> {
    <(SectionKind, Vec<u8>)>::pem_slice_iter(pem).filter_map(Result::ok)
}

/// Reads keys out of a file.
///
/// # Errors
/// The file, and what is wrong with it.
pub(super) fn read<T>(
    half: &'static str,
    path: &Path,
    keys: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Read {
        path: path.to_path_buf(),
        source,
    })?;
    keys(&bytes).map_err(|source| Error::File {
        half,
        path: path.to_path_buf(),
        source: Box::new(source),
    })
}
