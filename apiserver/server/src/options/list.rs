//! `ListOptions`: which objects, at which revision, how many, or what happens to them.

use apiserver_api::fields;
use apiserver_api::labels;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;

use super::judge;
use crate::request::query::Query;

/// How a revision is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// As it was before this could be said.
    Unset,
    /// This one.
    Exact,
    /// This or a newer one.
    NotOlderThan,
}

/// The options of lists and watches.
#[derive(Clone, Debug)]
pub(crate) struct ListOptions {
    pub(crate) labels: labels::Selector,
    pub(crate) fields: fields::Selector,
    pub(crate) watch: bool,
    pub(crate) bookmarks: bool,
    pub(crate) resource_version: String,
    pub(crate) version_match: Match,
    pub(crate) timeout_seconds: Option<i64>,
    pub(crate) limit: i64,
    pub(crate) resume: String,
    pub(crate) initial: Option<bool>,
}

impl ListOptions {
    /// Reads them; `watch` where the path says so.
    ///
    /// # Errors
    /// 400 where a value is none, 422 where they make no sense.
    pub(crate) fn of(query: &Query, watch: bool) -> Result<Self, Status> {
        let read = || -> Result<Self, String> {
            Ok(Self {
                labels: labels::Selector::parse(query.text("labelSelector")).map_err(|error| error.to_string())?,
                fields: fields::Selector::parse(query.text("fieldSelector")).map_err(|error| error.to_string())?,
                watch: watch || query.flag("watch").unwrap_or_default(),
                bookmarks: query.flag("allowWatchBookmarks").unwrap_or_default(),
                resource_version: query.text("resourceVersion").to_owned(),
                version_match: Match::Unset,
                timeout_seconds: query.int("timeoutSeconds")?,
                limit: query.int("limit")?.unwrap_or_default(),
                resume: query.text("continue").to_owned(),
                initial: query.flag("sendInitialEvents"),
            })
        };
        let mut options = read().map_err(Status::bad_request)?;
        options.check(query.text("resourceVersionMatch"))?;
        Ok(options)
    }

    fn check(&mut self, version_match: &str) -> Result<(), Status> {
        let mut refusals = Refusals::new();
        self.version_match = match version_match {
            "Exact" => Match::Exact,
            "NotOlderThan" => Match::NotOlderThan,
            _ => Match::Unset,
        };
        // Whoever watches from nowhere is first shown all there is, as it always was.
        let is_legacy = matches!(self.resource_version.as_str(), "" | "0");
        if self.watch && is_legacy && self.initial.is_none() && version_match.is_empty() {
            self.initial = Some(true);
            self.version_match = Match::NotOlderThan;
            return Ok(());
        }
        if self.watch {
            self.check_watch(version_match, &mut refusals);
        } else {
            self.check_list(version_match, &mut refusals);
        }
        judge("ListOptions", &refusals)
    }

    fn check_list(&self, version_match: &str, refusals: &mut Refusals) {
        let path = Path::of("resourceVersionMatch");
        if !version_match.is_empty() {
            if self.resource_version.is_empty() {
                let detail = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                refusals.forbidden(&path, detail);
            }
            if !self.resume.is_empty() {
                refusals.forbidden(&path, "resourceVersionMatch is forbidden when continue is provided");
            }
            if self.version_match == Match::Unset {
                refusals.not_supported(&path, version_match, &["Exact", "NotOlderThan", ""]);
            }
            if self.version_match == Match::Exact && self.resource_version == "0" {
                let detail = r#"resourceVersionMatch "exact" is forbidden for resourceVersion "0""#;
                refusals.forbidden(&path, detail);
            }
        }
        if self.initial.is_some() {
            let detail = "sendInitialEvents is forbidden for list";
            refusals.forbidden(&Path::of("sendInitialEvents"), detail);
        }
    }

    fn check_watch(&self, version_match: &str, refusals: &mut Refusals) {
        let path = Path::of("resourceVersionMatch");
        if self.initial.is_some() && self.version_match != Match::NotOlderThan {
            let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            refusals.forbidden(&path, detail);
        }
        if version_match.is_empty() {
            return;
        }
        if self.initial.is_none() {
            let detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            refusals.forbidden(&path, detail);
        }
        if self.version_match != Match::NotOlderThan {
            refusals.not_supported(&path, version_match, &["NotOlderThan"]);
        }
        if !self.resume.is_empty() {
            refusals.forbidden(&path, "resourceVersionMatch is forbidden when continue is provided");
        }
    }
}
