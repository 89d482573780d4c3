//! Snapshot files of etcd: pages, meta pages, trees and etcd's buckets, as an operator hands them in.
//!
//! An input: a byte of flags, then the file. With the first flag the checksums of the meta pages are made right; the others
//! say what is asked of the hash at the end.

use std::io::Cursor;

use prost::Message;
use proto::mvcc::KeyValue;
use store_bolt::etcd::{self, Contents, Import, Version};
use store_bolt::{Database, Error, Hash, status};

use crate::Verdict;
use crate::support::must;
use crate::support::sample::LEASE;

/// Checksums are made right.
const REPAIRED: u8 = 1;
const PAGE: usize = 4096;

/// Reads a file in every way, and writes what it holds twice.
///
/// # Panics
/// Where what was written cannot be read, or is written differently the second time.
pub fn run(data: &[u8]) -> Verdict {
    let Some((flags, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let mut file = rest.to_vec();
    if flags & REPAIRED != 0 {
        repair(&mut file);
    }
    let hash = [Hash::Required, Hash::IfPresent, Hash::Ignored, Hash::Ignored][usize::from(flags >> 1 & 3)];
    drop(status(Cursor::new(&file), hash));
    if let Ok(mut database) = Database::open(Cursor::new(&file), file.len() as u64) {
        for (_, bucket) in database.buckets().unwrap_or_default() {
            if let Ok(cursor) = database.cursor(&bucket) {
                drop(cursor.collect::<Result<Vec<_>, _>>());
            }
        }
    }
    let Ok((contents, versions)) = read(&file, Hash::Ignored) else {
        return Verdict::Refused;
    };
    let written = match write(&contents, &versions) {
        Ok(written) => written,
        // Two users of one name, or one without: a bucket cannot hold them.
        Err(Error::Order(_)) => return Verdict::Understood,
        Err(error) => panic!("write what was read: {error}"),
    };
    let (contents, versions) = must("read what was written", read(&written, Hash::Required));
    let again = must("write what was read", write(&contents, &versions));
    assert!(written == again, "the same contents make another file");
    must("sum up what was written", status(Cursor::new(&written), Hash::Required));
    Verdict::Understood
}

/// Everything in a file.
pub(crate) fn read(file: &[u8], hash: Hash) -> store_bolt::Result<(Contents, Vec<Version>)> {
    let mut import = Import::open(Cursor::new(file), hash)?;
    let contents = import.contents()?;
    let versions = import.versions()?.collect::<store_bolt::Result<Vec<_>>>()?;
    Ok((contents, versions))
}

fn write(contents: &Contents, versions: &[Version]) -> store_bolt::Result<Vec<u8>> {
    let again = || versions.iter().cloned().map(Ok);
    let plan = etcd::measure(contents, again())?;
    etcd::write(Vec::new(), &plan, contents, again())
}

/// Makes the checksums of both meta pages right: FNV-1a over 56 bytes behind the page's header.
pub(crate) fn repair(file: &mut [u8]) {
    for page in [0, PAGE] {
        let Some(body) = file.get_mut(page + 16..page + 80) else {
            return;
        };
        let sum = body[..56].iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        body[56..].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Files of an empty cluster, of one with everything, and of one with many versions.
pub fn seeds() -> Vec<Vec<u8>> {
    files()
        .into_iter()
        .flat_map(|file| {
            [0, REPAIRED, REPAIRED | 4].map(|flags| {
                let mut seed = vec![flags];
                seed.extend_from_slice(&file);
                seed
            })
        })
        .collect()
}

/// The files that seeds are made of.
pub(crate) fn files() -> Vec<Vec<u8>> {
    let (_, machine) = crate::support::machine::filled();
    let mut everything = Vec::new();
    must(
        "save a snapshot",
        store_node::save_snapshot(&machine.reader(), &mut everything),
    );
    let many: Vec<Version> = (2..60).map(version).collect();
    vec![
        must("write an empty file", write(&Contents::default(), &[])),
        everything,
        must("write many versions", write(&Contents::default(), &many)),
    ]
}

fn version(main: i64) -> Version {
    let kv = KeyValue {
        key: vec![main as u8; 40].into(),
        value: vec![main as u8; 300].into(),
        create_revision: main,
        mod_revision: main,
        version: 1,
        lease: LEASE,
    };
    Version {
        main,
        sub: 0,
        tombstone: main % 11 == 0,
        value: kv.encode_to_vec().into(),
    }
}
