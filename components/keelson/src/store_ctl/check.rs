//! `store-ctl check`: reads everything that a data folder holds, and says what it is or what is wrong with it.

use std::path::Path;

use store_engine::{Order, Space};

use super::data::Data;
use crate::error::{Error, Result};

/// Bytes of log read at once.
const PIECE: u64 = 4 << 20;

/// Checks every record of the log and every block of the database.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn run(dir: &Path, wal_dir: Option<&Path>) -> Result<String> {
    let data = Data::open(dir, wal_dir)?;
    let (entries, log_bytes) = read_log(&data)?;
    let (keys, data_bytes) = read_database(&data)?;
    let live = data.machine.verify();
    let live = live.map_err(|error| Error::new(format!("the database is damaged: {}", Error::chain(&error))))?;
    let (applied, term) = data.machine.applied();
    let first = data.log.first();
    if let Some(first) = first.filter(|first| *first > applied + 1) {
        return Err(Error::new(format!(
            "the log begins with entry {first}, but the database ends with entry {applied}: entries between them are \
             lost. Remove the member from its cluster, move the folder away and add it again"
        )));
    }
    let state = data.machine.reader().state();
    if state.members.cluster_id() != 0 && state.members.cluster_id() != data.identity.cluster_id {
        return Err(Error::new(format!(
            "the database belongs to cluster {:x}, the folder to cluster {:x}: files of two members are mixed",
            state.members.cluster_id(),
            data.identity.cluster_id
        )));
    }
    let range = match (first, data.log.last()) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => "none".to_owned(),
    };
    let torn = data.log.torn().map_or_else(String::new, |torn| {
        format!(
            "\n  torn     {} bytes at {} of {}: a write that a crash cut short, which the next start removes",
            torn.bytes, torn.offset, torn.file
        )
    });
    let members: Vec<String> = state.members.iter().map(|member| format!("{:x}", member.id)).collect();
    Ok(format!(
        "{dir} is sound
  cluster  {cluster:x}, members {members}
  member   {member:x}
  log      {entries} entries ({range}), {log_bytes} bytes{torn}
  applied  entry {applied} of term {term}
  keys     revision {revision}, compacted {compacted}, {live} keys, {live_bytes} bytes live
  database {keys} records, {data_bytes} bytes
",
        dir = dir.display(),
        cluster = data.identity.cluster_id,
        members = members.join(", "),
        member = data.identity.member_id,
        revision = state.revision,
        compacted = state.compacted,
        live_bytes = state.live_bytes,
    ))
}

/// Number and bytes of all entries; reading an entry checks its checksum and its place in the chain.
fn read_log(data: &Data) -> Result<(u64, u64)> {
    let (Some(mut next), Some(last)) = (data.log.first(), data.log.last()) else {
        return Ok((0, 0));
    };
    let (mut entries, mut bytes) = (0, 0);
    while next <= last {
        let records = data.log.read(next..last + 1, PIECE);
        let records =
            records.map_err(|error| Error::new(format!("the log cannot be read at entry {next}: {error}")))?;
        let Some(end) = records.last().map(|record| record.index) else {
            return Err(Error::new(format!(
                "the log has no entry {next} though it goes to {last}"
            )));
        };
        entries += records.len() as u64;
        bytes += records.iter().map(|record| record.data.len() as u64).sum::<u64>();
        next = end + 1;
    }
    Ok((entries, bytes))
}

/// Number and bytes of all records; reading a block checks its checksum.
fn read_database(data: &Data) -> Result<(u64, u64)> {
    let (mut records, mut bytes) = (0, 0);
    for space in 0..=u8::MAX {
        let mut cursor = data.engine.scan(Space(space), &[], None, Order::Ascending);
        while cursor.valid() {
            records += 1;
            bytes += (cursor.key().len() + cursor.value().len()) as u64;
            cursor.advance();
        }
        cursor
            .status()
            .map_err(|error| Error::new(format!("the database cannot be read: {}", Error::chain(&error))))?;
    }
    Ok((records, bytes))
}
