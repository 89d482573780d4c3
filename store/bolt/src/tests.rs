//! Tests of the whole way: written, read back, broken on purpose.

use std::io::Cursor;

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use proto::auth::{Permission, Role, User};
use proto::etcd::{AlarmMember, Member};
use proto::mvcc::KeyValue;

use crate::etcd::{self, ConfState, Contents, Downgrade, Import, Lease, Version};
use crate::page::{HEADER, Header, Kind, PAGE};
use crate::{Database, Error, Hash, Result, Writer, status};

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn database(buckets: &[(&[u8], Entries)]) -> Vec<u8> {
    fn fill<W: std::io::Write>(writer: &mut Writer<W>, buckets: &[(&[u8], Entries)]) {
        for (name, entries) in buckets {
            let mut bucket = writer.bucket(name);
            for (key, value) in entries {
                bucket.put(key, value).unwrap();
            }
            bucket.finish().unwrap();
        }
    }
    let mut writer = Writer::measure().unwrap();
    fill(&mut writer, buckets);
    let layout = writer.finish().unwrap().1;
    let mut writer = Writer::new(Vec::new(), layout).unwrap();
    fill(&mut writer, buckets);
    let file = writer.finish().unwrap().0;
    assert_eq!(file.len() as u64, layout.bytes());
    file
}

fn read(file: &[u8]) -> Result<Vec<(Bytes, Entries)>> {
    let mut database = Database::open(Cursor::new(file), file.len() as u64)?;
    let mut found = Vec::new();
    for (name, bucket) in database.buckets()? {
        let entries = database
            .cursor(&bucket)?
            .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())));
        found.push((name, entries.collect::<Result<_>>()?));
    }
    Ok(found)
}

fn sample(count: i64) -> (Contents, Vec<Version>) {
    let contents = Contents {
        consistent_index: 77,
        term: 3,
        conf_state: Some(ConfState {
            voters: vec![1, 0x8e9e_05c5_2164_694d],
            ..ConfState::default()
        }),
        storage_version: Some("3.6.0".into()),
        scheduled_compaction: Some(5),
        finished_compaction: Some(4),
        leases: vec![
            Lease {
                id: 7,
                ttl: 60,
                remaining_ttl: 0,
            },
            Lease {
                id: 9,
                ttl: 600,
                remaining_ttl: 30,
            },
        ],
        auth_enabled: true,
        auth_revision: 12,
        users: vec![User {
            name: "root".into(),
            password: "hash".into(),
            roles: vec!["root".into()],
            options: None,
        }],
        roles: vec![Role {
            name: "root".into(),
            key_permission: vec![Permission {
                perm_type: 2,
                key: "a".into(),
                range_end: "b".into(),
            }],
        }],
        members: vec![Member {
            id: 0x8e9e_05c5_2164_694d,
            name: "default".into(),
            peer_ur_ls: vec!["http://localhost:2380".into()],
            client_ur_ls: vec!["http://localhost:2379".into()],
            is_learner: false,
        }],
        removed_members: vec![3, 0xabc],
        cluster_version: Some("3.6.0".into()),
        downgrade: Some(Downgrade {
            target_version: "3.5.0".into(),
            enabled: true,
        }),
        alarms: vec![AlarmMember { member_id: 4, alarm: 1 }],
    };
    (contents, (2..2 + count).map(version).collect())
}

fn version(main: i64) -> Version {
    let key = Bytes::from(format!("/registry/pods/{}", main % 17));
    let tombstone = main % 11 == 0;
    let kv = if tombstone {
        KeyValue {
            key,
            ..KeyValue::default()
        }
    } else {
        let value = vec![main as u8; (main as usize * 37) % 900];
        KeyValue {
            key,
            value: value.into(),
            create_revision: main,
            mod_revision: main,
            version: 1,
            lease: 0,
        }
    };
    Version {
        main,
        sub: main % 3,
        tombstone,
        value: kv.encode_to_vec().into(),
    }
}

