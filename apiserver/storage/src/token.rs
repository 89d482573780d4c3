//! Where a list goes on that was cut off: upstream's continue token, which is JSON in base64.

mod fields;
mod letters;

use apiserver_api::tree::Tree;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::fields::Fields;

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The revision that is listed; negative for the newest.
    pub revision: i64,
    /// The first key that may be next, below the list's prefix.
    pub start: String,
}

/// The version of the form.
const VERSION: &str = "meta.k8s.io/v1";

/// A token makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is no base64 of JSON, or leaves the list's prefix.
    #[error("continue key is not valid: {0}")]
    Invalid(String),
    /// It names no revision.
    #[error("continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)")]
    Revision,
    /// It names no key.
    #[error("continue key is not valid: encoded start key empty (version meta.k8s.io/v1)")]
    Start,
    /// It is of a form that is not known.
    #[error("continue key is not valid: server does not recognize this encoded version {0}")]
    Version(String),
}

impl Token {
    /// As clients get it.
    pub fn encode(&self) -> String {
        let mut tree = Tree::map();
        tree.set("v", VERSION);
        tree.set("rv", self.revision);
        tree.set("start", self.start.as_str());
        URL_SAFE_NO_PAD.encode(tree.to_json())
    }

    /// Reads what a client sent.
    ///
    /// # Errors
    /// It makes no sense.
    pub fn decode(text: &str) -> Result<Self, BadToken> {
        let illegal = |at| BadToken::Invalid(format!("illegal base64 data at input byte {at}"));
        let json = letters::decode(text.as_bytes()).map_err(illegal)?;
        let Fields {
            version,
            revision,
            start,
        } = Fields::read(&json).map_err(BadToken::Invalid)?;
        if version != VERSION {
            return Err(BadToken::Version(version));
        }
        if revision == 0 {
            return Err(BadToken::Revision);
        }
        if start.is_empty() {
            return Err(BadToken::Start);
        }
        let rest = start.strip_prefix('/').unwrap_or(&start);
        // Nothing of another list is reached with dots; a slash alone is the list's beginning.
        if !rest.is_empty() && rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(BadToken::Invalid(start));
        }
        Ok(Self {
            revision,
            start: rest.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BadToken, Token};

    fn of(json: &str) -> Result<Token, BadToken> {
        use base64::Engine as _;
        Token::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json))
    }

    #[test]
    fn a_token_says_where_a_list_goes_on() {
        let token = Token {
            revision: 12,
            start: "ns/name\0".to_owned(),
        };
        assert_eq!(Token::decode(&token.encode()).unwrap(), token);
    }

    #[test]
    fn a_slash_alone_is_where_the_list_begins() {
        let start = |start: &str| of(&format!(r#"{{"v":"meta.k8s.io/v1","rv":1,"start":"{start}"}}"#)).ok();
        let found = |text: &str| start(text).map(|token| token.start);
        assert_eq!((found("/"), found("/a")), (Some(String::new()), Some("a".to_owned())));
        assert_eq!((found("//"), found("a/"), found("/a/.")), (None, None, None));
    }

    #[test]
    fn a_token_that_makes_no_sense_is_refused_in_upstreams_words() {
        let text = |found: Result<Token, BadToken>| found.unwrap_err().to_string();
        let invalid = "continue key is not valid: ";
        assert_eq!(
            text(Token::decode("x")),
            format!("{invalid}illegal base64 data at input byte 0")
        );
        assert_eq!(
            text(of(r#"{"v":"meta.k8s.io/v1","rv":-1,"start":""}"#)),
            format!("{invalid}encoded start key empty (version meta.k8s.io/v1)")
        );
        assert_eq!(
            text(of(r#"{"v":"meta.k8s.io/v1","start":"a"}"#)),
            format!("{invalid}incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        );
        assert_eq!(
            text(of(r#"{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/a"}"#)),
            format!("{invalid}../secrets/a")
        );
        assert_eq!(
            text(of(r#"{"v":"v9"}"#)),
            format!("{invalid}server does not recognize this encoded version v9")
        );
        assert_eq!(
            text(Token::decode("e30=")),
            format!("{invalid}illegal base64 data at input byte 3")
        );
        assert_eq!(
            text(of(r#"{"v":"meta.k8s.io/v1","rv":"x","start":"a"}"#)),
            format!("{invalid}json: cannot unmarshal string into Go struct field continueToken.rv of type int64")
        );
    }
}
