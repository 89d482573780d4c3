//! `DeleteOptions`: from the body where there is one, else from the query.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_schema::built_in;
use bytes::Bytes;

use super::{dry_run, judge};
use crate::decode::{Expected, read};
use crate::request::Call;
use crate::request::content::{self, Content};
use crate::request::query::Query;

/// What becomes of those who belong to what is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They are deleted first.
    Foreground,
    /// They are deleted afterwards.
    Background,
    /// They stay.
    Orphan,
}

/// The options of a deletion.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    /// For how many seconds the object may stay.
    pub(crate) grace: Option<i64>,
    pub(crate) orphan: Option<bool>,
    pub(crate) propagation: Option<Propagation>,
    /// Only an object with this UID is deleted.
    pub(crate) uid: Option<String>,
    /// Only this version of the object is deleted.
    pub(crate) resource_version: Option<String>,
    /// As admission sees them.
    pub(crate) tree: Tree,
}

const TYPE: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

impl DeleteOptions {
    /// Reads them.
    ///
    /// # Errors
    /// 400 where the body is none, 415 where its type is not understood, 422 where they make no sense.
    pub(crate) fn of(call: &Call, body: &Bytes) -> Result<Self, Status> {
        let tree = if body.is_empty() {
            from_query(&call.query).map_err(Status::bad_request)?
        } else {
            from_body(call, body)?
        };
        Self::of_tree(tree)
    }

    /// Reads them where they are part of something else; nothing is `null`.
    ///
    /// # Errors
    /// 422 where they make no sense.
    pub(crate) fn of_tree(tree: Tree) -> Result<Self, Status> {
        let mut refusals = Refusals::new();
        let options = Self::read(tree, &mut refusals);
        judge("DeleteOptions", &refusals)?;
        Ok(options)
    }

    fn read(mut tree: Tree, refusals: &mut Refusals) -> Self {
        let path = Path::of("propagationPolicy");
        let policy = tree.at("propagationPolicy").as_str();
        let orphan = tree.at("orphanDependents").as_bool();
        if let (Some(policy), Some(_)) = (policy, orphan) {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            refusals.invalid(&path, policy, detail);
        }
        let propagation = match policy {
            None => None,
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Background") => Some(Propagation::Background),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                refusals.not_supported(&path, other, &["Foreground", "Background", "Orphan", "nil"]);
                None
            }
        };
        let values: Vec<String> = tree
            .items("dryRun")
            .iter()
            .map(|one| one.as_str().unwrap_or_default().to_owned())
            .collect();
        let dry_run = dry_run(&values, refusals);
        let text = |key: &str| tree.at("preconditions").at(key).as_str().map(str::to_owned);
        let (uid, resource_version) = (text("uid"), text("resourceVersion"));
        let grace = tree.at("gracePeriodSeconds").as_int();
        tree.set("kind", "DeleteOptions");
        tree.set("apiVersion", "meta.k8s.io/v1");
        Self {
            dry_run,
            grace,
            orphan,
            propagation,
            uid,
            resource_version,
            tree,
        }
    }
}

fn from_query(query: &Query) -> Result<Tree, String> {
    let mut tree = Tree::map();
    if let Some(grace) = query.int("gracePeriodSeconds")? {
        tree.set("gracePeriodSeconds", grace);
    }
    if let Some(orphan) = query.flag("orphanDependents") {
        tree.set("orphanDependents", orphan);
    }
    if let Some(policy) = query.get("propagationPolicy") {
        tree.set("propagationPolicy", policy);
    }
    let dry: Vec<Tree> = query.all("dryRun").map(Tree::from).collect();
    if !dry.is_empty() {
        tree.set("dryRun", dry);
    }
    // What selects a version of a list says as well which version of each of its objects is deleted, as upstream has it.
    let mut preconditions = Tree::map();
    for key in ["uid", "resourceVersion"] {
        if !query.text(key).is_empty() {
            preconditions.set(key, query.text(key));
        }
    }
    if !preconditions.is_zero() {
        tree.set("preconditions", preconditions);
    }
    Ok(tree)
}

fn from_body(call: &Call, body: &Bytes) -> Result<Tree, Status> {
    let content = Content::of(call.header("content-type"))?;
    let expected = Expected {
        api_version: "meta.k8s.io/v1",
        kind: "DeleteOptions",
        served: built_in().named(TYPE),
        rules: None,
    };
    let document = content::parse(content, body, expected).map_err(|unread| Status::bad_request(unread.message))?;
    let kind = document.tree.text("kind");
    if !kind.is_empty() && kind != "DeleteOptions" {
        let version = document.tree.text("apiVersion");
        let message = format!(
            "no kind {} is registered for version {} in scheme \"pkg/apis/meta/internalversion/scheme/register.go:27\"",
            apiserver_api::go::quote(kind),
            apiserver_api::go::quote(version)
        );
        return Err(Status::bad_request(message));
    }
    Ok(read(document, expected).map_err(Status::bad_request)?.tree)
}

#[cfg(test)]
mod tests {
    use super::{DeleteOptions, from_query};
    use crate::request::query::Query;

    #[test]
    fn the_query_says_which_object_is_meant() {
        let read = |query: &str| {
            let options = DeleteOptions::of_tree(from_query(&Query::parse(query)).unwrap()).unwrap();
            (options.uid, options.resource_version)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("uid=a&resourceVersion=7&uid=b"), (some("a"), some("7")));
        assert_eq!(read("labelSelector=x&resourceVersion=0"), (None, some("0")));
        assert_eq!(read("uid=&resourceVersion=&gracePeriodSeconds=3"), (None, None));
    }
}