fn snapshot(contents: &Contents, versions: &[Version]) -> Vec<u8> {
    let plan = etcd::measure(contents, versions.iter().cloned().map(Ok)).unwrap();
    let file = etcd::write(Vec::new(), &plan, contents, versions.iter().cloned().map(Ok)).unwrap();
    assert_eq!(file.len() as u64, plan.bytes());
    file
}

#[test]
fn a_deep_tree_reads_back() {
    let entries: Entries = (0..60_000u32)
        .map(|n| (n.to_be_bytes().to_vec(), vec![n as u8; n as usize % 70]))
        .collect();
    let long: Entries = (0..40u8).map(|n| (vec![n; 3000], vec![n; 10_000])).collect();
    let file = database(&[(b"empty", vec![]), (b"long", long.clone()), (b"many", entries.clone())]);
    let found = read(&file).unwrap();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, [&b"empty"[..], b"long", b"many"]);
    assert!(found[0].1.is_empty());
    assert_eq!(found[1].1, long);
    assert!(found[2].1 == entries);
}

/// bbolt merges underfull siblings, and fails when a page has none.
#[test]
fn no_branch_has_a_single_child() {
    for count in [1u32, 2, 92, 93, 240, 5000, 40_000, 40_001, 40_170] {
        let entries: Entries = (0..count).map(|n| (n.to_be_bytes().repeat(4), vec![0; 12])).collect();
        let file = database(&[(b"b", entries)]);
        let mut branches = 0;
        for page in file.chunks(PAGE).skip(2) {
            let header = Header::decode(page).unwrap();
            if header.kind == Kind::Branch {
                branches += 1;
                assert!(header.count >= 2, "page {} of {count}", header.id);
            }
        }
        // A leaf holds 92 of these.
        assert_eq!(branches > 0, count > 92);
    }
}

#[test]
fn a_writer_refuses_disorder_and_change() {
    let mut writer = Writer::measure().unwrap();
    let mut bucket = writer.bucket(b"b");
    bucket.put(b"k", b"").unwrap();
    assert!(matches!(bucket.put(b"k", b""), Err(Error::Order(_))));
    assert!(matches!(bucket.put(b"j", b""), Err(Error::Order(_))));
    bucket.finish().unwrap();
    assert!(matches!(writer.bucket(b"a").finish(), Err(Error::Order(_))));
    assert!(matches!(writer.bucket(b"c").put(b"", b"v"), Err(Error::Order(_))));

    let (contents, versions) = sample(100);
    let plan = etcd::measure(&contents, versions.iter().cloned().map(Ok)).unwrap();
    let more = sample(120).1.into_iter().map(Ok);
    assert!(matches!(
        etcd::write(Vec::new(), &plan, &contents, more),
        Err(Error::Changed)
    ));
    let broken = || std::iter::once(Err(Error::Source("view is gone".into())));
    assert!(matches!(etcd::measure(&contents, broken()), Err(Error::Source(_))));
}

#[test]
fn contents_read_back() {
    for count in [0, 1, 3000] {
        let (contents, versions) = sample(count);
        let file = snapshot(&contents, &versions);
        let mut import = Import::open(Cursor::new(&file), Hash::Required).unwrap();
        assert_eq!(import.contents().unwrap(), contents);
        let found: Vec<_> = import.versions().unwrap().map(Result::unwrap).collect();
        assert_eq!(found, versions);
        let status = status(Cursor::new(&file), Hash::Required).unwrap();
        assert_eq!(status.revision, if count == 0 { 0 } else { count + 1 });
        assert_eq!(status.version, "3.6.0");
        assert_eq!(status.total_size, file.len() as u64 - 32);
        assert_eq!(status.total_key, count as u64 + 18);
    }
    let empty = Contents::default();
    let file = snapshot(&empty, &[]);
    assert_eq!(
        Import::open(Cursor::new(&file), Hash::Required)
            .unwrap()
            .contents()
            .unwrap(),
        empty
    );
}

