//! What lies in the folder of a member that does not run: nothing that is of no use.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use store_node::Folder;

use crate::disk::{ENTRY, records};
use crate::error::{Error, OrFail, Result, equal};
use crate::judge::{begins, log};
use crate::life::{config, data_dir};
use crate::script::Scenario;

/// Bytes of a segment before its first record.
const HEADER: usize = 64;

/// Looks for what is of no use.
///
/// # Errors
/// What it is.
pub(crate) fn tidy(folder: &Path, number: usize, scenario: Scenario) -> Result<()> {
    let member = data_dir(folder, number).join("member");
    equal("the folder", names(&member)?, set(&["db", "identity", "log"]))?;
    let (databases, other): (BTreeSet<_>, BTreeSet<_>) = names(&member.join("db"))?
        .into_iter()
        .partition(|name| name.starts_with("db-"));
    equal("the number of databases", databases.len(), 1)?;
    equal(
        "the engine's folder",
        other,
        set(&["ACTIVE", "LOCK", "checkpoints", "incoming"]),
    )?;
    equal("the checkpoints", names(&member.join("db/checkpoints"))?, set(&[]))?;
    if names(&member.join("db/incoming"))?.len() > 1 {
        return Err(Error::new("more than one checkpoint is on its way in"));
    }
    let place = Folder::find(&config(folder, number, scenario)).or_fail("find the folder")?;
    let log = log(&place)?.ok_or_else(|| Error::new("it does not know who it is"))?;
    segments(place.log(), begins(&log))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).or_fail("list a folder")?;
    Ok(entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}

/// Segments follow one another, and the oldest has an entry that was not purged; `first` is the first such.
fn segments(folder: &Path, first: u64) -> Result<()> {
    let (segments, other): (BTreeSet<_>, BTreeSet<_>) = names(folder)?
        .into_iter()
        .partition(|name| Path::new(name).extension().is_some_and(|end| end == "log"));
    equal("what the log's folder holds besides segments", other, set(&["LOCK"]))?;
    let number = |name: &String| name.trim_end_matches(".log").parse::<u64>();
    let numbers: Vec<u64> = segments
        .iter()
        .map(number)
        .collect::<std::result::Result<_, _>>()
        .or_fail("read the name of a segment")?;
    if numbers.windows(2).any(|pair| pair[0] + 1 != pair[1]) {
        return Err(Error::new(format!("segments of the log are missing: {numbers:?}")));
    }
    // The last one is written to and stays, whatever is in it; and where nothing was purged, all of them do.
    let oldest = segments.first().filter(|_| segments.len() > 1 && first > 0);
    let Some(oldest) = oldest else { return Ok(()) };
    let bytes = fs::read(folder.join(oldest)).or_fail("read a segment")?;
    let mut found = records(bytes.get(HEADER..).unwrap_or_default());
    if found.any(|(kind, index)| kind == ENTRY && index >= first) {
        return Ok(());
    }
    let text = format!("segment {oldest} was not removed, and has nothing from entry {first} on");
    Err(Error::new(text))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use store_log::{Executor, Log, LogOptions, RealDisk, Record};

    use super::*;

    /// A log of several segments whose beginning was purged, one of those that were removed, and the first index left.
    fn purged() -> (tempfile::TempDir, (PathBuf, Vec<u8>), u64) {
        let folder = tempfile::tempdir().unwrap();
        let options = LogOptions {
            segment_bytes: 1 << 10,
            executor: Executor::Inline,
            ..LogOptions::new(1, 1)
        };
        let log = Log::open(Arc::new(RealDisk::open(folder.path()).unwrap()), options).unwrap();
        for index in 0..20 {
            let record = Record {
                index,
                data: vec![7; 300].into(),
            };
            log.append(vec![record], Box::new(|result| result.unwrap()));
        }
        // The newest of those that a purge removes.
        let last = folder.path().join(format!("{:020}.log", 4));
        let bytes = fs::read(&last).unwrap();
        let first = records(&bytes[HEADER..]).map(|(_, index)| index).max().unwrap() + 1;
        log.purge(first - 1, "".into(), Box::new(|result| result.unwrap()));
        assert!(!last.exists());
        drop(log);
        (folder, (last, bytes), first)
    }

    #[test]
    fn segments_that_are_of_no_use_are_found() {
        let (folder, (last, bytes), first) = purged();
        assert_eq!(segments(folder.path(), first), Ok(()));
        fs::write(&last, &bytes).unwrap();
        let found = segments(folder.path(), first).unwrap_err().to_string();
        assert!(found.contains("was not removed"), "{found}");
        let straggler = folder.path().join(format!("{:020}.log", 1));
        fs::rename(&last, straggler).unwrap();
        let found = segments(folder.path(), first).unwrap_err().to_string();
        assert!(found.contains("are missing"), "{found}");
        fs::remove_file(folder.path().join("LOCK")).unwrap();
        fs::write(folder.path().join("x.log.new"), "").unwrap();
        let found = segments(folder.path(), first).unwrap_err().to_string();
        assert!(found.contains("besides segments"), "{found}");
    }
}
