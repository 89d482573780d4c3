//! Lists: what the options ask for, found in the cache.

use apiserver_api::status::Status;
use apiserver_storage::list::{Ask, Page, Since};
use apiserver_storage::select::{Field, Select, Term};
use apiserver_storage::store::Store;
use apiserver_storage::token::Token;

use super::Machine;
use crate::catalog::{Kept, Resource};
use crate::options::{ListOptions, Match};
use crate::request::query::{as_asked, parse_revision};

/// Which objects the options select; `name` where the path names one.
///
/// # Errors
/// 400 where a field cannot be selected by.
pub(crate) fn select(
    resource: &Resource,
    options: &ListOptions,
    namespace: &str,
    name: Option<&str>,
) -> Result<Select, Status> {
    let mut select = Select::namespace(namespace);
    select.labels = options.labels.clone();
    for term in options.fields.terms() {
        // What has neither name nor value selects nothing in particular.
        if term.field.is_empty() && term.value.is_empty() {
            continue;
        }
        select.fields.push(Term {
            field: field(resource, &term.field).map_err(Status::bad_request)?,
            value: term.value.clone(),
            equal: term.equal,
        });
    }
    if let Some(name) = name {
        if select.fields.is_empty() {
            select.fields.push(Term {
                field: Field::Name,
                value: name.into(),
                equal: true,
            });
        } else if select.name().is_none_or(|selected| selected != name) {
            let message = "fieldSelector metadata.name doesn't match requested name";
            return Err(Status::bad_request(message));
        }
    }
    Ok(select)
}

/// The field that a name in a selector stands for.
fn field(resource: &Resource, name: &str) -> Result<Field, String> {
    let selection = &resource.kind.selection;
    match selection.field_of(name) {
        None => Err((selection.unknown)(&resource.group_version_kind(), name)),
        Some("metadata.name") => Ok(Field::Name),
        Some("metadata.namespace") => Ok(Field::Namespace),
        Some(own) => Ok(selection.place_of(own).map_or(Field::Nothing, Field::Own)),
    }
}

impl Machine {
    /// A page of a list.
    ///
    /// # Errors
    /// 400 where the options make no sense, 410 and 504 where the revision cannot be had, or what kept the store from
    /// answering.
    pub(crate) async fn list(
        &self,
        resource: &Resource,
        select: Select,
        options: &ListOptions,
    ) -> Result<Page, Status> {
        let limit = if options.resource_version == "0" {
            0
        } else {
            usize::try_from(options.limit).unwrap_or(0)
        };
        let Kept { store, shelf, cached } = Self::kept(resource)?;
        let since = if options.resume.is_empty() {
            since(options, limit > 0 && shelf.single(&select).is_none())?
        } else {
            Since::Continue(token(options)?)
        };
        Self::check_folder(shelf, &select.namespace)?;
        let since = if *cached { since } else { newest(store, since).await? };
        let ask = Ask { select, since, limit };
        let page = shelf.list(store, &ask).await;
        page.map_err(|status| as_asked(&options.resource_version, status))
    }
}

/// What a list is to be like where no cache stands before the store: as new as the store when it was asked.
async fn newest(store: &Store, since: Since) -> Result<Since, Status> {
    Ok(match since {
        Since::Any => Since::Newest,
        Since::NotOlderThan(revision) => Since::NotOlderThan(store.revision().await?.max(revision)),
        other => other,
    })
}

/// At which revision a list begins; pages are all of the one that is asked for.
fn since(options: &ListOptions, has_pages: bool) -> Result<Since, Status> {
    let bad = |message: String| Status::bad_request(format!("invalid resource version: {message}"));
    let revision = parse_revision(&options.resource_version).map_err(bad)?;
    Ok(match options.version_match {
        Match::Exact => Since::Exact(revision),
        Match::NotOlderThan => Since::NotOlderThan(revision.max(1)),
        Match::Unset if options.resource_version == "0" => Since::Any,
        Match::Unset if revision == 0 => Since::Newest,
        Match::Unset if has_pages => Since::Exact(revision),
        Match::Unset => Since::NotOlderThan(revision),
    })
}

/// Where a list goes on: what is wrong with the token is told first.
fn token(options: &ListOptions) -> Result<Token, Status> {
    let invalid = |error| Status::bad_request(format!("invalid continue token: {error}"));
    let token = Token::decode(&options.resume).map_err(invalid)?;
    if !matches!(options.resource_version.as_str(), "" | "0") {
        let message = "specifying resource version is not allowed when using continue";
        return Err(Status::bad_request(message));
    }
    Ok(token)
}