#[test]
fn the_hash_is_checked_as_asked() {
    let (contents, versions) = sample(50);
    let file = snapshot(&contents, &versions);
    let open = |file: &[u8], hash| status(Cursor::new(file), hash).map(drop);
    let bare = &file[..file.len() - 32];
    assert!(matches!(open(bare, Hash::Required), Err(Error::NoHash)));
    open(bare, Hash::IfPresent).unwrap();
    let mut flipped = file.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(matches!(open(&flipped, Hash::Required), Err(Error::Hash)));
    assert!(matches!(open(&flipped, Hash::IfPresent), Err(Error::Hash)));
    open(&flipped, Hash::Ignored).unwrap();
    let cut = &file[..file.len() / 2];
    assert!(open(cut, Hash::Required).is_err() && open(cut, Hash::Ignored).is_err());
    assert!(open(b"", Hash::Ignored).is_err());
}

/// Small buckets of files that bbolt wrote lie inside their parent's page.
#[test]
fn inline_buckets_are_read() {
    let mut file = database(&[(b"in", vec![(b"k".to_vec(), b"v".to_vec())])]);
    // The bucket's page and the root page, as the writer puts them.
    let leaf = file[3 * PAGE..3 * PAGE + 34].to_vec();
    let root = &mut file[4 * PAGE..5 * PAGE];
    let value = HEADER + 16 + 2;
    root[value..value + 8].fill(0);
    root[value + 16..value + 16 + 34].copy_from_slice(&leaf);
    root[HEADER + 12..HEADER + 16].copy_from_slice(&(16 + 34u32).to_le_bytes());
    let found = read(&file).unwrap();
    assert_eq!(found[0].1, [(b"k".to_vec(), b"v".to_vec())]);
}

#[test]
fn one_bad_meta_page_does_not_matter() {
    let (contents, versions) = sample(20);
    let file = snapshot(&contents, &versions);
    for page in [0, 1] {
        let mut broken = file.clone();
        broken[page * PAGE + 40] ^= 1;
        assert!(status(Cursor::new(&broken), Hash::Ignored).is_ok());
        broken[(1 - page) * PAGE + 40] ^= 1;
        assert!(status(Cursor::new(&broken), Hash::Ignored).is_err());
    }
}

/// A page that is its own child would be walked for ever.
#[test]
fn circles_end() {
    let entries: Entries = (0..5000u32).map(|n| (n.to_be_bytes().to_vec(), vec![0; 100])).collect();
    let file = database(&[(b"b", entries)]);
    let branch = file
        .chunks(PAGE)
        .skip(2)
        .find(|page| Header::decode(page).unwrap().kind == Kind::Branch)
        .unwrap();
    let header = Header::decode(branch).unwrap();
    for child in [0, 1, usize::from(header.count) - 1] {
        let mut broken = file.clone();
        let at = header.id as usize * PAGE + HEADER + 16 * child + 8;
        broken[at..at + 8].copy_from_slice(&header.id.to_le_bytes());
        assert!(matches!(read(&broken), Err(Error::Corrupt(_))), "child {child}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is wrong with a file, reading it ends, with an answer or an error.
    #[test]
    fn noise_never_panics(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), cut in any::<prop::sample::Index>()) {
        let (contents, versions) = sample(200);
        let mut file = snapshot(&contents, &versions);
        for (at, byte) in flips {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(file.len() - cut.index(2 * PAGE));
        let _ = status(Cursor::new(&file), Hash::Ignored);
        if let Ok(mut import) = Import::open(Cursor::new(&file), Hash::Ignored) {
            let _ = import.contents();
            if let Ok(versions) = import.versions() {
                versions.for_each(drop);
            }
        }
    }

    /// The same, aimed at the numbers that hold the tree together.
    #[test]
    fn broken_headers_never_panic(page in 2usize..30, at in 0usize..200, value in any::<u32>()) {
        let (contents, versions) = sample(200);
        let mut file = snapshot(&contents, &versions);
        let at = page * PAGE + at;
        if at + 4 <= file.len() {
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        let _ = status(Cursor::new(&file), Hash::Ignored);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_sorted_entries_read_back(entries in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 1..300), prop::collection::vec(any::<u8>(), 0..5000), 0..40)) {
        let entries: Entries = entries.into_iter().collect();
        let file = database(&[(b"b", entries.clone())]);
        let found = read(&file).unwrap();
        prop_assert!(found[0].1 == entries);
    }
}
