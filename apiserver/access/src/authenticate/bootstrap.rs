//! Tokens by which new nodes join, in secrets of `kube-system` (`--enable-bootstrap-token-auth`).

use std::collections::BTreeSet;
use std::sync::Arc;

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::{Text, Tree};
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use base::clock::Clock;
use subtle::ConstantTimeEq;

use super::service_account::{SECRETS, data};
use super::{Asked, Authenticated, Outcome, TokenAuthenticator};

const NAMESPACE: &str = "kube-system";
const SECRET_PREFIX: &str = "bootstrap-token-";
const SECRET_TYPE: &str = "bootstrap.kubernetes.io/token";
const GROUP: &str = "system:bootstrappers";
const GROUP_PATTERN: &str = r"\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z";

/// Takes `<id>.<secret>` where the secret `bootstrap-token-<id>` says so.
pub(super) struct Bootstrap {
    pub(super) cluster: Arc<dyn Cluster>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl TokenAuthenticator for Bootstrap {
    async fn authenticate(&self, token: &str, _asked: Asked<'_>) -> Outcome {
        let Some((id, password)) = split(token) else {
            return Ok(None);
        };
        let name = format!("{SECRET_PREFIX}{id}");
        let Some(secret) = self.cluster.cached(&SECRETS, NAMESPACE, &name) else {
            tracing::debug!(name, "no secret matches a bootstrap token");
            return Ok(None);
        };
        let now = Time::from_unix_nanos(i128::from(self.clock.wall_ms()) * 1_000_000);
        match groups(&secret, id, password, now) {
            Ok(groups) => Ok(Some(Authenticated::user(User {
                name: format!("system:bootstrap:{id}").into(),
                groups,
                ..User::default()
            }))),
            Err(why) => {
                tracing::debug!(name, why, "a secret that matches a bootstrap token is not good");
                Ok(None)
            }
        }
    }
}

/// The id and the secret of a token: six and sixteen digits or small letters.
fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let word = |text: &str, length: usize| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    (word(id, 6) && word(secret, 16)).then_some((id, secret))
}

/// The groups of who has the token, or why it is not good.
fn groups(secret: &Tree, id: &str, password: &str, now: Time) -> Result<Vec<Text>, String> {
    if meta::is_deleting(secret) {
        return Err("it is deleted and awaiting removal".to_owned());
    }
    if secret.text("type") != SECRET_TYPE {
        return Err(format!("it has an invalid type, expected {SECRET_TYPE}"));
    }
    if !bool::from(data(secret, "token-secret").ct_eq(password.as_bytes())) {
        return Err("it has an invalid value for key token-secret".to_owned());
    }
    if data(secret, "token-id") != id.as_bytes() {
        return Err("it has an invalid value for key token-id".to_owned());
    }
    let text = |key: &str| String::from_utf8_lossy(&data(secret, key)).into_owned();
    let expires = text("expiration");
    if !expires.is_empty() && !Time::parse(&expires).is_ok_and(|expires| expires > now) {
        return Err(format!("it expired at {expires}"));
    }
    if text("usage-bootstrap-authentication") != "true" {
        return Err("it is not marked usage-bootstrap-authentication=true".to_owned());
    }
    let mut groups = BTreeSet::from([Text::from(GROUP)]);
    let extra = text("auth-extra-groups");
    for group in extra.split(',').filter(|_| !extra.is_empty()) {
        if !is_group(group) {
            let group = quote(group);
            return Err(format!(
                "bootstrap group {group} is invalid (must match {GROUP_PATTERN})"
            ));
        }
        groups.insert(group.into());
    }
    Ok(groups.into_iter().collect())
}

