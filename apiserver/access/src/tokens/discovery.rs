//! The two documents by which others verify our tokens: the issuer's configuration and its keys (Discovery of OIDC).

use apiserver_api::tree::quoted;

use super::{Error, Keys, PublicKey};

/// Where the configuration is served.
pub const CONFIGURATION_PATH: &str = "/.well-known/openid-configuration";
/// Where the keys are served.
pub const KEYS_PATH: &str = "/openid/v1/jwks";
/// For how many seconds clients may keep the documents (`Cache-Control: public, max-age=3600`).
pub const MAX_AGE_SECONDS: u32 = 3600;

/// The documents as they are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// `application/json`.
    pub configuration: Vec<u8>,
    /// `application/jwk-set+json`.
    pub keys: Vec<u8>,
}

impl Metadata {
    /// Of an issuer and its keys. Where the keys are served can be said (`--service-account-jwks-uri`); if not, it is this
    /// server, at the address and port by which clients reach it.
    ///
    /// # Errors
    /// Upstream's: what is given does not fit the standard. Upstream then serves no such documents and runs on.
    pub fn new(issuer: &str, keys_uri: &str, external_address: &str, keys: &Keys) -> Result<Self, Error> {
        let wrong = |text: String| Err(Error::Discovery(text));
        if issuer.is_empty() {
            return wrong("empty issuer URL".to_owned());
        }
        if keys_uri.is_empty() && external_address.is_empty() {
            let text = "either the JWKS URI or the default external address, or both, must be set";
            return wrong(text.to_owned());
        }
        let url = Url::split(issuer);
        if !url.is_https {
            return wrong(format!("issuer URL must use https scheme, got: {issuer}"));
        }
        if url.has_query {
            return wrong(format!("issuer URL may not include a query, got: {issuer}"));
        }
        if url.has_fragment {
            return wrong(format!("issuer URL may not include a fragment, got: {issuer}"));
        }
        let keys_uri = if keys_uri.is_empty() {
            own_keys_uri(external_address)?
        } else if Url::split(keys_uri).is_https {
            keys_uri.to_owned()
        } else {
            return wrong(format!("jwksURI requires https scheme, parsed as: {keys_uri}"));
        };
        if keys.all().is_empty() {
            return wrong("no keys provided for validating keyset".to_owned());
        }
        Ok(Self {
            configuration: configuration(issuer, &keys_uri, keys),
            keys: key_set(keys),
        })
    }
}

/// As much of a URL as is checked.
struct Url {
    is_https: bool,
    has_query: bool,
    has_fragment: bool,
}

impl Url {
    fn split(text: &str) -> Self {
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let query = rest.split_once('?').map_or("", |(_, query)| query);
        let scheme = rest.split_once(':').map_or("", |(scheme, _)| scheme);
        Self {
            is_https: scheme.eq_ignore_ascii_case("https"),
            has_query: !query.is_empty(),
            has_fragment: !fragment.is_empty(),
        }
    }
}

fn own_keys_uri(address: &str) -> Result<String, Error> {
    if address.contains(['/', '?', '#', '@', '\\']) || address.contains(char::is_whitespace) {
        return Err(Error::Discovery(format!(
            "attempted to build jwks_uri from external address {address}, but could not construct a valid URL. Error: \
             it is not a host, or a host and a port"
        )));
    }
    Ok(format!("https://{address}{KEYS_PATH}"))
}

/// In the order of upstream's fields, so that the bytes are upstream's.
fn configuration(issuer: &str, keys_uri: &str, keys: &Keys) -> Vec<u8> {
    let mut algorithms: Vec<&str> = keys.all().iter().map(PublicKey::algorithm).collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    let mut out = b"{\"issuer\":".to_vec();
    quoted(issuer, &mut out);
    out.extend_from_slice(b",\"jwks_uri\":");
    quoted(keys_uri, &mut out);
    out.extend_from_slice(b",\"response_types_supported\":[\"id_token\"],\"subject_types_supported\":[\"public\"]");
    out.extend_from_slice(b",\"id_token_signing_alg_values_supported\":[");
    for (at, algorithm) in algorithms.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        quoted(algorithm, &mut out);
    }
    out.extend_from_slice(b"]}");
    out
}

fn key_set(keys: &Keys) -> Vec<u8> {
    let mut out = b"{\"keys\":[".to_vec();
    for (at, key) in keys.all().iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let parameters = key.parameters();
        let fields = [
            ("use", Some("sig")),
            ("kty", Some(parameters.kind)),
            ("kid", Some(key.id())),
        ];
        let more = [("crv", parameters.curve), ("alg", Some(key.algorithm()))];
        let numbers = parameters
            .numbers
            .iter()
            .map(|(name, value)| (*name, Some(value.as_str())));
        let mut before = b'{';
        for (name, value) in fields.into_iter().chain(more).chain(numbers) {
            let Some(value) = value else { continue };
            out.push(before);
            before = b',';
            quoted(name, &mut out);
            out.push(b':');
            quoted(value, &mut out);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
