//! All ways of finding out who sends a request, in upstream's order.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::status::Status;
use apiserver_api::tree::Text;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use base::clock::Clock;
use base::random::Random;

use super::audience::{Agnostic, acceptable};
use super::bearer::Bearer;
use super::bootstrap::Bootstrap;
use super::cache::{Cached, Times};
use super::certificate::Certificates;
use super::front_proxy::{FrontProxies, FrontProxy};
use super::group::WithGroup;
use super::headers::after;
use super::metrics::Attempt;
use super::service_account::{BoundTokens, LegacyTokens, Tokens};
use super::token_file::TokenFile;
use super::union::{Otherwise, TokenUnion, Union};
use super::websocket::WebSocket;
use super::{Anonymous, Authenticated, Authenticator, Authorities, Credentials, Metrics, Outcome, TokenAuthenticator};
use crate::tokens::{Keys, LEGACY_ISSUER};

/// Which ways there are: what the flags say.
pub struct Options {
    /// Who vouches for clients' certificates (`--client-ca-file`).
    pub client_authorities: Option<Arc<Authorities>>,
    /// Which proxies may name users (`--requestheader-*`).
    pub front_proxy: Option<FrontProxy>,
    /// Tokens that somebody wrote down (`--token-auth-file`).
    pub token_file: Option<TokenFile>,
    /// Which tokens of service accounts are taken.
    pub service_accounts: Option<ServiceAccounts>,
    /// Whether tokens are taken by which new nodes join (`--enable-bootstrap-token-auth`).
    pub bootstrap_tokens: bool,
    /// Where those are let in who do not say who they are (`--anonymous-auth`).
    pub anonymous: Option<Anonymous>,
    /// The names of this server (`--api-audiences`); upstream's default is the issuers of service accounts' tokens.
    pub audiences: Vec<Text>,
    /// For how long it is known whose a token is.
    pub success_ttl: Duration,
    /// For how long it is known that a token is not good.
    pub failure_ttl: Duration,
}

/// As a server starts that is told nothing: everyone is anonymous. With upstream's times.
impl Default for Options {
    fn default() -> Self {
        Self {
            client_authorities: None,
            front_proxy: None,
            token_file: None,
            service_accounts: None,
            bootstrap_tokens: false,
            anonymous: Some(Anonymous::everywhere()),
            audiences: Vec::new(),
            success_ttl: Duration::from_secs(10),
            failure_ttl: Duration::ZERO,
        }
    }
}

/// Which tokens of service accounts are taken.
#[derive(Clone)]
pub struct ServiceAccounts {
    /// Who may have signed them (`--service-account-key-file`).
    pub keys: Arc<Keys>,
    /// In which names (`--service-account-issuer`); those in secrets are of [`LEGACY_ISSUER`] and are taken, too.
    pub issuers: Vec<Text>,
    /// Whether it is looked whether secrets with tokens are there (`--service-account-lookup`).
    pub lookup: bool,
}

