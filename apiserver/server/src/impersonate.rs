//! Acting as another user: the `Impersonate-*` headers, and whether who asks may (upstream's constrained impersonation, which
//! is on in 1.36, with impersonation as it always was behind it).
//!
//! There are several ways of being allowed to; [`modes`] has one after the other. Upstream also keeps what it decided for ten
//! seconds; here the authorizers are asked each time, who keep their own answers.

mod modes;
mod wanted;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use apiserver_access::authorize::{Attributes, Authorizer};
use apiserver_api::status::Status;
use apiserver_api::user::User;
use parking_lot::Mutex;

use self::modes::MODES;
use crate::access;
use crate::machine::Machine;
use crate::request::Call;

/// Users of whom it is remembered how they were allowed to; beyond that all are forgotten.
const REMEMBERED: usize = 10_000;

/// What is remembered of impersonations: by which way a user last was allowed to, which is then tried first.
#[derive(Debug, Default)]
pub struct Impersonation {
    /// By the hash of the name. Two of one hash only change which way is tried first.
    last: Mutex<HashMap<u64, usize>>,
}

/// Whom a request is to be answered as, if its headers name another user than the one who asks. Nobody behind sees these
/// headers.
///
/// # Errors
/// 400 where something of a user is wanted but no name, 403 where who asks may not.
pub(crate) async fn impersonate(machine: &Machine, call: &mut Call) -> Result<Option<User>, Status> {
    let Some(wanted) = wanted::of(&call.headers)? else {
        return Ok(None);
    };
    wanted::strip(&mut call.headers);
    let asked = Attributes {
        user: &call.user,
        verb: &call.info.verb,
        on: access::on(&call.info, &call.path),
    };
    let user = machine
        .impersonation
        .user(&*machine.authorizer, &wanted, &asked)
        .await?;
    tracing::debug!(user = %call.user.name, impersonated = %user.name, "impersonation");
    Ok(Some(user))
}

impl Impersonation {
    /// The user that is acted as.
    async fn user(&self, authorizer: &dyn Authorizer, wanted: &User, asked: &Attributes<'_>) -> Result<User, Status> {
        let key = hash(&asked.user.name);
        let last = self.last.lock().get(&key).copied();
        let others = (0..MODES.len()).filter(|at| Some(*at) != last);
        let mut refusal = None;
        for at in last.into_iter().chain(others) {
            match MODES[at].check(authorizer, wanted, asked).await {
                Ok(Some(user)) => {
                    self.remember(key, at);
                    return Ok(user);
                }
                Ok(None) => {}
                Err(status) => refusal = refusal.or(Some(status)),
            }
        }
        // The last way is for everyone, so that there is a refusal.
        Err(refusal.unwrap_or_else(|| Status::internal("all impersonation modes failed")))
    }

    fn remember(&self, key: u64, at: usize) {
        let mut last = self.last.lock();
        if last.len() >= REMEMBERED && !last.contains_key(&key) {
            last.clear();
        }
        last.insert(key, at);
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
