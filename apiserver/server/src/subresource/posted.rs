//! What is posted below an object, or is carried out instead of being kept: read and admitted as new objects are.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use axum::body::Body;

use super::spoken::Spoken;
use crate::answer::{self, Answer};
use crate::catalog::Resource;
use crate::decode;
use crate::handlers::namespace;
use crate::machine::{Machine, Speech, Write};
use crate::options::WriteOptions;
use crate::request::Call;
use crate::request::accept::{Wanted, negotiate_untabled};
use crate::request::content::{self, Content};

/// Where something is posted.
pub(super) struct Post<'p> {
    pub(super) machine: &'p Machine,
    pub(super) resource: &'p Resource,
    pub(super) call: &'p Call,
    pub(super) subresource: &'p str,
}

/// What was posted.
pub(super) struct Posted {
    pub(super) wanted: Wanted,
    pub(super) options: WriteOptions,
    pub(super) object: Tree,
}

impl Post<'_> {
    /// Reads what is posted. Its type may depend on what it says of itself; `keeps` where the identity is kept that it names.
    ///
    /// # Errors
    /// 400, 406, 413, 415 and 422 as for new objects.
    pub(super) async fn read(
        &self,
        body: Body,
        keeps: bool,
        spoken: impl Fn(&str) -> &'static Spoken,
    ) -> Result<Posted, Status> {
        let call = self.call;
        let wanted = negotiate_untabled(call.header("accept"))?;
        let content = Content::of(call.header("content-type"))?;
        let bytes = content::read(body).await?;
        let options = WriteOptions::of("CreateOptions", &call.query)?;
        // What cannot be read is told of below.
        let told = content::parse(content, &bytes, spoken("").expected()).ok();
        let told = told.as_ref().map_or("", |document| document.tree.text("apiVersion"));
        let spoken = spoken(told);
        let mut object = decode::body(call, spoken.expected(), options.validation, &bytes)?;
        spoken.settle(&mut object);
        Machine::settle_posted(self.resource, namespace(self.resource, call), &mut object, keeps)?;
        Ok(Posted {
            wanted,
            options,
            object,
        })
    }

    /// The write of what was posted, as that of an object of this name.
    pub(super) fn write<'w>(&'w self, spoken: &'w Spoken, options: &'w WriteOptions, name: &'w str) -> Write<'w> {
        Write {
            call: self.call,
            resource: self.resource,
            speech: spoken,
            subresource: self.subresource,
            namespace: namespace(self.resource, self.call),
            name,
            options,
        }
    }
}

/// 201: it was carried out.
pub(super) fn done(call: &Call, wanted: Wanted) -> Answer {
    const CREATED: u16 = 201;
    let mut status = Status::success(None);
    status.code = CREATED;
    let mut tree = status.to_tree();
    // Of what was posted the code is told, which that of a deletion is not.
    tree.set("code", i64::from(CREATED));
    answer::tree(call, wanted, CREATED, &tree)
}
