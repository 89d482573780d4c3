//! The failures of `api/errors`, each with upstream's code, reason, details and message.

use std::fmt::Display;

use super::{Cause, Details, Reason, Status};
use crate::go::quote;
use crate::gvk::{GroupKind, GroupResource};
use crate::refusal::Refusals;

impl Status {
    /// 404: there is no object of this name.
    pub fn not_found(resource: &GroupResource, name: &str) -> Self {
        let message = format!("{resource} {} not found", quote(name));
        Self::new(404, Reason::NotFound, message).about(Details::of(resource, name))
    }

    /// 409: there is an object of this name.
    pub fn already_exists(resource: &GroupResource, name: &str) -> Self {
        let message = format!("{resource} {} already exists", quote(name));
        Self::new(409, Reason::AlreadyExists, message).about(Details::of(resource, name))
    }

    /// 409: each name that was generated is taken.
    pub fn generate_name_conflict(resource: &GroupResource, name: &str, retry_after_seconds: i32) -> Self {
        let tail = "the server was not able to generate a unique name for the object";
        let message = format!("{resource} {} already exists, {tail}", quote(name));
        let mut details = Details::of(resource, name);
        details.retry_after_seconds = retry_after_seconds;
        Self::new(409, Reason::AlreadyExists, message).about(details)
    }

    /// 401: who asks is not known.
    pub fn unauthorized(message: &str) -> Self {
        let message = if message.is_empty() { "not authorized" } else { message };
        Self::new(401, Reason::Unauthorized, message)
    }

    /// 403: who asks may not, or what is asked is not allowed.
    pub fn forbidden(resource: &GroupResource, name: &str, error: impl Display) -> Self {
        let message = if resource.is_empty() {
            format!("forbidden: {error}")
        } else if name.is_empty() {
            format!("{resource} is forbidden: {error}")
        } else {
            format!("{resource} {} is forbidden: {error}", quote(name))
        };
        Self::new(403, Reason::Forbidden, message).about(Details::of(resource, name))
    }

