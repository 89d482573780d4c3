//! Clocks of members that can be set, by libfaketime: it stands between a member and the C library's clocks.
//!
//! Only the wall clock is changed: the monotonic one cannot jump on a real machine either. The offset is read from a
//! file, again each second. It has no effect on programs that ask the kernel without the C library, as Go's do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

/// The library, as the package `faketime` of Debian installs it: the one for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Where the library is.
///
/// # Errors
/// It is not installed.
pub(super) fn library() -> anyhow::Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").context("cannot read /usr/lib")?;
    let candidates = folders.flatten().map(|folder| folder.path());
    candidates
        .chain([PathBuf::from("/usr/lib"), PathBuf::from("/usr/local/lib")])
        .map(|folder| folder.join(LIBRARY))
        .find(|path| path.is_file())
        .context("there is no libfaketime; clocks cannot be set without it (package faketime)")
}

/// What a member is started with.
pub(super) fn environment(library: &Path, file: &Path) -> [(&'static str, OsString); 4] {
    [
        ("LD_PRELOAD", library.into()),
        ("FAKETIME_TIMESTAMP_FILE", file.into()),
        ("FAKETIME_CACHE_DURATION", "1".into()),
        ("DONT_FAKE_MONOTONIC", "1".into()),
    ]
}

/// Sets the clocks that follow this file.
///
/// # Errors
/// The file cannot be written.
pub(super) fn set(file: &Path, offset_seconds: i64) -> anyhow::Result<()> {
    // At once, not in two steps: half of a number would be another time.
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{offset_seconds:+}\n"))
        .and_then(|()| std::fs::rename(&new, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// How far a date of HTTP is from now, in seconds.
pub(super) fn offset(date: &str) -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs() as i64;
    Some(seconds(date)? - now)
}

/// "Sat, 21 Nov 2026 20:57:27 GMT" as seconds since 1970.
fn seconds(date: &str) -> Option<i64> {
    let (_, date) = date.split_once(", ")?;
    let mut words = date.split(' ');
    let day: i64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = months.iter().position(|month| *month == name)? as i64 + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days since 1970. Years are counted from March, so that the day that is added now and then is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    // 719,468 days are from March of the year 0 to 1970.
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        for (date, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Sat, 21 Nov 2026 20:57:27 GMT", 1_795_294_647),
        ] {
            assert_eq!(seconds(date), Some(expected), "{date}");
        }
        for wrong in [
            "",
            "yesterday",
            "Sat, 21 Foo 2026 20:57:27 GMT",
            "Sat, 21 Nov 2026 20:57",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_offset_has_its_sign() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("n1.clock");
        for (offset, expected) in [(3600, "+3600\n"), (-5, "-5\n"), (0, "+0\n")] {
            set(&file, offset).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        }
    }
}
