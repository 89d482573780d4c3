//! Fills an empty engine with what a snapshot of another cluster held, under new members and a new cluster id.
//!
//! Used offline. The members of the old cluster do not come along: the restored members must never talk to them.

use std::sync::Arc;

use proto::auth::{Role, User};
use store_engine::{Batch, Engine};
use store_lease::Leases;
use store_mvcc::{Import, Version};

pub use store_mvcc::ImportOptions;

use crate::error::OpenError;
use crate::genesis::Genesis;
use crate::meta;

/// One thing out of a snapshot. Versions come in the order of their revisions, all else in any order.
#[derive(Clone, Debug)]
pub enum Content {
    /// A version of a key.
    Version(Version),
    /// A lease; times in seconds, `remaining` 0 without a checkpoint.
    Lease {
        /// Its id.
        id: i64,
        /// The granted time to live.
        ttl: i64,
        /// What the last checkpoint left.
        remaining: i64,
    },
    /// A user.
    User(User),
    /// A role.
    Role(Role),
    /// Whether authentication is on, and its revision.
    Auth {
        /// Whether it is on.
        enabled: bool,
        /// The revision.
        revision: u64,
    },
}

/// Fills `engine`, durably; answers the revision it then has.
///
/// # Errors
/// When the engine fails, holds a cluster already, or `contents` makes no sense; the engine is then of no use.
pub fn fill(
    engine: &Arc<dyn Engine>,
    genesis: &Genesis,
    options: ImportOptions,
    contents: impl IntoIterator<Item = Content>,
) -> Result<i64, OpenError> {
    if meta::cluster_id(&**engine)?.is_some() {
        return Err(OpenError::Corrupt("restoring over a store that is in use".to_owned()));
    }
    let mut import = Import::new(Arc::clone(engine), options);
    let (mut batch, mut leases) = (Batch::new(), Leases::default());
    for content in contents {
        match content {
            Content::Version(version) => import.push(version)?,
            Content::Lease { id, ttl, remaining } => {
                leases
                    .grant(id, ttl, i64::MIN, &mut batch)
                    .map_err(|error| OpenError::Corrupt(format!("lease {id:016x}: {error}")))?;
                if remaining > 0 {
                    leases.checkpoint(id, remaining, &mut batch);
                }
            }
            Content::User(user) => store_auth::record::user(&mut batch, &user),
            Content::Role(role) => store_auth::record::role(&mut batch, &role),
            Content::Auth { enabled, revision } => store_auth::record::head(&mut batch, enabled, revision),
        }
    }
    let revision = import.finish()?;
    // The cluster's id goes last: a store that was not filled to the end is not taken for one.
    genesis.write(&mut batch);
    engine.write(&batch)?;
    engine.flush()?;
    Ok(revision)
}
