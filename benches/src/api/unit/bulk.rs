//! Many objects made before something is measured, and deleted afterwards.

use std::ops::Range;

use anyhow::{Context, ensure};

use super::worker::{Job, Numbers};
use super::{Phase, count};
use crate::api::object::{self, Resource, Verb};
use crate::api::server::Side;
use crate::report::Outcome;

/// Clients that make objects, enough to keep a server busy.
const CLIENTS: usize = 64;
const CONFLICT: u32 = 409;
const NOT_FOUND: u32 = 404;

/// Makes the objects with these numbers, unless they are there; every one, or it fails.
///
/// # Errors
/// One could not be made.
pub(super) async fn create(side: &Side, resource: &Resource, range: Range<u64>, nodes: u64) -> anyhow::Result<Outcome> {
    bulk(side, Verb::Create, resource, range, nodes, CONFLICT)
        .await
        .with_context(|| format!("making {}", resource.name))
}

/// Deletes the objects with these numbers, if they are there.
///
/// # Errors
/// One could not be deleted.
pub(super) async fn delete(side: &Side, resource: &Resource, range: Range<u64>) -> anyhow::Result<Outcome> {
    bulk(side, Verb::Delete, resource, range, 1, NOT_FOUND)
        .await
        .with_context(|| format!("deleting {}", resource.name))
}

async fn bulk(
    side: &Side,
    verb: Verb,
    resource: &Resource,
    range: Range<u64>,
    nodes: u64,
    accepts: u32,
) -> anyhow::Result<Outcome> {
    let group = side.group();
    let total = range.end.saturating_sub(range.start);
    let numbers = Numbers {
        first: range.start,
        count: Some(total),
    };
    let job = Job {
        nodes,
        accepts: Some(accepts),
        ..Job::new(verb, resource, numbers)
    };
    let clients = CLIENTS.min(usize::try_from(total).unwrap_or(CLIENTS));
    let workers = job.workers(side, clients, &group).await?;
    let loaded = side.load(&count(total), verb.name(), workers, &group).await;
    group.shutdown().await;
    let outcome = loaded?;
    ensure!(
        outcome.errors.is_empty(),
        "not all requests succeeded: {:?}",
        outcome.errors
    );
    Ok(outcome)
}

/// Makes pods until there are so many that stay; the phase if any were missing.
///
/// # Errors
/// One could not be made.
pub(super) async fn fill(side: &mut Side, pods: u64, nodes: u64) -> anyhow::Result<Option<Phase>> {
    if side.pods >= pods {
        return Ok(None);
    }
    let outcome = create(side, &object::many_pods(), side.pods..pods, nodes).await?;
    side.pods = pods;
    Ok(Some(Phase {
        name: format!("fill to {pods} pods"),
        outcome,
    }))
}

/// Deletes all that was written to stay.
///
/// # Errors
/// One object could not be deleted.
pub(crate) async fn clean(side: &mut Side) -> anyhow::Result<()> {
    let (pods, leases) = (side.pods, side.leases);
    delete(side, &object::many_pods(), 0..pods).await?;
    delete(side, &object::leases(), 0..leases).await?;
    (side.pods, side.leases) = (0, 0);
    Ok(())
}
