//! The body of a request: read within a limit, and decoded as the content type says.

use apiserver_api::go;
use apiserver_api::gvk::GroupVersionKind;
use apiserver_api::status::Status;
use apiserver_api::tree::{self, Tree};
use apiserver_api::yaml;
use apiserver_schema::protobuf;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::media;
use crate::answer::NOT_MARSHALABLE;
use crate::decode::{Expected, type_of};

/// The most bytes that a body may have; upstream's limit.
pub(crate) const BODY_MAX: usize = 3 * 1024 * 1024;

/// Reads a body to its end.
///
/// # Errors
/// 413 where it is larger than [`BODY_MAX`], 400 where the client breaks off.
pub(crate) async fn read(mut body: Body) -> Result<Bytes, Status> {
    let mut all = BytesMut::new();
    let mut first = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Status::bad_request(format!("the body of the request ended early: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + first.len() + data.len() > BODY_MAX {
            return Err(Status::request_entity_too_large(format!("limit is {BODY_MAX}")));
        }
        // Most bodies come in one piece.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&first);
            first = Bytes::new();
            all.extend_from_slice(&data);
        }
    }
    Ok(if first.is_empty() { all.freeze() } else { first })
}

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Json,
    Yaml,
    Protobuf,
}

/// What the types are called that are understood.
const UNDERSTOOD: &[&str] = &[
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];

impl Content {
    /// What a content type names; nothing is JSON.
    ///
    /// # Errors
    /// 415 where it is not understood.
    pub(crate) fn of(header: &str) -> Result<Self, Status> {
        if header.is_empty() {
            return Ok(Self::Json);
        }
        match media::type_of(header).as_deref() {
            Some("application/json") => Ok(Self::Json),
            Some("application/yaml") => Ok(Self::Yaml),
            Some("application/vnd.kubernetes.protobuf") => Ok(Self::Protobuf),
            _ => Err(Status::unsupported_media_type(UNDERSTOOD)),
        }
    }
}

/// A document that was read, and what is odd about it.
pub(crate) struct Document {
    pub(crate) tree: Tree,
    /// The same as JSON, where paths have an order; empty where there is none.
    pub(crate) json: Bytes,
    /// Strict decoding's words for keys that stand more than once, with their paths where they have some.
    pub(crate) duplicates: Vec<(String, String)>,
}

/// Why there is no document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    /// What it would have been, where that is known by then.
    pub(crate) kind: Option<GroupVersionKind>,
    /// What the decoder says.
    pub(crate) message: String,
}

/// Reads a document. In protobuf, what it does not say of itself is what is expected.
///
/// # Errors
/// What the decoder says.
pub(crate) fn parse(content: Content, body: &Bytes, expected: Expected<'_>) -> Result<Document, Unread> {
    let unknown = |message| Unread { kind: None, message };
    match content {
        Content::Protobuf => opened(body, expected),
        Content::Json => {
            let parsed = tree::parse(body).map_err(|error| {
                // Upstream looks for the kind before anything else.
                unknown(format!("couldn't get version/kind; json parse error: {error}"))
            })?;
            let duplicates = parsed.duplicates.into_iter();
            let told = |path: String| (format!("duplicate field {}", go::quote(&path)), path);
            Ok(Document {
                tree: parsed.tree,
                json: body.clone(),
                duplicates: duplicates.map(told).map(|(text, path)| (path, text)).collect(),
            })
        }
        Content::Yaml => {
            let parsed = yaml::parse(body).map_err(|error| unknown(error.to_string()))?;
            let json = parsed.tree.to_json().into();
            let duplicates = parsed.duplicates.into_iter().map(|text| (String::new(), text));
            Ok(Document {
                tree: parsed.tree,
                json,
                duplicates: duplicates.collect(),
            })
        }
    }
}

