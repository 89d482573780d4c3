//! JSON Web Tokens: signed by a key that all members are given, and good until they expire or the rights change.

use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Header, Validation};
use proto::fault::Fault;
use serde::{Deserialize, Serialize};

use super::keys::{Keys, keys};
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
    keys: Keys,
    ttl: Duration,
}

#[derive(Default)]
struct Options {
    method: Option<String>,
    public: Vec<u8>,
    private: Vec<u8>,
    ttl: Option<Duration>,
}

impl Jwt {
    /// Reads the options behind `jwt,`.
    pub(super) fn new(text: &str) -> std::result::Result<Self, Error> {
        let options = Options::parse(text)?;
        let name = options.method.unwrap_or_default();
        let algorithm: Algorithm = name
            .parse()
            .map_err(|_| invalid(&format!("sign-method '{name}': auth: invalid auth signature method")))?;
        Ok(Self {
            algorithm,
            keys: keys(algorithm, &options.private, &options.public)?,
            ttl: options.ttl.unwrap_or(TTL),
        })
    }

    pub(super) fn issue(&self, user: &str, revision: u64, now_ms: u64) -> Result<String> {
        let Some(key) = &self.keys.sign else {
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
        let read = jsonwebtoken::decode::<Claims>(token, &self.keys.verify, &validation);
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

/// Upstream's words, and the reason, which upstream only logs.
fn invalid(why: &str) -> Error {
    Error(format!("auth: invalid auth options: {why}"))
}

impl Options {
    fn parse(text: &str) -> std::result::Result<Self, Error> {
        let mut options = BTreeMap::new();
        for option in text.split(',') {
            let (name, value) = option
                .split_once('=')
                .filter(|(_, value)| !value.contains('='))
                .ok_or_else(|| invalid(&format!("'{option}' is not of the form option=value")))?;
            if options.insert(name, value).is_some() {
                return Err(invalid(&format!("{name} is given twice")));
            }
        }
        let mut take = |name| options.remove(name).filter(|value| !value.is_empty());
        let file = |path: Option<&str>| {
            let read = path.map(|path| std::fs::read(path).map_err(|error| invalid(&format!("open {path}: {error}"))));
            read.transpose().map(Option::unwrap_or_default)
        };
        let ttl = take("ttl").map(|ttl| base::flags::duration("auth-token", ttl));
        let parsed = Self {
            ttl: ttl.transpose().map_err(|error| invalid(&error.to_string()))?,
            public: file(take("pub-key"))?,
            private: file(take("priv-key"))?,
            method: take("sign-method").map(str::to_owned),
        };
        if !options.is_empty() {
            let keys = options.into_keys().collect::<Vec<_>>().join(",");
            tracing::warn!(keys, "unknown JWT options");
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

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

    /// Files made by openssl, as an operator makes them.
    struct Files(tempfile::TempDir);

    impl Files {
        /// None without openssl.
        fn new() -> Option<Self> {
            let files = Self(tempfile::tempdir().unwrap());
            Command::new("openssl").arg("version").output().ok()?;
            for line in [
                "genrsa -traditional -out rsa.key 2048",
                "rsa -in rsa.key -pubout -out rsa.pub",
                "rsa -in rsa.key -RSAPublicKey_out -out rsa.pub1",
                "req -x509 -new -key rsa.key -subj /CN=x -out rsa.crt",
                "pkcs8 -topk8 -nocrypt -in rsa.key -out rsa8.key",
                "genrsa -out other.key 2048",
                "rsa -in other.key -pubout -out other.pub",
                "ecparam -name prime256v1 -genkey -noout -out ec.key",
                "pkcs8 -topk8 -nocrypt -in ec.key -out ec8.key",
                "ec -in ec.key -pubout -out ec.pub",
                "ecparam -name secp384r1 -genkey -noout -out ec384.key",
                "genpkey -algorithm ed25519 -out ed.key",
                "pkey -in ed.key -pubout -out ed.pub",
            ] {
                let mut openssl = Command::new("openssl");
                let done = openssl.args(line.split(' ')).current_dir(&files.0).output().unwrap();
                assert!(done.status.success(), "{line}: {done:?}");
            }
            std::fs::write(files.0.path().join("empty"), "").unwrap();
            Some(files)
        }

        /// Names of files stand in angle brackets.
        fn jwt(&self, options: &str) -> std::result::Result<Jwt, Error> {
            let dir = format!("{}/", self.0.path().display());
            Jwt::new(&options.replace('<', &dir).replace('>', ""))
        }
    }

    #[test]
    fn a_private_key_alone_signs_and_verifies() {
        let Some(files) = Files::new() else {
            return eprintln!("SKIPPED: no openssl in PATH");
        };
        for (methods, private, publics) in [
            (
                &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..],
                &["rsa.key", "rsa8.key"][..],
                &["rsa.pub", "rsa.pub1", "rsa.crt"][..],
            ),
            (&["ES256"], &["ec.key", "ec8.key"], &["ec.pub"]),
            (&["ES384"], &["ec384.key"], &[]),
            (&["EdDSA"], &["ed.key"], &["ed.pub"]),
        ] {
            for (method, private) in methods
                .iter()
                .flat_map(|method| private.iter().map(move |key| (method, key)))
            {
                let alone = files
                    .jwt(&format!("sign-method={method},priv-key=<{private}>"))
                    .unwrap();
                let token = alone.issue("root", 7, 1_000_000).unwrap();
                assert_eq!(alone.read(&token, 1_000_000).unwrap().revision, 7, "{method} {private}");
                for public in publics {
                    let both = format!("sign-method={method},priv-key=<{private}>,pub-key=<{public}>");
                    assert!(files.jwt(&both).unwrap().read(&token, 1_000_000).is_ok(), "{both}");
                    let reader = files.jwt(&format!("sign-method={method},pub-key=<{public}>")).unwrap();
                    assert!(reader.read(&token, 1_000_000).is_ok(), "{method} {public}");
                    let refused = reader.issue("root", 7, 1_000_000).unwrap_err().to_string();
                    assert_eq!(refused, "auth: token signing attempted with verify-only key");
                }
            }
        }
    }

    #[test]
    fn keys_that_do_not_fit_are_refused_with_upstreams_words() {
        let Some(files) = Files::new() else {
            return eprintln!("SKIPPED: no openssl in PATH");
        };
        for (options, part) in [
            ("sign-method=RS256", "auth: missing key data"),
            ("sign-method=RS256,priv-key=<empty>", "auth: missing key data"),
            ("sign-method=ES256", "auth: missing key data"),
            ("sign-method=HS256", "auth: missing key data"),
            ("sign-method=HS256,pub-key=<rsa.pub>", "auth: missing key data"),
            ("sign-method=HS256,priv-key=<empty>", "auth: missing key data"),
            (
                "sign-method=RS256,priv-key=<rsa.key>,pub-key=<other.pub>",
                "auth: public and private keys don't match",
            ),
            (
                "sign-method=RS256,priv-key=<ec.key>",
                "key is not a valid RSA private key",
            ),
            (
                "sign-method=RS256,pub-key=<ec.pub>",
                "key is not a valid RSA public key",
            ),
            (
                "sign-method=RS256,priv-key=<rsa.pub>",
                "key is not a valid RSA private key",
            ),
            (
                "sign-method=ES256,priv-key=<rsa.key>",
                "key is not a valid ECDSA private key",
            ),
            (
                "sign-method=ES256,priv-key=<ec384.key>",
                "key is not a valid ECDSA private key",
            ),
            (
                "sign-method=ES256,pub-key=<rsa.crt>",
                "key is not a valid ECDSA public key",
            ),
            (
                "sign-method=EdDSA,priv-key=<rsa.key>",
                "key is not a valid Ed25519 private key",
            ),
        ] {
            let said = files.jwt(options).err().map(|error| error.to_string());
            assert!(
                said.as_ref().is_some_and(|said| said.contains(part)),
                "{options}: {said:?}"
            );
        }
        assert!(
            files.jwt("a=b,sign-method=HS256,priv-key=<rsa.key>").is_ok(),
            "warned of only"
        );
    }

    #[test]
    fn bad_options_say_what_is_wrong() {
        for (text, part) in [
            ("", "'' is not of the form"),
            ("ttl=1m", "auth: invalid auth signature method"),
            ("sign-method=XX", "XX"),
            ("sign-method", "'sign-method' is not of the form"),
            ("sign-method=HS256,sign-method=HS512", "sign-method is given twice"),
            ("sign-method=HS256,priv-key=/nowhere", "open /nowhere: "),
            ("sign-method=HS256,ttl=x", "\"x\""),
        ] {
            let said = Jwt::new(text).err().map(|error| error.to_string());
            let said = said.unwrap_or_default();
            assert!(
                said.starts_with("--auth-token: auth: invalid auth options: ") && said.contains(part),
                "{text}: {said}"
            );
        }
    }
}
