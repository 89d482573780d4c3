//! A snapshot file on its way into a machine, as `store-ctl snapshot restore` leads it, and out again.
//!
//! An input: a byte of flags, a byte of how far the revision is moved on, then the file.

use std::sync::Arc;

use store_bolt::etcd::{Contents, Version};
use store_bolt::{Hash, status};
use store_engine::{Engine, Memory};
use store_machine::restore::{Content, ImportOptions, fill};
use store_mvcc::Revision;

use super::bolt_file;
use crate::Verdict;
use crate::support::machine::{collect, open, read, write};
use crate::support::{must, sample};

/// Checksums of the meta pages are made right.
const REPAIRED: u8 = 1;
/// Everything restored is compacted.
const COMPACTED: u8 = 2;
/// The revision is moved on as far as it goes.
const FAR: u8 = 4;

/// Restores a file, opens what came of it, reads and writes there, and saves it.
///
/// # Panics
/// Where a store that was restored does not agree with itself, or cannot be saved.
pub fn run(data: &[u8]) -> Verdict {
    let Some((&[flags, bump], rest)) = data.split_first_chunk() else {
        return Verdict::Refused;
    };
    let mut file = rest.to_vec();
    if flags & REPAIRED != 0 {
        bolt_file::repair(&mut file);
    }
    let Ok((contents, versions)) = bolt_file::read(&file, Hash::Ignored) else {
        return Verdict::Refused;
    };
    let compacted = contents.scheduled_compaction.max(contents.finished_compaction);
    let options = ImportOptions {
        compacted: compacted.unwrap_or(-1),
        bump_revision: if flags & FAR == 0 { bump.into() } else { u64::MAX },
        mark_compacted: flags & COMPACTED != 0,
    };
    restored(options, all(contents, versions))
}

/// Fills a store, opens what came of it, reads and writes there, and saves it.
pub(super) fn restored(options: ImportOptions, contents: impl Iterator<Item = Content>) -> Verdict {
    let engine = Arc::new(Memory::new());
    let shared: Arc<dyn Engine> = Arc::<Memory>::clone(&engine);
    let Ok(revision) = fill(&shared, &sample::genesis(), options, contents) else {
        return Verdict::Refused;
    };
    // Names that are no text are met only now.
    let Ok(mut machine) = open(&engine) else {
        return Verdict::Refused;
    };
    assert_eq!(
        machine.reader().mvcc().revision(),
        revision,
        "the revision is what was said"
    );
    must("compare index and versions", machine.verify());
    must("hash what was restored", machine.reader().mvcc().view().hash_kv(0));
    read(&machine);
    collect(&machine, &engine);
    must("compare index and versions", machine.verify());
    save(&machine.reader());
    write(&mut machine);
    must("compare index and versions", machine.verify());
    Verdict::Understood
}

fn save(reader: &store_machine::Reader) {
    let mut saved = Vec::new();
    match store_node::save_snapshot(reader, &mut saved) {
        // A user without a name: a bucket cannot hold it.
        Err(store_bolt::Error::Order(_)) => return,
        outcome => must("save what was restored", outcome),
    }
    let found = status(std::io::Cursor::new(&saved), Hash::Required);
    must("sum up what was saved", found);
}

/// What the file holds, as the machine takes it; all but the old cluster's members and alarms.
fn all(contents: Contents, versions: Vec<Version>) -> impl Iterator<Item = Content> {
    let auth = Content::Auth {
        enabled: contents.auth_enabled,
        revision: contents.auth_revision.max(1),
    };
    let leases = contents.leases.into_iter().map(|lease| Content::Lease {
        id: lease.id,
        ttl: lease.ttl,
        remaining: lease.remaining_ttl,
    });
    let users = contents.users.into_iter().map(Content::User);
    let roles = contents.roles.into_iter().map(Content::Role);
    let versions = versions.into_iter().map(|version| {
        Content::Version(store_mvcc::Version {
            revision: Revision::new(version.main, version.sub),
            tombstone: version.tombstone,
            kv: version.value,
        })
    });
    std::iter::once(auth)
        .chain(leases)
        .chain(users)
        .chain(roles)
        .chain(versions)
}

/// The files of [`bolt_file`], restored in several ways.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for file in bolt_file::files() {
        for head in [[REPAIRED, 0], [REPAIRED | COMPACTED, 100], [FAR | COMPACTED, 0]] {
            seeds.push([&head[..], &file].concat());
        }
    }
    seeds
}
