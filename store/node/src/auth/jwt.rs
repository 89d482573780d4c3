//! JSON Web Tokens: signed by a key that all members are given, and good until they expire or the rights change.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use proto::fault::Fault;
use serde::{Deserialize, Serialize};

use super::tokens::Error;
use crate::caller::Who;
use crate::error::Result;

/// Life of a token unless `ttl` says else; upstream's number.
const TTL: Duration = Duration::from_secs(300);

/// What a token says; upstream's names.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    username: String,
    revision: u64,
    exp: u64,
}

/// Keys and options from `--auth-token=jwt,...`.
pub(crate) struct Jwt {
    algorithm: Algorithm,
    /// None where only a public key is given: such a member reads tokens and issues none.
    sign: Option<EncodingKey>,
    verify: DecodingKey,
    ttl: Duration,
}

#[derive(Default)]
struct Options {
    method: Option<String>,
    public: Option<Vec<u8>>,
    private: Option<Vec<u8>>,
    ttl: Option<Duration>,
}

impl Jwt {
    /// Reads the options behind `jwt,`.
    pub(super) fn new(text: &str) -> std::result::Result<Self, Error> {
        let options = Options::parse(text)?;
        let name = options
            .method
            .ok_or_else(|| Error("jwt needs sign-method".to_owned()))?;
        let algorithm: Algorithm = name
            .parse()
            .map_err(|_| Error(format!("unknown sign-method '{name}'")))?;
        let bad =
            |what: &str, error: jsonwebtoken::errors::Error| Error(format!("{what} does not fit {name}: {error}"));
        let (sign, verify) = if name.starts_with("HS") {
            let secret = options.private.ok_or_else(|| Error(format!("{name} needs priv-key")))?;
            (
                Some(EncodingKey::from_secret(&secret)),
                DecodingKey::from_secret(&secret),
            )
        } else {
            let public = options.public.ok_or_else(|| Error(format!("{name} needs pub-key")))?;
            let verify = verify_key(&name, &public).map_err(|error| bad("pub-key", error))?;
            let private = options.private.map(|private| sign_key(&name, &private));
            (private.transpose().map_err(|error| bad("priv-key", error))?, verify)
        };
        Ok(Self {
            algorithm,
            sign,
            verify,
            ttl: options.ttl.unwrap_or(TTL),
        })
    }

    pub(super) fn issue(&self, user: &str, revision: u64, now_ms: u64) -> Result<String> {
        let Some(key) = &self.sign else {
            return Err(crate::Error::unknown(
                "auth: token signing attempted with verify-only key",
            ));
        };
        let exp = now_ms / 1000 + self.ttl.as_secs();
        let claims = Claims {
            username: user.to_owned(),
            revision,
            exp,
        };
        jsonwebtoken::encode(&Header::new(self.algorithm), &claims, key).map_err(|error| {
            tracing::warn!(%error, "failed to sign a JWT token");
            crate::Error::Fault(Fault::AuthFailed)
        })
    }

    pub(super) fn read(&self, token: &str, now_ms: u64) -> Result<Who> {
        let mut validation = Validation::new(self.algorithm);
        // Time is the member's clock, not the library's.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let read = jsonwebtoken::decode::<Claims>(token, &self.verify, &validation);
        let claims = read.map_err(|error| {
            tracing::warn!(%error, "failed to parse a JWT token");
            crate::Error::Fault(Fault::InvalidAuthToken)
        })?;
        if claims.claims.exp <= now_ms / 1000 {
            return Err(Fault::InvalidAuthToken.into());
        }
        Ok(Who {
            user: claims.claims.username,
            revision: claims.claims.revision,
        })
    }
}

impl Options {
    fn parse(text: &str) -> std::result::Result<Self, Error> {
        let mut options = Self::default();
        let read = |path: &str| std::fs::read(path).map_err(|error| Error(format!("cannot read {path}: {error}")));
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let Some((name, value)) = option.split_once('=') else {
                return Err(Error(format!("'{option}' is not of the form option=value")));
            };
            match name {
                "sign-method" => options.method = Some(value.to_owned()),
                "pub-key" => options.public = Some(read(value)?),
                "priv-key" => options.private = Some(read(value)?),
                "ttl" => {
                    let ttl = base::flags::duration("auth-token", value).map_err(|error| Error(error.to_string()))?;
                    options.ttl = Some(ttl);
                }
                _ => return Err(Error(format!("unknown option '{name}'"))),
            }
        }
        Ok(options)
    }
}

fn verify_key(method: &str, pem: &[u8]) -> jsonwebtoken::errors::Result<DecodingKey> {
    match method {
        "EdDSA" => DecodingKey::from_ed_pem(pem),
        method if method.starts_with("ES") => DecodingKey::from_ec_pem(pem),
        _ => DecodingKey::from_rsa_pem(pem),
    }
}

fn sign_key(method: &str, pem: &[u8]) -> jsonwebtoken::errors::Result<EncodingKey> {
    match method {
        "EdDSA" => EncodingKey::from_ed_pem(pem),
        method if method.starts_with("ES") => EncodingKey::from_ec_pem(pem),
        _ => EncodingKey::from_rsa_pem(pem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hs256() -> (tempfile::TempDir, Jwt) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "a secret of some length").unwrap();
        let jwt = Jwt::new(&format!("sign-method=HS256,priv-key={},ttl=10m", path.display())).unwrap();
        (dir, jwt)
    }

    #[test]
    fn a_token_names_its_user_until_it_expires() {
        let (_dir, jwt) = hs256();
        let token = jwt.issue("root", 7, 1_000_000).unwrap();
        assert_eq!(
            jwt.read(&token, 1_000_000).unwrap(),
            Who {
                user: "root".to_owned(),
                revision: 7
            }
        );
        assert!(jwt.read(&token, 1_600_000).is_err());
        assert!(jwt.read(&format!("{token}x"), 1_000_000).is_err());
    }

    #[test]
    fn bad_options_say_what_is_wrong() {
        for (text, part) in [
            ("", "sign-method"),
            ("sign-method=XX", "XX"),
            ("sign-method=RS256", "pub-key"),
            ("a=b", "'a'"),
        ] {
            assert!(
                Jwt::new(text)
                    .err()
                    .is_some_and(|error| error.to_string().contains(part)),
                "{text}"
            );
        }
    }
}
