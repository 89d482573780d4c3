//! Password hashes. bcrypt is slow on purpose, so it never runs on the async threads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proto::fault::Fault;

use crate::Member;
use crate::error::{Error, Result};
use crate::offload;

impl Member {
    /// The hash of a password in the form that commands carry: base64 of bcrypt's text.
    pub(super) async fn hash_password(&self, password: String) -> Result<String> {
        let cost = self.config.bcrypt_cost;
        let hash = offload::run(&self.tasks, "bcrypt", move || {
            bcrypt::non_truncating_hash(password, cost)
        })
        .await?;
        match hash {
            Ok(hash) => Ok(STANDARD.encode(hash)),
            Err(bcrypt::BcryptError::Truncation(_)) => Err(Error::unknown("bcrypt: password length exceeds 72 bytes")),
            Err(error) => Err(Error::unknown(format!("bcrypt: {error}"))),
        }
    }

    /// Whether the password belongs to the hash.
    pub(super) async fn check_password(&self, password: String, hash: Vec<u8>) -> Result<()> {
        let check = move || {
            let hash = String::from_utf8(hash).ok()?;
            bcrypt::verify(password, &hash).ok()
        };
        match offload::run(&self.tasks, "bcrypt", check).await? {
            Some(true) => Ok(()),
            _ => Err(Fault::AuthFailed.into()),
        }
    }
}
