//! Who signs tokens (`--service-account-issuer`, `--service-account-signing-key-file`).

use apiserver_api::tree::{Text, Tree};

use super::{Error, PrivateKey, PublicKey, jws};

/// Signs tokens in a name.
#[derive(Debug)]
pub struct Issuer {
    name: Text,
    key: PrivateKey,
}

impl Issuer {
    /// In this name, with this key.
    pub fn new(name: &str, key: PrivateKey) -> Self {
        let name = name.into();
        Self { name, key }
    }

    /// The key that verifies what it signs.
    pub const fn public_key(&self) -> &PublicKey {
        self.key.public()
    }

    /// A token that says this, and whose it is.
    ///
    /// # Errors
    /// The signature could not be made.
    pub fn sign(&self, mut says: Tree) -> Result<String, Error> {
        says.set("iss", self.name.clone());
        jws::sign(&says, &self.key)
    }
}
