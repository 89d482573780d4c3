//! What a request is answered where it failed (`metav1.Status`): a code, a reason, a message, and details.
//!
//! The failures that there are stand in `failures`: one constructor for each of upstream's `api/errors`.

mod failures;

use std::fmt::{self, Display};

use crate::gvk::GroupResource;
use crate::refusal::Refusal;
use crate::tree::{Map, Text, Tree};

/// Why a request failed, in a word that programs go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// None is given.
    Unknown,
    /// Who asks is not known.
    Unauthorized,
    /// Who asks may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// There is such a thing already.
    AlreadyExists,
    /// The object changed in the meantime, or others own its fields.
    Conflict,
    /// It was there and will not come back.
    Gone,
    /// The object breaks its rules.
    Invalid,
    /// The server cannot do it in time; ask again.
    ServerTimeout,
    /// It took too long; it may still be done.
    Timeout,
    /// Too many ask.
    TooManyRequests,
    /// The request makes no sense.
    BadRequest,
    /// The resource does not know this verb.
    MethodNotAllowed,
    /// The answer cannot be had in a form that was asked for.
    NotAcceptable,
    /// The request has too many bytes.
    RequestEntityTooLarge,
    /// The request is in a form that is not understood.
    UnsupportedMediaType,
    /// The server failed.
    InternalError,
    /// The version that was asked for is too old.
    Expired,
    /// Something that the server needs does not answer.
    ServiceUnavailable,
    /// What is stored cannot be read.
    StoreReadError,
}

impl Reason {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Conflict => "Conflict",
            Self::Gone => "Gone",
            Self::Invalid => "Invalid",
            Self::ServerTimeout => "ServerTimeout",
            Self::Timeout => "Timeout",
            Self::TooManyRequests => "TooManyRequests",
            Self::BadRequest => "BadRequest",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotAcceptable => "NotAcceptable",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::UnsupportedMediaType => "UnsupportedMediaType",
            Self::InternalError => "InternalError",
            Self::Expired => "Expired",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::StoreReadError => "StorageReadError",
        }
    }
}

/// One of the things that led to a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The kind of it: `FieldValueInvalid`, `FieldManagerConflict`; may be empty.
    pub reason: Text,
    /// What is wrong.
    pub message: String,
    /// The field's path, where it is about a field.
    pub field: String,
}

impl From<&Refusal> for Cause {
    fn from(refusal: &Refusal) -> Self {
        Self {
            reason: refusal.why.reason().into(),
            message: refusal.message.clone(),
            field: refusal.field.clone(),
        }
    }
}

/// What a failure is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The object's name.
    pub name: String,
    /// Its group.
    pub group: Text,
    /// Its resource, or its kind.
    pub kind: Text,
    /// Its UID.
    pub uid: Text,
    /// What led to it.
    pub causes: Vec<Cause>,
    /// After so many seconds the client may ask again; 0 where nothing is said.
    pub retry_after_seconds: i32,
}

impl Details {
    fn of(resource: &GroupResource, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            group: resource.group.clone(),
            kind: resource.resource.clone(),
            ..Self::default()
        }
    }

    const fn retry(seconds: i32) -> Self {
        Self {
            name: String::new(),
            group: Text::const_new(""),
            kind: Text::const_new(""),
            uid: Text::const_new(""),
            causes: Vec::new(),
            retry_after_seconds: seconds,
        }
    }

    fn to_tree(&self) -> Tree {
        let mut tree = Tree::map();
        for (key, text) in [
            ("name", self.name.as_str()),
            ("group", &self.group),
            ("kind", &self.kind),
            ("uid", &self.uid),
        ] {
            set_text(&mut tree, key, text);
        }
        if !self.causes.is_empty() {
            let causes = self.causes.iter().map(|cause| {
                let mut tree = Tree::map();
                set_text(&mut tree, "reason", &cause.reason);
                set_text(&mut tree, "message", &cause.message);
                set_text(&mut tree, "field", &cause.field);
                tree
            });
            tree.set("causes", causes.collect::<Vec<Tree>>());
        }
        if self.retry_after_seconds != 0 {
            tree.set("retryAfterSeconds", self.retry_after_seconds);
        }
        tree
    }
}

fn set_text(tree: &mut Tree, key: &str, text: &str) {
    if !text.is_empty() {
        tree.set(key, text);
    }
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The HTTP code.
    pub code: u16,
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people.
    pub message: String,
    /// What it is about, if anything is said.
    pub details: Option<Box<Details>>,
    /// How a list can go on that cannot go on as it was asked to (`metadata.continue`).
    pub resume: Option<String>,
}

/// The message, as clients see it.
impl Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Status {}

impl Status {
    /// A failure without details.
    pub fn new(code: u16, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
            resume: None,
        }
    }

    fn about(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// The same with one more cause.
    #[must_use]
    pub fn because(mut self, reason: &str, field: &str, message: impl Into<String>) -> Self {
        let details = self.details.get_or_insert_default();
        details.causes.push(Cause {
            reason: reason.into(),
            message: message.into(),
            field: field.to_owned(),
        });
        self
    }

    /// That all went well, where there is no object to answer with: after a deletion.
    pub fn success(details: Option<Details>) -> Self {
        let mut status = Self::new(200, Reason::Unknown, "");
        status.details = details.map(Box::new);
        status
    }

    /// As the object that is sent.
    pub fn to_tree(&self) -> Tree {
        let failed = self.code >= 400;
        let mut tree = Tree::map();
        tree.set("kind", "Status");
        tree.set("apiVersion", "v1");
        let mut metadata = Map::new();
        if let Some(token) = &self.resume {
            metadata.insert("continue", token.as_str().into());
        }
        tree.set("metadata", metadata);
        tree.set("status", if failed { "Failure" } else { "Success" });
        set_text(&mut tree, "message", &self.message);
        set_text(&mut tree, "reason", self.reason.as_str());
        if let Some(details) = &self.details {
            tree.set("details", details.to_tree());
        }
        // Upstream leaves the code of what went well to HTTP.
        if failed {
            tree.set("code", i64::from(self.code));
        }
        tree
    }
}

#[cfg(test)]
mod tests;
