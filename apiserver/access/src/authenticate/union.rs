//! Several ways of finding out, asked one after the other until one knows.

use async_trait::async_trait;

use super::{Asked, Authenticator, Credentials, Outcome, Refused, TokenAuthenticator};

/// Several ways. Those that refuse do not keep the others from being asked; if nobody knows, all their reasons are told.
pub(super) struct Union(pub(super) Vec<Box<dyn Authenticator>>);

#[async_trait]
impl Authenticator for Union {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        let mut refusals = Vec::new();
        for part in &self.0 {
            match part.authenticate(credentials).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(refused) => refusals.push(refused),
            }
        }
        Refused::all(refusals).map_or(Ok(None), Err)
    }
}

/// One way, and another where the first cannot tell. Who is refused by the first is refused: a bad token makes nobody
/// anonymous.
pub(super) struct Otherwise<A, B>(pub(super) A, pub(super) B);

#[async_trait]
impl<A: Authenticator, B: Authenticator> Authenticator for Otherwise<A, B> {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        match self.0.authenticate(credentials).await? {
            Some(found) => Ok(Some(found)),
            None => self.1.authenticate(credentials).await,
        }
    }
}

/// As [`Union`], for tokens.
pub(super) struct TokenUnion(pub(super) Vec<Box<dyn TokenAuthenticator>>);

#[async_trait]
impl TokenAuthenticator for TokenUnion {
    async fn authenticate(&self, token: &str, asked: Asked<'_>) -> Outcome {
        let mut refusals = Vec::new();
        for part in &self.0 {
            match part.authenticate(token, asked).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(refused) => refusals.push(refused),
            }
        }
        Refused::all(refusals).map_or(Ok(None), Err)
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::super::trial::{Trial, nobody, somebody};
    use super::{Authenticator, Credentials, Otherwise, Outcome, Refused, Union};

    /// Says the same to everyone.
    struct Says(Outcome);

    #[async_trait]
    impl Authenticator for Says {
        async fn authenticate(&self, _credentials: &Credentials<'_>) -> Outcome {
            self.0.clone()
        }
    }

    fn refuses(reason: &str) -> Box<dyn Authenticator> {
        Box::new(Says(Err(Refused::new(reason))))
    }

    #[tokio::test]
    async fn who_refuses_does_not_keep_the_next_from_knowing() {
        let union = Union(vec![
            refuses("a"),
            Box::new(Says(nobody())),
            Box::new(Says(somebody("jane"))),
        ]);
        assert_eq!(Trial::new().ask(&union).await, somebody("jane"));
        let union = Union(vec![refuses("a"), Box::new(Says(nobody())), refuses("b")]);
        assert_eq!(Trial::new().ask(&union).await.unwrap_err().to_string(), "[a, b]");
        let union = Union(vec![Box::new(Says(nobody()))]);
        assert_eq!(Trial::new().ask(&union).await, nobody());
    }

    #[tokio::test]
    async fn who_is_refused_is_not_taken_for_somebody_else() {
        let anyone = || Says(somebody("anyone"));
        let refused = Otherwise(Union(vec![refuses("a")]), anyone());
        assert_eq!(Trial::new().ask(&refused).await, Err(Refused::new("a")));
        let unknown = Otherwise(Says(nobody()), anyone());
        assert_eq!(Trial::new().ask(&unknown).await, somebody("anyone"));
        let known = Otherwise(Says(somebody("jane")), anyone());
        assert_eq!(Trial::new().ask(&known).await, somebody("jane"));
    }
}
