//! A token among the protocols of a web socket, for browsers, which cannot set other headers.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Authenticator, Credentials, Headers, Outcome, Refused, TokenAuthenticator, invalid_bearer_token};

const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

/// Takes `Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.<token>, other`.
pub(super) struct WebSocket(pub(super) Arc<dyn TokenAuthenticator>);

#[async_trait]
impl Authenticator for WebSocket {
    async fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        if !is_web_socket(credentials.headers) {
            return Ok(None);
        }
        let Some(token) = token(credentials.headers)? else {
            return Ok(None);
        };
        let outcome = self.0.authenticate(&token, credentials.into()).await?;
        Ok(Some(outcome.ok_or_else(invalid_bearer_token)?))
    }
}

fn is_web_socket(headers: Headers<'_>) -> bool {
    let upgrades = |line: Cow<'_, str>| line.to_ascii_lowercase().contains("upgrade");
    headers.first("Upgrade").eq_ignore_ascii_case("websocket") && headers.values("Connection").any(upgrades)
}

/// The token. There have to be other protocols, one of which the server answers with.
fn token(headers: Headers<'_>) -> Result<Option<String>, Refused> {
    let (mut token, mut is_alone) = (None, true);
    for header in headers.values("Sec-WebSocket-Protocol") {
        for protocol in header.split(',').map(str::trim) {
            let Some(encoded) = protocol.strip_prefix(PREFIX) else {
                is_alone = false;
                continue;
            };
            if token.is_some() {
                return Err(Refused::new("multiple base64.bearer.authorization tokens specified"));
            }
            let decoded = URL_SAFE_NO_PAD
                .decode(encoded)
                .map_err(|_| Refused::new("invalid base64.bearer.authorization token encoding"))?;
            let decoded =
                String::from_utf8(decoded).map_err(|_| Refused::new("invalid base64.bearer.authorization token"))?;
            token = Some(decoded);
        }
    }
    match token.filter(|token| !token.is_empty()) {
        Some(_) if is_alone => Err(Refused::new("missing additional subprotocol")),
        token => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::trial::{OneToken, Trial, nobody};
    use super::WebSocket;

    /// `secret`.
    const TOKEN: &str = "base64url.bearer.authorization.k8s.io.c2VjcmV0";

    fn socket(protocols: &[&'static str]) -> Trial {
        let mut trial = Trial::new()
            .header("connection", "keep-alive")
            .header("connection", "Upgrade")
            .header("upgrade", "WebSocket");
        for protocol in protocols {
            trial = trial.header("sec-websocket-protocol", protocol);
        }
        trial
    }

    fn part() -> WebSocket {
        WebSocket(Arc::new(OneToken("secret", "jane")))
    }

    #[tokio::test]
    async fn the_token_stands_among_the_protocols() {
        let both = format!("v5.channel.k8s.io, {TOKEN}");
        let found = socket(&[both.leak(), "v4.channel.k8s.io"]).ask(&part()).await;
        let found = found.unwrap().unwrap();
        assert_eq!(&*found.user.name, "jane");
    }

    #[tokio::test]
    async fn only_web_sockets_have_protocols() {
        let plain = Trial::new().header("sec-websocket-protocol", TOKEN);
        assert_eq!(plain.ask(&part()).await, nobody());
        assert_eq!(socket(&["v5.channel.k8s.io"]).ask(&part()).await, nobody());
        assert_eq!(socket(&[]).ask(&part()).await, nobody());
    }

    #[tokio::test]
    async fn what_is_wrong_with_it_is_told() {
        for (protocols, reason) in [
            (&[TOKEN][..], "missing additional subprotocol"),
            (&[TOKEN, TOKEN], "multiple base64.bearer.authorization tokens specified"),
            (
                &["base64url.bearer.authorization.k8s.io.c2V+"],
                "invalid base64.bearer.authorization token encoding",
            ),
            (
                &["base64url.bearer.authorization.k8s.io._w"],
                "invalid base64.bearer.authorization token",
            ),
            (
                &["a", "base64url.bearer.authorization.k8s.io.b3RoZXI"],
                "invalid bearer token",
            ),
        ] {
            let refused = socket(protocols).ask(&part()).await.unwrap_err();
            assert_eq!(refused.to_string(), reason);
        }
    }
}
