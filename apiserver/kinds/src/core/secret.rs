//! `Secret`: what must not be seen by everyone, as keys and values.

mod certificate;
mod key_pair;
mod private_key;
#[cfg(test)]
mod samples;

use apiserver_api::meta;
use apiserver_api::names::config_map_key;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{self, Tree};

use super::base64;
use super::metadata::validate_metadata_update;
use crate::check::immutable;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::selection::{Selectable, Selection};

const TYPE: &str = "io.k8s.api.core.v1.Secret";
/// The most bytes of all values together.
const MOST: usize = 1 << 20;
/// The type of a secret that says none.
const OPAQUE: &str = "Opaque";
/// The type of a certificate with its key, and where the two stand.
const TLS: &str = "kubernetes.io/tls";
const TLS_CERTIFICATE: &str = "tls.crt";
const TLS_KEY: &str = "tls.key";
/// The annotation of a token that names its service account.
const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account.name";

/// The entry of the table.
pub(crate) const SECRET: Kind = Kind {
    kind: "Secret",
    plural: "secrets",
    singular: "secret",
    versions: &[Version::stored("v1", TYPE)],
    folder: "secrets",
    rules: &Secret,
    columns: &[
        NAME,
        Column {
            name: "Type",
            kind: "string",
            format: "",
            words: Words::Of(TYPE, "type"),
            priority: 0,
            cell: Cell::Is(|object| object.text("type").into()),
        },
        Column {
            name: "Data",
            kind: "string",
            format: "",
            words: Words::Of(TYPE, "data"),
            priority: 0,
            cell: Cell::Is(|object| (object.entries("data").len() as i64).into()),
        },
        AGE,
    ],
    selection: Selection {
        labels: &["metadata.name", "metadata.namespace", "type"],
        fields: &[Selectable::text("type")],
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

struct Secret;

impl Rules for Secret {
    fn default(&self, object: &mut Tree) {
        // Values that were given as text are written over those in base64.
        if let Some(Tree::Map(text)) = object.remove("stringData") {
            for (key, value) in text {
                let value = base64::encode(value.as_str().unwrap_or_default().as_bytes());
                object.child("data").set(&key, value);
            }
        }
        if object.text("type").is_empty() {
            object.set("type", OPAQUE);
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        let path = Path::of("data");
        let mut size = 0;
        for (key, value) in object.entries("data").iter() {
            for message in config_map_key(key) {
                refusals.invalid(&path.key(key), key, &message);
            }
            size += base64::decoded_len(value.as_str().unwrap_or_default());
        }
        if size > MOST {
            refusals.too_long(&path, MOST);
        }
        validate_type(object, refusals);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        immutable(&Path::of("type"), object.at("type"), old.at("type"), refusals);
        if old.flag("immutable") {
            let detail = "field is immutable when `immutable` is set";
            if !object.flag("immutable") {
                refusals.forbidden(&Path::of("immutable"), detail);
            }
            // No data is told from none at all.
            if object.at("data") != old.at("data") {
                refusals.forbidden(&Path::of("data"), detail);
            }
        }
        self.validate(asked, object, refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        if object.text("type") != TLS {
            return Vec::new();
        }
        let value = |key: &str| base64::decode(object.at("data").text(key));
        let fit = key_pair::check(&value(TLS_CERTIFICATE), &value(TLS_KEY));
        Vec::from_iter(fit.err())
    }
}

/// What each type of secret must have.
fn validate_type(object: &Tree, refusals: &mut Refusals) {
    let path = Path::of("data");
    let data = object.entries("data");
    let must_have = |key: &str, refusals: &mut Refusals| {
        if !data.contains(key) {
            refusals.required(&path.key(key), "");
        }
    };
    match object.text("type") {
        "kubernetes.io/service-account-token"
            if meta::annotation(object, SERVICE_ACCOUNT).unwrap_or_default().is_empty() =>
        {
            let metadata = Path::of("metadata");
            refusals.required(&metadata.field("annotations").key(SERVICE_ACCOUNT), "");
        }
        "kubernetes.io/dockercfg" => validate_json(object, ".dockercfg", refusals),
        "kubernetes.io/dockerconfigjson" => validate_json(object, ".dockerconfigjson", refusals),
        "kubernetes.io/basic-auth" if !data.contains("username") && !data.contains("password") => {
            must_have("username", refusals);
            must_have("password", refusals);
        }
        "kubernetes.io/ssh-auth" => {
            let key = object.at("data").text("ssh-privatekey");
            if key.is_empty() {
                refusals.required(&path.key("ssh-privatekey"), "");
            }
        }
        TLS => {
            must_have(TLS_CERTIFICATE, refusals);
            must_have(TLS_KEY, refusals);
        }
        _ => {}
    }
}

/// A key whose value must be a JSON object. The value itself is not told.
fn validate_json(object: &Tree, key: &str, refusals: &mut Refusals) {
    let path = Path::of("data");
    let path = path.key(key);
    let Some(value) = object.entries("data").get(key) else {
        return refusals.required(&path, "");
    };
    let json = base64::decode(value.as_str().unwrap_or_default());
    let detail = match tree::parse(&json) {
        Err(error) => error.to_string(),
        Ok(parsed) => match parsed.tree {
            Tree::Map(_) | Tree::Null => return,
            other => {
                let found = other.type_name();
                format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}")
            }
        },
    };
    refusals.invalid(&path, "<secret contents redacted>", &detail);
}

#[cfg(test)]
mod tests {
    use super::SECRET;
    use crate::trial::{create, refused, update, warnings};

    #[test]
    fn text_becomes_data() {
        let secret = create(
            &SECRET,
            r#"{"data": {"a": "dg=="}, "stringData": {"a": "va", "b": ""}}"#,
        )
        .unwrap();
        assert_eq!(secret.at("data").text("a"), "dmE=");
        assert!(secret.at("data").has("b") && !secret.has("stringData"));
        assert_eq!(secret.text("type"), "Opaque");
    }

    #[test]
    fn each_type_has_its_keys() {
        for (json, field) in [
            (
                r#"{"type": "kubernetes.io/tls", "stringData": {"tls.crt": ""}}"#,
                "data[tls.key]: Required value",
            ),
            (
                r#"{"type": "kubernetes.io/ssh-auth", "stringData": {"ssh-privatekey": ""}}"#,
                "data[ssh-privatekey]: Required value",
            ),
            (
                r#"{"type": "kubernetes.io/dockercfg"}"#,
                "data[.dockercfg]: Required value",
            ),
            (
                r#"{"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "1"}}"#,
                r#"data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal number into Go value of type map[string]interface {}"#,
            ),
            (
                r#"{"type": "kubernetes.io/service-account-token"}"#,
                "metadata.annotations[kubernetes.io/service-account.name]: Required value",
            ),
        ] {
            assert_eq!(refused(&SECRET, json), [field]);
        }
        let both = refused(&SECRET, r#"{"type": "kubernetes.io/basic-auth"}"#);
        assert_eq!(
            both,
            ["data[username]: Required value", "data[password]: Required value"]
        );
        for json in [
            r#"{"type": "kubernetes.io/tls", "stringData": {"tls.crt": "", "tls.key": ""}}"#,
            r#"{"type": "kubernetes.io/dockercfg", "stringData": {".dockercfg": "{}"}}"#,
            r#"{"type": "mine"}"#,
        ] {
            assert!(refused(&SECRET, json).is_empty(), "{json}");
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_told() {
        let secret = |of: &str| format!(r#"{{"type": "{of}", "stringData": {{"tls.crt": "", "tls.key": ""}}}}"#);
        assert_eq!(
            warnings(&SECRET, &secret("kubernetes.io/tls")),
            ["tls: failed to find any PEM data in certificate input"]
        );
        assert!(warnings(&SECRET, &secret("mine")).is_empty());
    }

    #[test]
    fn the_type_stays_and_an_immutable_secret_stays() {
        let refused = |old, new| update(&SECRET, old, new).err().unwrap_or_default();
        assert!(refused("{}", r#"{"stringData": {"a": "b"}}"#).is_empty());
        let told = refused("{}", r#"{"type": "a"}"#);
        assert_eq!(told, [r#"type: Invalid value: "a": field is immutable"#]);
        let told = refused(r#"{"immutable": true}"#, r#"{"data": {"a": "dg=="}}"#);
        assert_eq!(told.len(), 2);
    }
}
