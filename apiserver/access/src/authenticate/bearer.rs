//! A token in the header `Authorization`.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Authenticator, Credentials, Outcome, TokenAuthenticator, invalid_bearer_token};

/// Takes `Authorization: Bearer ...`.
pub(super) struct Bearer(pub(super) Arc<dyn TokenAuthenticator>);

#[async_trait]
impl Authenticator for Bearer {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        let header = credentials.headers.first("Authorization");
        let mut words = header.trim().splitn(3, ' ');
        let (Some(scheme), Some(token)) = (words.next(), words.next()) else {
            return Ok(None);
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Ok(None);
        }
        if token.is_empty() {
            if words.next().is_some() {
                let text =
                    "the provided Authorization header contains extra space before the bearer token, and is ignored";
                credentials.notes.warn(text);
            }
            return Ok(None);
        }
        match self.0.authenticate(token, credentials.into()).await? {
            Some(found) => Ok(Some(found)),
            None => Err(invalid_bearer_token()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::trial::{OneToken, Trial, nobody, somebody};
    use super::Bearer;

    #[tokio::test]
    async fn the_token_is_the_second_word_after_bearer() {
        let bearer = Bearer(Arc::new(OneToken("secret", "jane")));
        for header in [
            "Bearer secret",
            "bearer secret",
            " BEARER secret ",
            "Bearer secret and more",
        ] {
            let found = Trial::new().header("authorization", header).ask(&bearer).await;
            assert_eq!(found, somebody("jane"), "{header}");
        }
        for header in ["", "Bearer", "Bearer ", "Basic secret", "secret"] {
            let found = Trial::new().header("authorization", header).ask(&bearer).await;
            assert_eq!(found, nobody(), "{header}");
        }
        assert_eq!(Trial::new().ask(&bearer).await, nobody());
    }

    #[tokio::test]
    async fn a_token_that_nobody_knows_is_refused() {
        let bearer = Bearer(Arc::new(OneToken("secret", "jane")));
        let refused = Trial::new().header("authorization", "Bearer other").ask(&bearer).await;
        assert_eq!(refused.unwrap_err().to_string(), "invalid bearer token");
    }

    #[tokio::test]
    async fn one_who_writes_two_spaces_is_warned() {
        let bearer = Bearer(Arc::new(OneToken("secret", "jane")));
        let trial = Trial::new().header("authorization", "Bearer  secret");
        assert_eq!(trial.ask(&bearer).await, nobody());
        let said = trial.said();
        assert_eq!(
            said.warnings,
            ["the provided Authorization header contains extra space before the bearer token, and is ignored"]
        );
    }
}
