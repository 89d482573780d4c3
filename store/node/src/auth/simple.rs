//! Simple tokens: `<letters>.<index>`, good for a while after their last use.
//!
//! Every member must know a token, whoever issued it. Upstream writes each one to the log; here the letters hold the
//! user and the time of issue, sealed with a key made of the password hashes, which all members hold and nobody is ever
//! told. So a token outlives a restart, ends with the password, and costs no write. The index is where the issuer stood
//! in the log: a member that is not there yet waits.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use proto::fault::Fault;
use ring::hmac;
use store_machine::State;

use crate::error::{Error, Result};

/// Bytes of the seal.
const SEAL: usize = 32;
/// Bytes of the time of issue.
const TIME: usize = 8;
/// Tokens remembered before the dead ones are swept out.
const SWEEP: usize = 4096;

/// The simple tokens that were used here.
pub(crate) struct Simple {
    ttl: Duration,
    /// By the monotonic clock, when a token dies unless it is used again.
    used: Mutex<HashMap<String, Duration>>,
}

impl Simple {
    pub(super) fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            used: Mutex::default(),
        }
    }

    /// A token for the user, as of this state.
    pub(super) fn issue(state: &State, user: &str, now_ms: u64) -> Result<String> {
        let index = state.applied_index;
        let key = key(state, user).ok_or(Fault::AuthFailed)?;
        let mut body = now_ms.to_be_bytes().to_vec();
        body.extend_from_slice(user.as_bytes());
        let seal = hmac::sign(&key, &sealed(&body, index));
        body.extend_from_slice(seal.as_ref());
        Ok(format!("{}.{index}", URL_SAFE_NO_PAD.encode(body)))
    }

    /// Where in the log the issuer stood.
    pub(super) fn index(token: &str) -> Result<u64> {
        let index = token.split_once('.').and_then(|(_, index)| index.parse().ok());
        index.ok_or(Error::Fault(Fault::InvalidAuthToken))
    }

    /// The user of a token, if it is alive. Using it keeps it so.
    pub(super) fn read(&self, state: &State, token: &str, wall_ms: u64, now: Duration) -> Result<String> {
        let (user, issued_ms) = open(state, token).ok_or(Error::Fault(Fault::InvalidAuthToken))?;
        let fresh = wall_ms < issued_ms.saturating_add(self.ttl.as_millis() as u64);
        let mut used = self.used.lock();
        let in_use = used.get(token).is_some_and(|dies| now < *dies);
        if !fresh && !in_use {
            used.remove(token);
            return Err(Fault::InvalidAuthToken.into());
        }
        if used.len() >= SWEEP {
            used.retain(|_, dies| now < *dies);
        }
        used.insert(token.to_owned(), now + self.ttl);
        Ok(user)
    }
}

fn open(state: &State, token: &str) -> Option<(String, u64)> {
    let (letters, index) = token.split_once('.')?;
    let bytes = URL_SAFE_NO_PAD.decode(letters).ok()?;
    let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
    let (time, user) = body.split_at_checked(TIME)?;
    let user = std::str::from_utf8(user).ok()?;
    hmac::verify(&key(state, user)?, &sealed(body, index.parse().ok()?), seal).ok()?;
    Some((user.to_owned(), u64::from_be_bytes(time.try_into().ok()?)))
}

fn sealed(body: &[u8], index: u64) -> Vec<u8> {
    [body, &index.to_be_bytes()].concat()
}

/// The key that a user's tokens are sealed with; none for a user without a password.
fn key(state: &State, user: &str) -> Option<hmac::Key> {
    let hash = |name: &str| {
        state
            .auth
            .user(name)
            .map(|user| user.password.clone())
            .filter(|hash| !hash.is_empty())
    };
    let mut secret = b"keelson simple token".to_vec();
    secret.extend_from_slice(&state.members.cluster_id().to_be_bytes());
    secret.extend_from_slice(&hash(user)?);
    secret.extend_from_slice(&hash(store_auth::ROOT).unwrap_or_default());
    Some(hmac::Key::new(hmac::HMAC_SHA256, &secret))
}
