//! What crashes and careless hands leave in a member's folder.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, OrFail, Result};

/// Leaves behind what crashes leave: segments that were not finished or not removed, a torn tail, half a database.
pub(crate) fn litter(folder: &Path) -> Result<()> {
    let member = folder.join("a/member");
    let log = member.join("log");
    let mut segments: Vec<u64> = fs::read_dir(&log)
        .or_fail("list the log")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".log")?.parse().ok())
        .collect();
    segments.sort_unstable();
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        return Err(Error::new("there is no log"));
    };
    let name = |number: u64| log.join(format!("{number:020}.log"));
    let straggler = first.checked_sub(2).filter(|number| *number > 0);
    let straggler = straggler.ok_or_else(|| Error::new("no segment was ever removed"))?;
    fs::copy(name(*first), name(straggler)).or_fail("copy a segment")?;
    let unfinished = name(last + 1).with_extension("log.new");
    fs::write(unfinished, "half").or_fail("write half a segment")?;
    let tail = fs::read(name(*last)).or_fail("read the last segment")?;
    let end = tail.iter().rposition(|byte| *byte != 0).unwrap_or_default();
    let file = fs::File::options()
        .write(true)
        .open(name(*last))
        .or_fail("open the last segment")?;
    let behind = (end as u64 / 8 + 1) * 8;
    file.write_all_at(&[0xab; 24], behind)
        .or_fail("tear the last segment")?;
    let database = member.join("db");
    for (folder, file) in [("db-99", "000001.sst"), ("checkpoints/7", "000001.sst")] {
        fs::create_dir_all(database.join(folder)).or_fail("make a folder")?;
        fs::write(database.join(folder).join(file), "half").or_fail("write half a database")?;
    }
    let mut next = fs::File::create(database.join("ACTIVE.next")).or_fail("write half a pointer")?;
    next.write_all(b"db-").or_fail("write half a pointer")
}