    /// 409: the object is no longer what it was when the request was made.
    pub fn conflict(resource: &GroupResource, name: &str, error: impl Display) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} {}: {error}", quote(name));
        Self::new(409, Reason::Conflict, message).about(Details::of(resource, name))
    }

    /// 409: other managers own fields that are applied.
    pub fn apply_conflict(causes: Vec<Cause>, message: impl Into<String>) -> Self {
        let details = Details {
            causes,
            ..Details::default()
        };
        Self::new(409, Reason::Conflict, message).about(details)
    }

    /// 410: it was there and will not come back.
    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(410, Reason::Gone, message)
    }

    /// 410: the version that was asked for is too old; list again.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, Reason::Expired, message)
    }

    /// 422: the object breaks its rules. Every refusal is a cause; the message tells each once.
    pub fn invalid(kind: &GroupKind, name: &str, refusals: &Refusals) -> Self {
        let mut message = format!("{kind} {} is invalid", quote(name));
        if !refusals.is_empty() {
            message = format!("{message}: {refusals}");
        }
        let details = Details {
            name: name.to_owned(),
            group: kind.group.clone(),
            kind: kind.kind.clone(),
            causes: refusals.iter().map(Cause::from).collect(),
            ..Details::default()
        };
        Self::new(422, Reason::Invalid, message).about(details)
    }

    /// 400: the request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, Reason::BadRequest, message)
    }

    /// 429: ask again after some seconds.
    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: i32) -> Self {
        Self::new(429, Reason::TooManyRequests, message).about(Details::retry(retry_after_seconds))
    }

    /// 429: the server is busy.
    pub fn busy(message: impl Display) -> Self {
        Self::new(429, Reason::TooManyRequests, format!("Too many requests: {message}"))
    }

    /// 503: something that the server needs does not answer.
    pub fn service_unavailable(message: impl Into<String>) -> Self {
        Self::new(503, Reason::ServiceUnavailable, message)
    }

    /// 405: the resource does not know this verb.
    pub fn method_not_supported(resource: &GroupResource, action: &str) -> Self {
        let shown = quote(&resource.to_string());
        let message = format!("{action} is not supported on resources of kind {shown}");
        Self::new(405, Reason::MethodNotAllowed, message).about(Details::of(resource, ""))
    }

    /// 500: it cannot be done now, and surely was not done; ask again.
    pub fn server_timeout(resource: &GroupResource, operation: &str, retry_after_seconds: i32) -> Self {
        let tail = "could not be completed at this time, please try again.";
        let message = format!("The {operation} operation against {resource} {tail}");
        let mut details = Details::of(resource, operation);
        details.retry_after_seconds = retry_after_seconds;
        Self::new(500, Reason::ServerTimeout, message).about(details)
    }

    /// 504: it took too long; it may still be done.
    pub fn timeout(message: impl Display, retry_after_seconds: i32) -> Self {
        let details = Details::retry(retry_after_seconds);
        Self::new(504, Reason::Timeout, format!("Timeout: {message}")).about(details)
    }

    /// 504: the version that was asked for is not there yet.
    pub fn too_large_resource_version(asked: u64, current: u64, retry_after_seconds: i32) -> Self {
        let message = format!("Too large resource version: {asked}, current: {current}");
        let status = Self::timeout(message, retry_after_seconds);
        status.because("ResourceVersionTooLarge", "", "Too large resource version")
    }

    /// 500: the server failed.
    pub fn internal(error: impl Display) -> Self {
        let error = error.to_string();
        let message = format!("Internal error occurred: {error}");
        Self::new(500, Reason::InternalError, message).because("", "", error)
    }

    /// 500: something failed that has no status of its own.
    pub fn unknown(error: impl Display) -> Self {
        Self::new(500, Reason::Unknown, error.to_string())
    }

    /// 413: the request has too many bytes.
    pub fn request_entity_too_large(message: impl Display) -> Self {
        let message = format!("Request entity too large: {message}");
        Self::new(413, Reason::RequestEntityTooLarge, message)
    }

    /// 406: the answer cannot be had in a form that was asked for.
    pub fn not_acceptable(available: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", available.join(", "));
        Self::new(406, Reason::NotAcceptable, message)
    }

    /// 415: the request is in a form that is not understood.
    pub fn unsupported_media_type(understood: &[&str]) -> Self {
        let head = "the body of the request was in an unknown format - accepted media types include";
        let message = format!("{head}: {}", understood.join(", "));
        Self::new(415, Reason::UnsupportedMediaType, message)
    }

    /// A code for which nothing else is said; `message` is what the server says of it where that matters. Clients make the
    /// same of answers that are no status (`NewGenericServerResponse`).
    pub fn generic(code: u16, verb: &str, resource: &GroupResource, name: &str, message: &str) -> Self {
        let (reason, words) = generic(code, verb, message);
        let verb = verb.to_lowercase();
        let message = if resource.is_empty() {
            words
        } else if name.is_empty() {
            format!("{words} ({verb} {resource})")
        } else {
            format!("{words} ({verb} {resource} {name})")
        };
        Self::new(code, reason, message).about(Details::of(resource, name))
    }
}

fn generic(code: u16, verb: &str, message: &str) -> (Reason, String) {
    let (reason, words) = match code {
        409 if verb == "POST" => (Reason::AlreadyExists, "the server reported a conflict"),
        409 => (Reason::Conflict, "the server reported a conflict"),
        404 => (Reason::NotFound, "the server could not find the requested resource"),
        400 => (
            Reason::BadRequest,
            "the server rejected our request for an unknown reason",
        ),
        401 => (
            Reason::Unauthorized,
            "the server has asked for the client to provide credentials",
        ),
        403 => (Reason::Forbidden, message),
        406 if message.is_empty() || message == "unknown" => (
            Reason::NotAcceptable,
            "the server was unable to respond with a content type that the client supports",
        ),
        406 => (Reason::NotAcceptable, message),
        415 => (Reason::UnsupportedMediaType, message),
        405 => (
            Reason::MethodNotAllowed,
            "the server does not allow this method on the requested resource",
        ),
        422 => (
            Reason::Invalid,
            "the server rejected our request due to an error in our request",
        ),
        503 => (
            Reason::ServiceUnavailable,
            "the server is currently unable to handle the request",
        ),
        504 => (
            Reason::Timeout,
            "the server was unable to return a response in the time allotted, but may still be processing the request",
        ),
        429 => (
            Reason::TooManyRequests,
            "the server has received too many requests and has asked us to try again later",
        ),
        500.. => {
            let words = format!(
                "an error on the server ({}) has prevented the request from succeeding",
                quote(message)
            );
            return (Reason::InternalError, words);
        }
        _ => {
            let words = format!("the server responded with the status code {code} but did not return more information");
            return (Reason::Unknown, words);
        }
    };
    (reason, words.to_owned())
}
