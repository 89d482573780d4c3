//! Files that rot: bits that flip and tails that are gone, in the data of a member that does not run.
//!
//! Logs are preallocated, and a flipped zero behind their end means nothing: only bytes up to the last one that is not
//! zero are damaged.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Some bits of it are the other way round.
    Flip,
    /// Its last bytes are gone.
    Truncate,
}

/// At most so many bits are flipped in one file.
const FLIPS_MAX: usize = 16;
/// At most so many bytes are cut off.
const CUT_MAX: u64 = 1024;
/// Endings of files that hold data: segments of logs, tables, snapshots.
const ENDINGS: &[&str] = &["log", "sst", "wal", "snap"];
/// The same by their whole names, or how they begin.
const NAMES: &[&str] = &["db", "CURRENT", "MANIFEST-"];

/// Damages one file below a folder; what was done, in words.
///
/// # Errors
/// There is none with anything in it, or it cannot be changed.
pub(super) fn damage(data: &Path, damage: Damage, random: &mut StdRng) -> anyhow::Result<String> {
    let mut files = Vec::new();
    collect(data, &mut files).with_context(|| format!("cannot list {}", data.display()))?;
    // Folders are listed in any order.
    files.sort();
    let full: Vec<(PathBuf, u64)> = files
        .into_iter()
        .filter_map(|path| {
            let used = used(&fs::read(&path).ok()?);
            (used > 0).then_some((path, used))
        })
        .collect();
    let (path, used) = full
        .choose(random)
        .with_context(|| format!("{} has no file to damage", data.display()))?;
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let done = match damage {
        Damage::Flip => flip(&file, *used, random)?,
        Damage::Truncate => truncate(&file, *used, random)?,
    };
    file.sync_all()?;
    let name = path.strip_prefix(data).unwrap_or(path);
    Ok(format!("{done} of {}", name.display()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if holds_data(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn holds_data(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.contains(&ending)
        || NAMES
            .iter()
            .any(|one| name == *one || one.ends_with('-') && name.starts_with(one))
}

/// How many bytes there are up to the last that is not zero.
fn used(content: &[u8]) -> u64 {
    content
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last as u64 + 1)
}

fn flip(file: &File, used: u64, random: &mut StdRng) -> std::io::Result<String> {
    let flips = random.random_range(1..=FLIPS_MAX);
    for _ in 0..flips {
        let at = random.random_range(0..used);
        let mut byte = [0];
        file.read_exact_at(&mut byte, at)?;
        byte[0] ^= 1 << random.random_range(0..8);
        file.write_all_at(&byte, at)?;
    }
    Ok(format!("{flips} bits flipped in the {used} bytes"))
}

fn truncate(file: &File, used: u64, random: &mut StdRng) -> std::io::Result<String> {
    let cut = random.random_range(1..=used.min(CUT_MAX));
    file.set_len(used - cut)?;
    Ok(format!("the last {cut} cut off the {used} bytes"))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn data_are_damaged_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("member/log");
        fs::create_dir_all(&below).unwrap();
        let mut content = vec![0; 10_000];
        content[..500].fill(7);
        let log = below.join("00000000000000000001.log");
        for seed in 0..20 {
            fs::write(&log, &content).unwrap();
            fs::write(below.join("LOG"), "text").unwrap();
            fs::write(below.join("empty.sst"), [0; 100]).unwrap();
            let mut random = StdRng::seed_from_u64(seed);
            let done = damage(folder.path(), Damage::Flip, &mut random).unwrap();
            assert!(done.ends_with("of member/log/00000000000000000001.log"), "{done}");
            let after = fs::read(&log).unwrap();
            assert_eq!(after.len(), 10_000);
            assert!(after[500..].iter().all(|byte| *byte == 0), "behind the end");
            fs::write(&log, &content).unwrap();
            damage(folder.path(), Damage::Truncate, &mut random).unwrap();
            assert!(fs::read(&log).unwrap().len() < 500);
        }
        assert_eq!(fs::read(below.join("LOG")).unwrap(), b"text");
    }

    #[test]
    fn what_holds_data_is_known_by_its_name() {
        for (path, expected) in [
            ("a/0000000000000001-0000000000000002.wal", true),
            ("a/db", true),
            ("a/MANIFEST-000005", true),
            ("a/CURRENT", true),
            ("a/000012.sst", true),
            ("a/LOCK", false),
            ("a/LOG", false),
            ("a/OPTIONS-000007", false),
            ("a/MANIFEST", false),
        ] {
            assert_eq!(holds_data(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_folder_without_data_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut random = StdRng::seed_from_u64(1);
        assert!(damage(folder.path(), Damage::Flip, &mut random).is_err());
        assert!(damage(&folder.path().join("none"), Damage::Flip, &mut random).is_err());
    }
}
