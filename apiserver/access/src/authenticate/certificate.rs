//! The certificate of a client (`--client-ca-file`): its common name is the user, its organizations are the groups.

use std::sync::Arc;

use apiserver_api::tree::{Map, Text, Tree};
use apiserver_api::user::User;
use async_trait::async_trait;
use base::clock::Clock;

use super::peer::Leaf;
use super::{Authenticated, Authenticator, Authorities, CREDENTIAL_ID, Credentials, Metrics, Outcome, Refused};

/// Takes certificates that the authorities vouch for.
pub(super) struct Certificates {
    pub(super) authorities: Arc<Authorities>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
}

#[async_trait]
impl Authenticator for Certificates {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        let Some(peer) = credentials.peer else {
            return Ok(None);
        };
        let now = (self.clock.wall_ms() / 1000) as i64;
        if let Some(leaf) = peer.leaf() {
            self.metrics.certificates.observe(leaf.times.1.saturating_sub(now));
        }
        let leaf = peer.verify(&self.authorities.current(), now).map_err(|invalid| {
            let identifier = peer.leaf().map_or("", |leaf| &leaf.identifier);
            Refused::new(format!("verifying certificate {identifier} failed: {invalid}"))
        })?;
        if leaf.common_name.is_empty() {
            return Ok(None);
        }
        let credential = Text::from(leaf.credential.as_str());
        Ok(Some(Authenticated::user(User {
            name: leaf.common_name.as_str().into(),
            uid: uid(leaf)?,
            groups: leaf.organizations.iter().map(Into::into).collect(),
            extra: Map::from_iter([(CREDENTIAL_ID, Tree::from_iter([credential]))]),
        })))
    }
}

fn uid(leaf: &Leaf) -> Result<Text, Refused> {
    let texts: Option<Vec<&str>> = leaf.uids.iter().map(Option::as_deref).collect();
    let Some(texts) = texts else {
        return Err(Refused::new("unable to parse UID into a string"));
    };
    match texts.as_slice() {
        [] => Ok(Text::default()),
        [""] => Err(Refused::new("UID cannot be an empty string")),
        [uid] => Ok((*uid).into()),
        several => {
            let told = several.join(" ");
            Err(Refused::new(format!("expected 1 UID, but found multiple: [{told}]")))
        }
    }
}

#[cfg(test)]
mod tests;
