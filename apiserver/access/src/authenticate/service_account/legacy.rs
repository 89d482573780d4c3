//! Tokens that stand in secrets: good as long as the secret is there and nobody marked it.

use std::sync::Arc;

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::{Text, Tree};
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use base::clock::Clock;
use subtle::ConstantTimeEq;

use super::public::Public;
use super::{Asked, Check, Metrics, Owner, Refused, SECRETS, SERVICE_ACCOUNTS, data, find, split};

/// The label that tells the day on which a token was used last.
const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";
/// The label of secrets whose tokens are no longer taken, since nobody used them for a year.
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";
const AUTO_GENERATED: &str = "Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.";

/// Checks tokens that stand in secrets.
pub(in crate::authenticate) struct LegacyTokens {
    /// Whether it is looked whether the secret and the service account are there (`--service-account-lookup`).
    pub(in crate::authenticate) lookup: bool,
    pub(in crate::authenticate) cluster: Arc<dyn Cluster>,
    pub(in crate::authenticate) clock: Arc<dyn Clock>,
    pub(in crate::authenticate) metrics: Arc<Metrics>,
}

/// What such a token says of whose it is.
struct Claims<'p> {
    namespace: &'p str,
    secret: &'p str,
    name: &'p str,
    uid: &'p str,
}

impl<'p> Claims<'p> {
    fn read(public: &'p Public, payload: &'p Tree) -> Result<Self, Refused> {
        let claim = |word: &str| payload.text(&format!("kubernetes.io/serviceaccount/{word}"));
        let claims = Self {
            namespace: claim("namespace"),
            secret: claim("secret.name"),
            name: claim("service-account.name"),
            uid: claim("service-account.uid"),
        };
        for (word, value) in [
            ("sub", &*public.subject),
            ("namespace", claims.namespace),
            ("secretName", claims.secret),
            ("serviceAccountName", claims.name),
            ("serviceAccountUID", claims.uid),
        ] {
            if value.is_empty() {
                return Err(Refused::new(format!("{word} claim is missing")));
            }
        }
        if split(&public.subject) != Some((claims.namespace, claims.name)) {
            return Err(Refused::new("sub claim is invalid"));
        }
        Ok(claims)
    }
}

#[async_trait]
impl Check for LegacyTokens {
    async fn check(&self, token: &str, public: &Public, payload: &Tree, asked: Asked<'_>) -> Result<User, Refused> {
        let claims = Claims::read(public, payload)?;
        if self.lookup {
            let secret = self.secret(token, &claims).await?;
            let account = self.account(&claims).await?;
            self.track(&claims, &secret, &account, asked).await?;
        }
        let owner = Owner {
            namespace: claims.namespace.into(),
            name: claims.name.into(),
            uid: claims.uid.into(),
            ..Owner::default()
        };
        Ok(owner.into_user())
    }
}

impl LegacyTokens {
    /// The secret in which the token stands.
    async fn secret(&self, token: &str, claims: &Claims<'_>) -> Result<Tree, Refused> {
        let found = find(self.cluster.as_ref(), &SECRETS, claims.namespace, claims.secret).await;
        let secret = found.map_err(|_| Refused::new("Token has been invalidated"))?;
        if meta::is_deleting(&secret) {
            return Err(Refused::new("Token has been invalidated"));
        }
        if !bool::from(data(&secret, "token").ct_eq(token.as_bytes())) {
            return Err(Refused::new("Token does not match server's copy"));
        }
        Ok(secret)
    }

    async fn account(&self, claims: &Claims<'_>) -> Result<Tree, Refused> {
        let (namespace, name) = (claims.namespace, claims.name);
        let found = find(self.cluster.as_ref(), &SERVICE_ACCOUNTS, namespace, name).await;
        let account = found.map_err(|status| Refused::new(status.message))?;
        if meta::is_deleting(&account) {
            return Err(Refused::new(format!(
                "ServiceAccount {namespace}/{name} has been deleted"
            )));
        }
        let (uid, claimed) = (meta::uid(&account), claims.uid);
        if uid != claimed {
            return Err(Refused::new(format!(
                "ServiceAccount UID ({uid}) does not match claim ({claimed})"
            )));
        }
        Ok(account)
    }

    /// Notes that the token was used, and refuses it where it is marked.
    async fn track(&self, claims: &Claims<'_>, secret: &Tree, account: &Tree, asked: Asked<'_>) -> Result<(), Refused> {
        let metrics = &self.metrics.service_accounts;
        let (namespace, name) = (claims.namespace, claims.secret);
        if meta::label(secret, INVALID_SINCE).is_some_and(|since| !since.is_empty()) {
            let key = "authentication.k8s.io/legacy-token-invalidated";
            asked.notes.annotate(key, format!("{name}/{namespace}"));
            metrics.invalid_auto.inc();
            self.label_last_used(secret).await;
            let account = claims.name;
            return Err(Refused::new(format!(
                "the token in secret {namespace}/{name} for service account {namespace}/{account} has been marked invalid. \
                 Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the \
                 '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
            )));
        }
        let listed = account
            .items("secrets")
            .iter()
            .any(|secret| secret.text("name") == name);
        if listed {
            asked.notes.warn(AUTO_GENERATED);
            metrics.auto.inc();
        } else {
            metrics.manual.inc();
        }
        let how = if listed { "autogenerated" } else { "manual" };
        let key = format!("authentication.k8s.io/legacy-token-{how}-secret");
        asked.notes.annotate(&key, name.to_owned());
        self.label_last_used(secret).await;
        Ok(())
    }

    /// Writes the day into the secret, once a day. The servers' days may differ by one.
    async fn label_last_used(&self, secret: &Tree) {
        let seconds = (self.clock.wall_ms() / 1000) as i64;
        let day = |seconds: i64| Text::from(&Time::from_unix(seconds).to_string()[..10]);
        let (today, tomorrow) = (day(seconds), day(seconds + 24 * 60 * 60));
        let last = meta::label(secret, LAST_USED).unwrap_or_default();
        if last == today || last == tomorrow {
            return;
        }
        let mut labelled = secret.clone();
        meta::set_label(&mut labelled, LAST_USED, &today);
        if let Err(error) = self.cluster.update(&SECRETS, "", labelled).await {
            let (namespace, name) = (meta::namespace(secret), meta::name(secret));
            tracing::error!(namespace, name, %error, "failed to label a legacy service account token with its last use");
        }
    }
}
