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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apiserver_api::user::User;

    use super::super::bearer::Bearer;
    use super::super::token_file::TokenFile;
    use super::super::trial::{Trial, nobody};
    use super::WithGroup;

    async fn groups(name: &str, groups: &[&str]) -> String {
        let file = TokenFile::one("token".to_owned(), User::new(name, groups.iter().copied()));
        let part = WithGroup(Bearer(Arc::new(file)));
        assert_eq!(Trial::new().ask(&part).await, nobody());
        let found = Trial::new().bearer("token").ask(&part).await;
        found.unwrap().unwrap().user.groups.join(" ")
    }

    #[tokio::test]
    async fn everyone_is_in_the_group_once() {
        assert_eq!(groups("jane", &["dev"]).await, "dev system:authenticated");
        assert_eq!(
            groups("jane", &["system:authenticated", "dev"]).await,
            "system:authenticated dev"
        );
        assert_eq!(
            groups("jane", &["system:unauthenticated"]).await,
            "system:unauthenticated"
        );
        assert_eq!(groups("system:anonymous", &["dev"]).await, "dev");
    }
}
