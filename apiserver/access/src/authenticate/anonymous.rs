//! Those who do not say who they are (`--anonymous-auth`).

use std::collections::BTreeSet;

use apiserver_api::user::{ANONYMOUS, UNAUTHENTICATED, User};
use async_trait::async_trait;

use super::{Authenticated, Authenticator, Credentials, Outcome};

/// Lets in whoever does not say who it is: everywhere, or at some paths (`anonymous.conditions` of an
/// `AuthenticationConfiguration`).
#[derive(Clone, Debug, Default)]
pub struct Anonymous {
    /// Where; empty for everywhere.
    paths: BTreeSet<String>,
}

impl Anonymous {
    /// Everywhere.
    pub fn everywhere() -> Self {
        Self::default()
    }

    /// At these paths and nowhere else; everywhere where there are none.
    pub fn at(paths: impl IntoIterator<Item = String>) -> Self {
        Self {
            paths: paths.into_iter().collect(),
        }
    }
}

#[async_trait]
impl Authenticator for Anonymous {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        if !self.paths.is_empty() && !self.paths.contains(credentials.path) {
            return Ok(None);
        }
        Ok(Some(Authenticated {
            user: User::new(ANONYMOUS, [UNAUTHENTICATED]),
            audiences: credentials.audiences.to_vec(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;
    use super::Anonymous;

    #[tokio::test]
    async fn who_does_not_say_who_it_is_gets_in_where_it_may() {
        let found = Trial::new().at("/api").ask(&Anonymous::everywhere()).await.unwrap();
        let user = found.unwrap().user;
        assert_eq!(
            (&*user.name, user.is_in("system:unauthenticated")),
            ("system:anonymous", true)
        );
        let healthy = Anonymous::at(["/livez".to_owned()]);
        assert!(Trial::new().at("/livez").ask(&healthy).await.unwrap().is_some());
        assert!(Trial::new().at("/livez/ping").ask(&healthy).await.unwrap().is_none());
    }
}