/// Reads what was sent in an envelope. What has no type that is known is not read but named, and refused for that.
fn opened(body: &[u8], expected: Expected<'_>) -> Result<Document, Unread> {
    let envelope = protobuf::open(body).map_err(|error| Unread {
        kind: None,
        message: error.to_string(),
    })?;
    let or = |given: String, default: &str| if given.is_empty() { default.to_owned() } else { given };
    let api_version = or(envelope.api_version, expected.api_version);
    let name = or(envelope.kind, expected.kind);
    let kind = GroupVersionKind::of(&api_version, &name);
    let is_expected = kind == GroupVersionKind::of(expected.api_version, expected.kind);
    // Options of a deletion may be of any group, and are no kind of theirs.
    let id = type_of(&kind).or(expected.served.filter(|_| name == expected.kind));
    let read = match id {
        Some(id) => protobuf::decode(id, envelope.raw).map_err(|error| error.to_string()),
        None if is_expected => Err(NOT_MARSHALABLE.to_owned()),
        None => Ok(Tree::map()),
    };
    let mut tree = read.map_err(|message| Unread {
        kind: Some(kind),
        message,
    })?;
    tree.set("apiVersion", api_version);
    tree.set("kind", name);
    Ok(Document {
        tree,
        json: Bytes::new(),
        duplicates: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use apiserver_api::gvk::GroupVersionKind;
    use apiserver_schema::{built_in, protobuf};
    use bytes::Bytes;

    use super::{Content, parse};
    use crate::decode::Expected;

    fn expected() -> Expected<'static> {
        Expected {
            api_version: "v1",
            kind: "ConfigMap",
            served: built_in().named("io.k8s.api.core.v1.ConfigMap"),
            rules: None,
        }
    }

    /// A config map with nothing but its data in an envelope that says what it is.
    fn sealed(api_version: &str, kind: &str) -> Bytes {
        protobuf::seal(api_version, kind, b"\x12\x06\x0a\x01k\x12\x01v").into()
    }

    #[test]
    fn a_content_type_is_understood_with_its_parameters() {
        let of = |header| Content::of(header).map_err(|status| status.code);
        assert_eq!(of("application/vnd.kubernetes.protobuf"), Ok(Content::Protobuf));
        assert_eq!(of("Application/JSON; charset=utf-8"), Ok(Content::Json));
        assert_eq!((of(""), of("text/plain")), (Ok(Content::Json), Err(415)));
        let message = Content::of(";;;").unwrap_err().message;
        assert_eq!(
            message,
            "the body of the request was in an unknown format - accepted media types include: application/json, \
             application/yaml, application/vnd.kubernetes.protobuf"
        );
    }

    #[test]
    fn what_an_envelope_does_not_say_is_what_is_expected() {
        for body in [sealed("v1", "ConfigMap"), sealed("", "")] {
            let document = parse(Content::Protobuf, &body, expected()).ok().unwrap();
            let text = r#"{"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap"}"#;
            assert_eq!(document.tree.to_json(), text.as_bytes());
            assert!(document.duplicates.is_empty());
        }
        // Another kind is read as what it is, and one that nobody knows not at all.
        let other = parse(Content::Protobuf, &sealed("v1", "ServiceAccount"), expected())
            .ok()
            .unwrap();
        let text = r#"{"apiVersion":"v1","kind":"ServiceAccount","secrets":[{"kind":"k","namespace":"v"}]}"#;
        assert_eq!(String::from_utf8(other.tree.to_json()).unwrap(), text);
        let other = parse(Content::Protobuf, &sealed("v1", "Nope"), expected())
            .ok()
            .unwrap();
        assert_eq!(other.tree.to_json(), br#"{"apiVersion":"v1","kind":"Nope"}"#);
    }

    #[test]
    fn the_kind_of_what_is_damaged_is_told_where_it_is_known() {
        let damaged = protobuf::seal("v1", "ConfigMap", b"\x12\x06").into();
        let unfit = parse(Content::Protobuf, &damaged, expected()).err().unwrap();
        assert_eq!(unfit.message, "unexpected EOF");
        assert_eq!(unfit.kind, Some(GroupVersionKind::of("v1", "ConfigMap")));
        let unfit = parse(Content::Protobuf, &Bytes::from_static(b"{}"), expected())
            .err()
            .unwrap();
        assert!(unfit.kind.is_none() && unfit.message.starts_with("provided data does not appear"));
    }
}
