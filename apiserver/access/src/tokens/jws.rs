//! Signed JSON in three parts between dots, as tokens travel (RFC 7515, compact serialization).
//!
//! Of the format only what Kubernetes uses is here; the signatures are of the crates for them. What is not verified yet is
//! for the eyes of those who choose the key, and for nobody else.

use apiserver_api::tree::{self, Tree};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{PrivateKey, PublicKey};

/// Why a token is not what a key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The algorithm is not one for the key, the token needs what is not understood here, or the signature is wrong.
    #[error("go-jose/go-jose: error in cryptographic primitive")]
    Signature,
}

/// A token that was taken apart.
pub(crate) struct Jws<'t> {
    /// The first two parts.
    signed: &'t str,
    header: Tree,
    payload: Tree,
    signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Takes a token apart; `None` where it is none.
    pub(crate) fn parse(token: &'t str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        Some(Self {
            signed,
            payload: part(payload)?,
            header: part(header)?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// The id of the key that it says to be signed with; empty where it does not say.
    pub(crate) fn key_id(&self) -> &str {
        self.header.text("kid")
    }

    /// What it says, verified or not.
    pub(crate) const fn payload(&self) -> &Tree {
        &self.payload
    }

    /// Whether a key signed it.
    ///
    /// # Errors
    /// It did not, or not so that it can be told here.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), Error> {
        // Extensions that must be understood: there are none that are.
        if self.header.has("crit") {
            return Err(Error::Signature);
        }
        key.verify(self.header.text("alg"), self.signed.as_bytes(), &self.signature)
    }
}

fn part(text: &str) -> Option<Tree> {
    let parsed = tree::parse(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    parsed.tree.as_map().is_some().then_some(parsed.tree)
}

/// Signs JSON with a key.
///
/// # Errors
/// Those of the key.
pub(super) fn sign(payload: &Tree, key: &PrivateKey) -> Result<String, super::Error> {
    let mut header = Tree::map();
    header.set("alg", key.public().algorithm());
    header.set("kid", key.public().id());
    let mut token = URL_SAFE_NO_PAD.encode(header.to_json());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload.to_json(), &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
