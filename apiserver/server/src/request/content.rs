//! The body of a request: read within a limit, and decoded as the content type says.

use apiserver_api::go;
use apiserver_api::status::Status;
use apiserver_api::tree::{self, Tree};
use apiserver_api::yaml;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

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
}

/// What the types are called that are understood.
const UNDERSTOOD: &[&str] = &[
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];

impl Content {
    /// What a content type names.
    ///
    /// # Errors
    /// 415 where it is not understood.
    pub(crate) fn of(header: &str) -> Result<Self, Status> {
        match header
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
            .as_str()
        {
            "" | "application/json" => Ok(Self::Json),
            "application/yaml" => Ok(Self::Yaml),
            _ => Err(Status::unsupported_media_type(UNDERSTOOD)),
        }
    }
}

/// A document that was read, and what is odd about it.
pub(crate) struct Document {
    pub(crate) tree: Tree,
    /// The same as JSON, where paths have an order.
    pub(crate) json: Bytes,
    /// Strict decoding's words for keys that stand more than once, with their paths where they have some.
    pub(crate) duplicates: Vec<(String, String)>,
}

/// Reads a document.
///
/// # Errors
/// What the decoder says.
pub(crate) fn parse(content: Content, body: &Bytes) -> Result<Document, String> {
    match content {
        Content::Json => {
            let parsed = tree::parse(body).map_err(|error| {
                // Upstream looks for the kind before anything else.
                format!("couldn't get version/kind; json parse error: {error}")
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
            let parsed = yaml::parse(body).map_err(|error| error.to_string())?;
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
