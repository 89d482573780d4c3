//! A fresh pair of keys for servers that are given none.

use base::random::Random;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use rsa::pkcs8::EncodePublicKey;
use rsa::rand_core::{CryptoRng, Error as RandomError, RngCore};

use super::Error;

/// As many bits as upstream's tools give such keys.
const BITS: usize = 2048;

/// A pair of keys as PEM texts, in the forms in which upstream's tools write `sa.key` and `sa.pub`.
#[derive(Clone)]
pub struct KeyPair {
    /// `RSA PRIVATE KEY` (PKCS #1), for `--service-account-signing-key-file`.
    pub private: String,
    /// `PUBLIC KEY`, for `--service-account-key-file`.
    pub public: String,
}

/// Makes an RSA key of 2048 bits. It takes a core for about a second.
///
/// # Errors
/// None in practice: those of the encoding.
pub fn generate(random: &dyn Random) -> Result<KeyPair, Error> {
    let made = rsa::RsaPrivateKey::new(&mut Source(random), BITS);
    let key = made.map_err(|error| Error::Unusable(format!("cannot make an RSA key: {error}")))?;
    let private = key.to_pkcs1_pem(LineEnding::LF).map_err(|_| Error::Crypto)?;
    let public = key.to_public_key();
    let public = public.to_public_key_pem(LineEnding::LF).map_err(|_| Error::Crypto)?;
    Ok(KeyPair {
        private: private.to_string(),
        public,
    })
}

/// Our randomness as those who make keys want it.
struct Source<'r>(&'r dyn Random);

impl RngCore for Source<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0.u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.0.fill(bytes);
        Ok(())
    }
}

/// What programs pass in is strong (`SystemRandom`); tests may repeat themselves.
impl CryptoRng for Source<'_> {}