/// Whether it is as [`GROUP_PATTERN`] says.
fn is_group(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    let Some(rest) = name.strip_prefix("system:bootstrappers:") else {
        return false;
    };
    rest.len() <= 256
        && rest.bytes().next_back().is_some_and(plain)
        && rest.bytes().all(|byte| plain(byte) || matches!(byte, b':' | b'-'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::trial::{Objects, Trial, secret};
    use super::Bootstrap;

    const TOKEN: &str = "abcdef.0123456789abcdef";

    /// A good one, with these changes.
    fn part(changes: &[(&str, &str)]) -> (Trial, Bootstrap) {
        let mut data = vec![
            ("token-id", "abcdef"),
            ("token-secret", "0123456789abcdef"),
            ("usage-bootstrap-authentication", "true"),
        ];
        for (key, value) in changes {
            data.retain(|(known, _)| known != key);
            data.push((key, value));
        }
        let secret = secret(
            "kube-system",
            "bootstrap-token-abcdef",
            "bootstrap.kubernetes.io/token",
            &data,
        );
        let trial = Trial::new();
        let bootstrap = Bootstrap {
            cluster: Arc::new(Objects::of([("secrets", secret)])),
            clock: Arc::new(trial.clock.clone()),
        };
        (trial, bootstrap)
    }

    async fn groups(changes: &[(&str, &str)], token: &str) -> Option<Vec<String>> {
        let (trial, part) = part(changes);
        let user = trial.ask_token(&part, token).await.unwrap()?.user;
        assert_eq!(&*user.name, "system:bootstrap:abcdef");
        Some(user.groups.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn who_has_the_token_is_one_of_those_who_join() {
        assert_eq!(groups(&[], TOKEN).await.unwrap(), ["system:bootstrappers"]);
        let more = "system:bootstrappers:z,system:bootstrappers:kubeadm:default-node-token";
        assert_eq!(
            groups(&[("auth-extra-groups", more)], TOKEN).await.unwrap(),
            [
                "system:bootstrappers",
                "system:bootstrappers:kubeadm:default-node-token",
                "system:bootstrappers:z"
            ]
        );
    }

    #[tokio::test]
    async fn what_does_not_fit_is_nobody_s() {
        for token in [
            "abcdef.0123456789abcdeX",
            "abcdef.0123456789abcdee",
            "abcde.0123456789abcdef",
            "x",
            "",
        ] {
            assert_eq!(groups(&[], token).await, None, "{token}");
        }
        for (key, value) in [
            ("token-id", "abcdeg"),
            ("usage-bootstrap-authentication", "True"),
            ("auth-extra-groups", "system:masters"),
            ("auth-extra-groups", "system:bootstrappers:"),
            ("expiration", "soon"),
        ] {
            assert_eq!(groups(&[(key, value)], TOKEN).await, None, "{key}={value}");
        }
    }

    #[tokio::test]
    async fn it_is_good_until_it_expires() {
        let (trial, part) = part(&[("expiration", "2026-01-01T00:00:10Z")]);
        assert!(trial.ask_token(&part, TOKEN).await.unwrap().is_some());
        trial.clock.advance(Duration::from_secs(10));
        assert!(trial.ask_token(&part, TOKEN).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_secret_of_another_type_or_on_its_way_out_is_none() {
        let data = [
            ("token-id", "abcdef"),
            ("token-secret", "0123456789abcdef"),
            ("usage-bootstrap-authentication", "true"),
        ];
        for deleted in [false, true] {
            let kind = if deleted {
                "bootstrap.kubernetes.io/token"
            } else {
                "Opaque"
            };
            let mut secret = secret("kube-system", "bootstrap-token-abcdef", kind, &data);
            if deleted {
                apiserver_api::meta::set(&mut secret, "deletionTimestamp", "2026-01-01T00:00:00Z");
            }
            let trial = Trial::new();
            let part = Bootstrap {
                cluster: Arc::new(Objects::of([("secrets", secret)])),
                clock: Arc::new(trial.clock.clone()),
            };
            assert_eq!(trial.ask_token(&part, TOKEN).await, Ok(None));
        }
    }
}
