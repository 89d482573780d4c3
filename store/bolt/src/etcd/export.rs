//! Writing etcd's contents: the small buckets from a struct, the versions from an iterator.

use std::io::Write;

use prost::Message;

use super::encoding::{encode_id, encode_json, encode_member, encode_revision};
use super::{Contents, Version, buckets};
use crate::snapshot::{HASH_BYTES, Hashing};
use crate::{Layout, Result, Writer};

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// What the first pass over the data finds out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    layout: Layout,
}

impl Plan {
    /// Size of the whole snapshot file, with its hash.
    pub fn bytes(&self) -> u64 {
        self.layout.bytes() + HASH_BYTES
    }
}

/// The first pass: how large the file will be, and what its first pages say.
///
/// `versions` ascend by main and sub revision; the second pass must be given the same.
///
/// # Errors
/// `Order`; those of the iterator.
pub fn measure(contents: &Contents, versions: impl IntoIterator<Item = Result<Version>>) -> Result<Plan> {
    let mut writer = Writer::measure()?;
    fill(&mut writer, contents, versions)?;
    Ok(Plan {
        layout: writer.finish()?.1,
    })
}

/// The second pass: writes the snapshot file, whose last 32 bytes are the SHA-256 of all before.
///
/// # Errors
/// `Changed` when the data is not what was measured; `Order`; those of the iterator and the output.
pub fn write<W: Write>(
    out: W,
    plan: &Plan,
    contents: &Contents,
    versions: impl IntoIterator<Item = Result<Version>>,
) -> Result<W> {
    let mut writer = Writer::new(Hashing::new(out), plan.layout)?;
    fill(&mut writer, contents, versions)?;
    let (mut out, hash) = writer.finish()?.0.into_parts();
    out.write_all(&hash)?;
    out.flush()?;
    Ok(out)
}

/// Writes all buckets, in the order of their names. etcd expects every one of them, also empty.
fn fill<W: Write>(
    writer: &mut Writer<W>,
    contents: &Contents,
    versions: impl IntoIterator<Item = Result<Version>>,
) -> Result<()> {
    small(
        writer,
        buckets::ALARM,
        contents
            .alarms
            .iter()
            .map(|alarm| (alarm.encode_to_vec(), Vec::new()))
            .collect(),
    )?;
    small(writer, buckets::AUTH, auth(contents))?;
    small(
        writer,
        buckets::AUTH_ROLES,
        contents
            .roles
            .iter()
            .map(|role| (role.name.to_vec(), role.encode_to_vec()))
            .collect(),
    )?;
    small(
        writer,
        buckets::AUTH_USERS,
        contents
            .users
            .iter()
            .map(|user| (user.name.to_vec(), user.encode_to_vec()))
            .collect(),
    )?;
    small(writer, buckets::CLUSTER, cluster(contents)?)?;
    let mut keys = writer.bucket(buckets::KEY);
    for version in versions {
        let Version {
            main,
            sub,
            tombstone,
            value,
        } = version?;
        keys.put(&encode_revision(main, sub, tombstone), &value)?;
    }
    keys.finish()?;
    let lease = |lease: &super::Lease| (lease.id.to_be_bytes().to_vec(), lease.encode_to_vec());
    small(writer, buckets::LEASE, contents.leases.iter().map(lease).collect())?;
    let members: Result<_> = contents
        .members
        .iter()
        .map(|member| Ok((encode_id(member.id), encode_member(member)?)))
        .collect();
    small(writer, buckets::MEMBERS, members?)?;
    let removed = contents
        .removed_members
        .iter()
        .map(|&id| (encode_id(id), buckets::REMOVED.to_vec()))
        .collect();
    small(writer, buckets::MEMBERS_REMOVED, removed)?;
    small(writer, buckets::META, meta(contents)?)
}

fn small<W: Write>(writer: &mut Writer<W>, name: &[u8], mut entries: Entries) -> Result<()> {
    entries.sort_unstable();
    let mut bucket = writer.bucket(name);
    for (key, value) in entries {
        bucket.put(&key, &value)?;
    }
    bucket.finish()
}

fn auth(contents: &Contents) -> Entries {
    vec![
        (buckets::AUTH_ENABLED.to_vec(), vec![u8::from(contents.auth_enabled)]),
        (
            buckets::AUTH_REVISION.to_vec(),
            contents.auth_revision.to_be_bytes().to_vec(),
        ),
    ]
}

fn cluster(contents: &Contents) -> Result<Entries> {
    let mut entries = Entries::new();
    if let Some(version) = &contents.cluster_version {
        entries.push((buckets::CLUSTER_VERSION.to_vec(), version.clone().into_bytes()));
    }
    if let Some(downgrade) = &contents.downgrade {
        entries.push((buckets::DOWNGRADE.to_vec(), encode_json(downgrade)?));
    }
    Ok(entries)
}

fn meta(contents: &Contents) -> Result<Entries> {
    let mut entries = Entries::new();
    let mut put = |key: &[u8], value: Vec<u8>| entries.push((key.to_vec(), value));
    // etcd never writes an index or a term of zero.
    for (key, number) in [
        (buckets::CONSISTENT_INDEX, contents.consistent_index),
        (buckets::TERM, contents.term),
    ] {
        if number != 0 {
            put(key, number.to_be_bytes().to_vec());
        }
    }
    let scheduled = (buckets::SCHEDULED_COMPACTION, contents.scheduled_compaction);
    for (key, revision) in [scheduled, (buckets::FINISHED_COMPACTION, contents.finished_compaction)] {
        if let Some(revision) = revision {
            put(key, encode_revision(revision, 0, false));
        }
    }
    if let Some(conf_state) = &contents.conf_state {
        put(buckets::CONF_STATE, encode_json(conf_state)?);
    }
    if let Some(version) = &contents.storage_version {
        put(buckets::STORAGE_VERSION, version.clone().into_bytes());
    }
    Ok(entries)
}
