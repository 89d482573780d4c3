//! The claims that all tokens share (RFC 7519).

use apiserver_api::tree::{Text, Tree};

use super::super::Refused;

/// What a token says of itself. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::authenticate) struct Public {
    pub(super) subject: Text,
    pub(super) audiences: Vec<Text>,
    pub(super) expires: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) issued: Option<i64>,
    pub(super) id: Text,
}

impl Public {
    /// Reads them.
    ///
    /// # Errors
    /// One is of another type than it must be.
    pub(super) fn read(payload: &Tree) -> Result<Self, Refused> {
        Ok(Self {
            subject: text(payload, "sub")?,
            audiences: audiences(payload)?,
            expires: time(payload, "exp")?,
            not_before: time(payload, "nbf")?,
            issued: time(payload, "iat")?,
            id: text(payload, "jti")?,
        })
    }
}

fn text(payload: &Tree, claim: &str) -> Result<Text, Refused> {
    match payload.at(claim) {
        Tree::Null => Ok(Text::default()),
        Tree::Text(text) => Ok(text.clone()),
        other => Err(Refused::new(format!(
            "json: cannot unmarshal {} into Go struct field Claims.{claim} of type string",
            other.type_name()
        ))),
    }
}

/// One or several.
fn audiences(payload: &Tree) -> Result<Vec<Text>, Refused> {
    let one = |tree: &Tree| tree.as_str().map(Text::from);
    let read = match payload.get("aud") {
        None => Some(Vec::new()),
        Some(Tree::List(items)) => items.iter().map(one).collect(),
        Some(other) => one(other).map(|audience| vec![audience]),
    };
    read.ok_or_else(|| Refused::new("go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience"))
}

/// A time in seconds; what is finer is cut off. Also read from claims of Kubernetes' own.
pub(super) fn time(payload: &Tree, claim: &str) -> Result<Option<i64>, Refused> {
    match payload.at(claim) {
        Tree::Null => Ok(None),
        Tree::Int(seconds) => Ok(Some(*seconds)),
        Tree::Number(seconds) if seconds.as_f64().is_finite() => Ok(Some(seconds.as_f64() as i64)),
        _ => Err(Refused::new(
            "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate",
        )),
    }
}
