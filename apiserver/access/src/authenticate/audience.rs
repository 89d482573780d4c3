//! For whom credentials are, and those that do not say: they are for this server.

use apiserver_api::tree::Text;
use async_trait::async_trait;

use super::{Asked, Authenticator, Credentials, Outcome, TokenAuthenticator};

/// Those of the audiences asked for that are among these, in the order in which they are asked for.
pub(super) fn common(these: &[Text], asked: &[Text]) -> Vec<Text> {
    asked
        .iter()
        .filter(|audience| these.contains(audience))
        .cloned()
        .collect()
}

/// Whether credentials that are for some are good where others are accepted. Those that do not say are.
pub(super) fn acceptable(accepted: &[Text], are_for: &[Text]) -> bool {
    accepted.is_empty() || are_for.is_empty() || !common(accepted, are_for).is_empty()
}

/// Credentials that do not say for whom they are, taken as being for this server.
pub(super) struct Agnostic<A> {
    /// The names of this server.
    pub(super) own: Vec<Text>,
    /// Who knows them.
    pub(super) inner: A,
}

impl<A> Agnostic<A> {
    /// For which of those asked for they are; `None` where for none.
    fn audiences(&self, asked: &[Text]) -> Option<Vec<Text>> {
        let audiences = common(&self.own, asked);
        (asked.is_empty() || !audiences.is_empty()).then_some(audiences)
    }
}

#[async_trait]
impl<A: Authenticator> Authenticator for Agnostic<A> {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        let Some(audiences) = self.audiences(credentials.audiences) else {
            return Ok(None);
        };
        let mut outcome = self.inner.authenticate(credentials).await?;
        if let Some(found) = &mut outcome {
            found.audiences = audiences;
        }
        Ok(outcome)
    }
}

#[async_trait]
impl<A: TokenAuthenticator> TokenAuthenticator for Agnostic<A> {
    async fn authenticate(&self, token: &str, asked: Asked<'_>) -> Outcome {
        let Some(audiences) = self.audiences(asked.audiences) else {
            return Ok(None);
        };
        let mut outcome = self.inner.authenticate(token, asked).await?;
        if let Some(found) = &mut outcome {
            found.audiences = audiences;
        }
        Ok(outcome)
    }
}
