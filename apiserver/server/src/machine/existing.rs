//! What is there before a write: first as the cache has it, and as the store has it where that was not right.

use std::ops::ControlFlow;
use std::sync::Arc;

use apiserver_api::status::Status;
use apiserver_storage::object::Object;

use super::Machine;
use crate::catalog::{Kept, Resource};

/// What is there, and whether it is surely what the store has.
pub(super) struct Existing {
    pub(super) object: Option<Arc<Object>>,
    pub(super) is_fresh: bool,
}

impl Existing {
    fn fresh(object: Option<Arc<Object>>) -> Self {
        Self { object, is_fresh: true }
    }

    /// The revision of the last write of it.
    pub(super) fn revision(&self) -> Option<i64> {
        self.object.as_ref().map(|object| object.revision)
    }
}

/// What became of an attempt to write.
pub(super) enum Attempt<T> {
    /// It is done.
    Done(T),
    /// Nothing was to be written, so the store did not say whether what was thought to be there is.
    Unwritten(T),
    /// Someone else was faster; this is there now.
    Again(Option<Arc<Object>>),
}

impl Machine {
    /// What is there. The cache mostly has what the store has; where it does not the store says so when it is written.
    ///
    /// # Errors
    /// The store is asked and does not answer.
    pub(super) async fn existing(resource: &Resource, key: &str) -> Result<Existing, Status> {
        match Self::shelf(resource)?.cache().get(key) {
            Some(object) => Ok(Existing {
                object: Some(object),
                is_fresh: false,
            }),
            None => Self::fresh(resource, key).await,
        }
    }

    async fn fresh(resource: &Resource, key: &str) -> Result<Existing, Status> {
        let Kept { store, shelf, .. } = Self::kept(resource)?;
        Ok(Existing::fresh(shelf.get(store, key).await?))
    }

    /// The answer, or what the next attempt begins with. Where the cache was not right, neither is what came of it.
    ///
    /// # Errors
    /// That of the attempt, or the store does not answer.
    pub(super) async fn settle<T>(
        resource: &Resource,
        key: &str,
        existing: &Existing,
        outcome: Result<Attempt<T>, Status>,
    ) -> Result<ControlFlow<T, Existing>, Status> {
        let outcome = match outcome {
            Ok(Attempt::Done(done)) => return Ok(ControlFlow::Break(done)),
            Ok(Attempt::Again(current)) => return Ok(ControlFlow::Continue(Existing::fresh(current))),
            Ok(Attempt::Unwritten(done)) => Ok(done),
            // Mostly the store, which would not answer a second time either; and whether it has written is not known.
            Err(status) if status.code >= 500 => return Err(status),
            Err(status) => Err(status),
        };
        if existing.is_fresh {
            return outcome.map(ControlFlow::Break);
        }
        let fresh = Self::fresh(resource, key).await?;
        if fresh.revision() == existing.revision() {
            return outcome.map(ControlFlow::Break);
        }
        Ok(ControlFlow::Continue(fresh))
    }
}
