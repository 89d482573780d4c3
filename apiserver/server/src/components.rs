//! `ComponentStatus`: whether the other parts of the control plane are well. Nothing of it is kept: each is asked whenever
//! somebody wants to know.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_storage::object::Index;
use apiserver_storage::store::Store;
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::answer::{self, Answer, Served};
use crate::catalog::Resource;
use crate::connect::Connect;
use crate::machine::{Machine, select};
use crate::options::ListOptions;
use crate::request::Call;
use crate::request::accept::negotiate;

/// A part must answer in this time; upstream's.
const PATIENCE: Duration = Duration::from_secs(20);

/// The other parts of the control plane.
pub struct Components {
    /// Those on this machine: their names, and where they say whether they are well.
    local: Vec<(&'static str, String)>,
    /// The stores, that of all kinds first.
    stores: Vec<Arc<Store>>,
}

/// One of them.
#[derive(Clone, Copy)]
enum Part<'c> {
    Local(&'c str),
    Store(&'c Store),
}

/// What came of asking one.
struct Found {
    is_well: bool,
    /// What it said, or how it failed to.
    message: String,
    /// Why the store could not be asked.
    error: String,
}

impl Components {
    /// The stores, and what stands on this machine where upstream has it; whether it stands there at all is found out.
    pub fn new(stores: Vec<Arc<Store>>) -> Self {
        let local = [("controller-manager", 10_257), ("scheduler", 10_259)];
        let local = local.map(|(name, port)| (name, format!("https://127.0.0.1:{port}/healthz")));
        Self::of(local.into(), stores)
    }

    /// These.
    pub(crate) const fn of(local: Vec<(&'static str, String)>, stores: Vec<Arc<Store>>) -> Self {
        Self { local, stores }
    }

    /// All parts, by name.
    fn parts(&self) -> Vec<(String, Part<'_>)> {
        let local = self.local.iter();
        let local = local.map(|(name, url)| ((*name).to_owned(), Part::Local(url)));
        let stores = self.stores.iter().enumerate();
        let stores = stores.map(|(at, store)| (format!("etcd-{at}"), Part::Store(store)));
        let mut parts: Vec<_> = local.chain(stores).collect();
        parts.sort_by(|(one, _), (other, _)| one.cmp(other));
        parts
    }
}

/// Answers a request for one of them.
///
/// # Errors
/// 404 where there is none of that name.
pub(crate) async fn get(machine: &Machine, resource: &Resource, call: &Call) -> Result<Answer, Status> {
    let wanted = negotiate(call.header("accept"), false)?;
    let name = &call.info.name;
    let parts = machine.components.parts();
    let found = parts.iter().find(|(own, _)| own == name);
    // Upstream answers 500.
    let (_, part) = found.ok_or_else(|| Machine::not_found(resource, name))?;
    let made = Served::Made(status(&machine.connect, name, *part).await);
    Ok(answer::object(call, wanted, 200, resource, &made))
}

/// Answers a request for all that are selected. They have no labels.
///
/// # Errors
/// What is wrong with the options.
pub(crate) async fn list(machine: &Machine, resource: &Resource, call: &Call) -> Result<Answer, Status> {
    let wanted = negotiate(call.header("accept"), true)?;
    let options = ListOptions::of(&call.query, false)?;
    let select = select(resource, &options, "", None)?;
    let parts = machine.components.parts();
    let selected = parts.iter().filter(|(name, _)| {
        select.matches(&Index {
            name: name.into(),
            ..Index::default()
        })
    });
    let asked = selected.map(|(name, part)| status(&machine.connect, name, *part));
    Ok(answer::made(call, wanted, resource, join_all(asked).await))
}

/// A part's status.
async fn status(connect: &Connect, name: &str, part: Part<'_>) -> Tree {
    let found = ask(connect, part, PATIENCE).await;
    let mut condition = Tree::map();
    condition.set("type", "Healthy");
    condition.set("status", if found.is_well { "True" } else { "False" });
    for (field, text) in [("message", found.message), ("error", found.error)] {
        if !text.is_empty() {
            condition.set(field, text);
        }
    }
    let mut object = Tree::map();
    meta::set_name(&mut object, name);
    object.set("conditions", vec![condition]);
    object
}

async fn ask(connect: &Connect, part: Part<'_>, patience: Duration) -> Found {
    match part {
        Part::Local(url) => {
            let said = connect.probe(url, patience).await;
            Found {
                is_well: said.is_ok(),
                message: said.unwrap_or_else(|why| why),
                error: String::new(),
            }
        }
        Part::Store(store) => {
            let why = match timeout(patience, store.revision()).await {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("context deadline exceeded".to_owned()),
            };
            let well = if why.is_none() { "ok" } else { "" };
            Found {
                is_well: why.is_none(),
                message: well.to_owned(),
                error: why.map_or_else(String::new, |why| format!("error getting data from etcd: {why}")),
            }
        }
    }
}

#[cfg(test)]
mod tests;
