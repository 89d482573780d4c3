//! What is answered: objects, lists and failures, in the form that the client asked for.

mod body;
mod content;
mod gzip;
mod item;
mod list;
mod made;
mod order;
mod protobuf;
mod row;
#[cfg(test)]
mod samples;
mod table;

use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};

pub(crate) use self::body::{compact, metadata};
pub(crate) use self::content::{Content, Kept, content, date};
pub(crate) use self::list::list;
pub(crate) use self::made::made;
pub(crate) use self::protobuf::{NOT_MARSHALABLE, not_marshalable, protobuf_event};
pub(crate) use self::table::Tables;
use crate::catalog::Resource;
pub(crate) use crate::machine::Served;
use crate::openapi::Packed;
use crate::request::Call;
use crate::request::accept::{Form, Shape, Wanted, negotiate_whole};

/// An answer on its way.
pub(crate) type Answer = Response<Body>;

/// The media type of plain text.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
/// That an answer is of the type that it says.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// An answer of these bytes.
pub(crate) fn bytes(code: u16, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Body::from(body.into()));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// An answer without a body, which is of no media type.
pub(crate) fn nothing(code: u16) -> Answer {
    let mut answer = bytes(code, "", Bytes::new());
    answer.headers_mut().remove(CONTENT_TYPE);
    answer
}

/// Plain text.
pub(crate) fn text(code: u16, body: impl Into<String>) -> Answer {
    let mut answer = bytes(code, TEXT, body.into());
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    answer
}

/// Bytes that are compressed where that is worth it and the client reads it.
pub(crate) fn packed(call: &Call, code: u16, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = body.into();
    if body.len() < gzip::THRESHOLD || !gzip::is_read_by(call) {
        return bytes(code, media_type, body);
    }
    let mut answer = bytes(code, media_type, gzip::pack(&body));
    gzip::mark(answer.headers_mut());
    answer
}

/// Bytes that are kept compressed, and are unpacked for clients that cannot read them so.
pub(crate) fn unpacked(call: &Call, media_type: &'static str, kept: &Packed) -> Answer {
    if !gzip::is_read_by(call) {
        return bytes(200, media_type, kept.plain());
    }
    let mut answer = bytes(200, media_type, kept.gzip());
    gzip::mark(answer.headers_mut());
    answer
}

/// A tree as it is.
pub(crate) fn tree(call: &Call, wanted: Wanted, code: u16, tree: &Tree) -> Answer {
    match body::write(call, wanted, tree) {
        Some(body) => packed(call, code, wanted.form.media_type(), body),
        None => status(call, &not_marshalable()),
    }
}

/// A failure, or that something is done. It is told in the form of the client's choice where there is one, and otherwise
/// as upstream writes what it does not know better.
pub(crate) fn status(call: &Call, status: &Status) -> Answer {
    let wanted = negotiate_whole(call.header("accept")).unwrap_or(Wanted {
        pretty: true,
        ..Wanted::PLAIN
    });
    let mut answer = tree(call, wanted, status.code, &status.to_tree());
    let retry = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if retry > 0 {
        answer.headers_mut().insert(RETRY_AFTER, retry.into());
    }
    answer
}

/// A failure of whoever may not: the message may have words of the client, which no browser is to take for a page.
pub(crate) fn forbidden(call: &Call, refusal: &Status) -> Answer {
    let mut answer = status(call, refusal);
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    answer
}

/// That something is done.
pub(crate) fn success(call: &Call, wanted: Wanted, status: &Status) -> Answer {
    let wanted = Wanted {
        shape: Shape::Whole,
        ..wanted
    };
    tree(call, wanted, status.code, &status.to_tree())
}

/// An object, in the version and form of the request.
pub(crate) fn object(call: &Call, wanted: Wanted, code: u16, resource: &Resource, served: &Served) -> Answer {
    match shaped(call, wanted, code, resource, served) {
        Ok(answer) => answer,
        Err(refusal) => status(call, &refusal),
    }
}

fn shaped(call: &Call, wanted: Wanted, code: u16, resource: &Resource, served: &Served) -> Result<Answer, Status> {
    match wanted.shape {
        Shape::Whole => {
            if let (Served::Stored(object), Form::Protobuf) = (served, wanted.form) {
                let sealed = resource.sealed(object).ok_or_else(not_marshalable)?;
                return Ok(packed(call, code, wanted.form.media_type(), sealed));
            }
            if let (Served::Stored(object), Some(head), Form::Json, false) =
                (served, resource.head(), wanted.form, wanted.pretty || call.is_pretty())
            {
                return Ok(packed(
                    call,
                    code,
                    Form::Json.media_type(),
                    body::joined(head, object.body()),
                ));
            }
            let mut whole = served.tree(resource);
            resource.to_served(&mut whole);
            Ok(tree(call, wanted, code, &whole))
        }
        Shape::Table(version) => {
            let mut tables = Tables::new(call, version)?;
            let mut whole = served.tree(resource);
            resource.to_served(&mut whole);
            let table = tables.one(resource, &whole);
            Ok(tree(call, wanted, code, &table))
        }
        Shape::Metadata(version) => {
            let whole = served.tree(resource);
            let fields = resource.kind.rules.field_annotations();
            Ok(tree(call, wanted, code, &metadata(version, &whole, fields)))
        }
        Shape::MetadataList(_) => Err(Status::new(
            406,
            Reason::NotAcceptable,
            format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*{})",
                resource.go_type()
            ),
        )),
    }
}

/// Sets a header. What no header may hold is left out.
pub(crate) fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
