//! The keys by which tokens of service accounts are verified (`--service-account-key-file`).

use std::path::Path;

use super::{Error, PublicKey, pem};

/// The keys by which tokens are verified, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    all: Vec<PublicKey>,
}

impl Keys {
    /// These.
    pub const fn new(all: Vec<PublicKey>) -> Self {
        Self { all }
    }

    /// All keys of some PEM files: public ones, certificates, or private ones.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn from_files<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        let mut all = Vec::new();
        for path in paths {
            all.extend(pem::read("public", path.as_ref(), PublicKey::all_of_pem)?);
        }
        Ok(Self { all })
    }

    /// All of them.
    pub fn all(&self) -> &[PublicKey] {
        &self.all
    }

    /// Those that a token may be verified by: those of the id that it names, or all where it names none.
    pub(crate) fn named<'k>(&'k self, id: &'k str) -> impl Iterator<Item = &'k PublicKey> {
        self.all.iter().filter(move |key| id.is_empty() || key.id() == id)
    }
}
