//! The group of all who said who they are.

use apiserver_api::user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED};
use async_trait::async_trait;

use super::{Authenticator, Credentials, Outcome};

/// Adds `system:authenticated` to those whom another finds, but for anonymous ones and those of whom a group says already
/// whether they are.
pub(super) struct WithGroup<A>(pub(super) A);

#[async_trait]
impl<A: Authenticator> Authenticator for WithGroup<A> {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        let mut outcome = self.0.authenticate(credentials).await?;
        if let Some(found) = &mut outcome {
            let user = &mut found.user;
            if user.name != ANONYMOUS && !user.is_in(AUTHENTICATED) && !user.is_in(UNAUTHENTICATED) {
                user.groups.push(AUTHENTICATED.into());
            }
        }
        Ok(outcome)
    }
}