/// What the ways need beside what is asked.
#[derive(Clone)]
pub struct Parts {
    /// The objects that tokens hang on.
    pub cluster: Arc<dyn Cluster>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What a secret is drawn from.
    pub random: Arc<dyn Random>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// All ways.
pub struct Chain {
    root: Box<dyn Authenticator>,
    front_proxy: Option<Arc<FrontProxy>>,
    audiences: Vec<Text>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl Chain {
    /// Puts the ways together.
    pub fn new(options: Options, parts: &Parts) -> Self {
        let audiences = options.audiences.clone();
        let front_proxy = options.front_proxy.clone().map(Arc::new);
        let mut ways: Vec<Box<dyn Authenticator>> = Vec::new();
        if let Some(proxy) = front_proxy.clone() {
            ways.push(Box::new(Agnostic {
                own: audiences.clone(),
                inner: FrontProxies {
                    proxy,
                    clock: Arc::clone(&parts.clock),
                },
            }));
        }
        if let Some(authorities) = options.client_authorities.clone() {
            ways.push(Box::new(Certificates {
                authorities,
                clock: Arc::clone(&parts.clock),
                metrics: Arc::clone(&parts.metrics),
            }));
        }
        if let Some(tokens) = tokens(&options, parts) {
            ways.push(Box::new(Bearer(Arc::clone(&tokens))));
            ways.push(Box::new(WebSocket(tokens)));
        }
        let root: Box<dyn Authenticator> = match options.anonymous {
            Some(anonymous) if ways.is_empty() => Box::new(anonymous),
            Some(anonymous) => Box::new(Otherwise(WithGroup(Union(ways)), anonymous)),
            None => Box::new(WithGroup(Union(ways))),
        };
        Self {
            root,
            front_proxy,
            audiences,
            clock: Arc::clone(&parts.clock),
            metrics: Arc::clone(&parts.metrics),
        }
    }

    /// The names of this server.
    pub fn audiences(&self) -> &[Text] {
        &self.audiences
    }

    /// Finds out who sent a request to this server. It counts, and logs why nobody was found.
    ///
    /// # Errors
    /// 401, which does not say why.
    pub async fn admit(&self, credentials: &Credentials<'_>) -> Result<Authenticated, Status> {
        let begun = self.clock.monotonic();
        let credentials = Credentials {
            audiences: &self.audiences,
            ..*credentials
        };
        let outcome = self.root.authenticate(&credentials).await;
        let requests = &self.metrics.requests;
        let took = self.clock.monotonic().saturating_sub(begun).as_secs_f64();
        let result = match outcome {
            Ok(Some(found)) if acceptable(&self.audiences, &found.audiences) => {
                requests.count_user(&found.user.name);
                requests.observe(Attempt::Success, took);
                return Ok(found);
            }
            Ok(Some(found)) => {
                let (are_for, accepted) = (found.audiences, &self.audiences);
                tracing::error!(?are_for, ?accepted, "unable to match the audience");
                Attempt::Error
            }
            Ok(None) => Attempt::Failure,
            Err(refused) => {
                tracing::error!(error = %refused, "unable to authenticate the request");
                Attempt::Error
            }
        };
        requests.observe(result, took);
        Err(Status::unauthorized("Unauthorized"))
    }

    /// Whether a header told who sent the request. Once that is found out, nobody behind is to see it.
    pub fn hides(&self, header: &str) -> bool {
        let standard = ["Authorization", "X-Remote-User", "X-Remote-Uid", "X-Remote-Group"];
        standard.iter().any(|own| own.eq_ignore_ascii_case(header))
            || after(header, "X-Remote-Extra-").is_some()
            || self.front_proxy.as_ref().is_some_and(|proxy| proxy.reads(header))
    }
}

#[async_trait]
impl Authenticator for Chain {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        self.root.authenticate(credentials).await
    }
}

/// The ways for tokens; `None` where none is taken.
fn tokens(options: &Options, parts: &Parts) -> Option<Arc<dyn TokenAuthenticator>> {
    let own = &options.audiences;
    let mut ways: Vec<Box<dyn TokenAuthenticator>> = Vec::new();
    if let Some(inner) = options.token_file.clone() {
        let own = own.clone();
        ways.push(Box::new(Agnostic { own, inner }));
    }
    if let Some(accounts) = &options.service_accounts {
        let legacy = LegacyTokens {
            lookup: accounts.lookup,
            cluster: Arc::clone(&parts.cluster),
            clock: Arc::clone(&parts.clock),
            metrics: Arc::clone(&parts.metrics),
        };
        ways.push(Box::new(Tokens {
            issuers: vec![LEGACY_ISSUER.into()],
            keys: Arc::clone(&accounts.keys),
            own: own.clone(),
            metrics: Arc::clone(&parts.metrics),
            check: legacy,
        }));
        let bound = BoundTokens {
            cluster: Arc::clone(&parts.cluster),
            clock: Arc::clone(&parts.clock),
            metrics: Arc::clone(&parts.metrics),
        };
        ways.push(Box::new(Tokens {
            issuers: accounts.issuers.clone(),
            keys: Arc::clone(&accounts.keys),
            own: own.clone(),
            metrics: Arc::clone(&parts.metrics),
            check: bound,
        }));
    }
    if options.bootstrap_tokens {
        let inner = Bootstrap {
            cluster: Arc::clone(&parts.cluster),
            clock: Arc::clone(&parts.clock),
        };
        let own = own.clone();
        ways.push(Box::new(Agnostic { own, inner }));
    }
    if ways.is_empty() {
        return None;
    }
    let union = TokenUnion(ways);
    let times = Times {
        success: options.success_ttl,
        failure: options.failure_ttl,
    };
    if times.success.is_zero() && times.failure.is_zero() {
        return Some(Arc::new(union));
    }
    let (clock, metrics) = (Arc::clone(&parts.clock), Arc::clone(&parts.metrics));
    let cached = Cached::new(Box::new(union), times, clock, parts.random.as_ref(), metrics);
    Some(Arc::new(cached))
}

#[cfg(test)]
mod tests;
