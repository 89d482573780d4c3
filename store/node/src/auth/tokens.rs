//! Issues and reads tokens, of the kind that `--auth-token` names.

use proto::fault::Fault;
use store_machine::State;

use super::jwt::Jwt;
use super::simple::Simple;
use crate::caller::{Caller, Who};
use crate::error::Result;
use crate::time::within;
use crate::{Config, Member};

/// Why `--auth-token` cannot be used; one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--auth-token: {0}")]
pub struct Error(pub(super) String);

/// The tokens in use.
pub(crate) enum Tokens {
    Simple(Simple),
    Jwt(Box<Jwt>),
}

/// Entries that a token may be ahead of what this member applied; one further ahead is not of this cluster.
const MAX_AHEAD: u64 = 100_000;

impl Tokens {
    pub(crate) fn new(config: &Config) -> std::result::Result<Self, Error> {
        let (kind, options) = config.auth_token.split_once(',').unwrap_or((&config.auth_token, ""));
        match kind {
            "" | "simple" => {
                tracing::warn!("simple token is not cryptographically signed by a key of your own");
                Ok(Self::Simple(Simple::new(config.auth_token_ttl)))
            }
            "jwt" => Ok(Self::Jwt(Box::new(Jwt::new(options)?))),
            other => Err(Error(format!(
                "unknown kind '{other}', use 'simple' or 'jwt,option=value,...'"
            ))),
        }
    }
}

impl Member {
    /// Makes a token for a user whose password was right.
    pub(super) fn issue(&self, state: &State, user: &str) -> Result<String> {
        let now_ms = self.clock.wall_ms();
        match &self.tokens {
            Tokens::Simple(_) => Simple::issue(state, user, now_ms),
            Tokens::Jwt(jwt) => jwt.issue(user, state.auth.revision(), now_ms),
        }
    }

    /// Who the caller is: nobody while authentication is off, else whom the token names, else whom the certificate
    /// names.
    pub(crate) async fn identify(&self, caller: &Caller) -> Result<Who> {
        let state = self.reader.state();
        if !state.auth.enabled() {
            return Ok(Who::default());
        }
        if let Some(token) = caller.token.as_deref() {
            return self.read_token(token).await;
        }
        let named = caller
            .common_name
            .as_deref()
            .filter(|_| self.config.client_cert_auth && !caller.gateway);
        Ok(named.map_or_else(Who::default, |user| Who {
            user: user.to_owned(),
            revision: state.auth.revision(),
        }))
    }

    /// Whether a client's certificate says which user it is. Not over the JSON gateway: whoever relies on it there has
    /// to be told.
    #[must_use]
    pub fn certificates_name_users(&self) -> bool {
        self.config.client_cert_auth && self.reader.state().auth.enabled()
    }

    async fn read_token(&self, token: &str) -> Result<Who> {
        match &self.tokens {
            Tokens::Jwt(jwt) => jwt.read(token, self.clock.wall_ms()),
            Tokens::Simple(simple) => {
                self.catch_up_with(Simple::index(token)?).await?;
                let state = self.reader.state();
                let user = simple.read(&state, token, self.clock.wall_ms(), self.clock.monotonic())?;
                Ok(Who {
                    user,
                    revision: state.auth.revision(),
                })
            }
        }
    }

    /// A token may come from a member that is ahead of this one: its user may still be on the way.
    async fn catch_up_with(&self, index: u64) -> Result<()> {
        let applied = self.reader.state().applied_index;
        if index <= applied {
            return Ok(());
        }
        if index - applied > MAX_AHEAD {
            return Err(Fault::InvalidAuthToken.into());
        }
        let wait = self.consensus.wait_applied(index);
        match within(&*self.clock, self.config.election_timeout, wait).await {
            Some(Ok(())) => Ok(()),
            _ => Err(Fault::InvalidAuthToken.into()),
        }
    }
}
