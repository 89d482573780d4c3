//! Where a run leaves what it has seen.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The folder of one run.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder of a run that begins now, below `out`.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn make(out: &Path, started: u64, workload: &str, nemesis: &str, seed: u64) -> anyhow::Result<Self> {
        let name = format!("{}-{workload}-{}-{seed}", stamp(started), plain(nemesis));
        let path = out.join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("{}", path.display()))?;
        // Members run elsewhere in the tree and are told of it by its whole name.
        let path = path.canonicalize().with_context(|| format!("{}", path.display()))?;
        Ok(Self(path))
    }

    /// The folder of a run that was.
    pub(crate) fn of(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What clients saw, line by line.
    pub(crate) fn history(&self) -> PathBuf {
        self.0.join("history.jsonl")
    }

    /// What the run was, and what this program saw of it.
    pub(crate) fn facts(&self) -> PathBuf {
        self.0.join("facts.json")
    }

    /// What was judged.
    pub(crate) fn verdict(&self) -> PathBuf {
        self.0.join("verdict.json")
    }

    /// The same for people.
    pub(crate) fn timeline(&self) -> PathBuf {
        self.0.join("timeline.html")
    }

    /// What was on a member's disk of this program, if it is kept.
    pub(crate) fn disk(&self, member: &str) -> PathBuf {
        self.0.join(format!("{member}.disk"))
    }

    /// Removes the members' data, which are the folders in it: a few hundred megabytes that nobody looks at unless
    /// something is wrong.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn forget_data(&self) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Letters, digits and dashes of a text; the rest becomes dashes.
fn plain(text: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    text.chars().map(letter).take(60).collect()
}

/// A moment in a form whose order as text is that of time: "20260131T235900Z".
pub(crate) fn stamp(seconds: u64) -> String {
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The date that lies so many days after the first of January 1970 (after Howard Hinnant's `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Years begin in March here, so that the leap day is the last.
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_dates() {
        assert_eq!(stamp(0), "19700101T000000Z");
        assert_eq!(stamp(951_782_400), "20000229T000000Z");
        assert_eq!(stamp(1_767_225_599), "20251231T235959Z");
    }

    #[test]
    fn a_folder_has_a_name_that_files_can_have() {
        let out = tempfile::tempdir().unwrap();
        let folder = Folder::make(out.path(), 0, "bank", "kill+pause/..", 7).unwrap();
        assert!(folder.path().ends_with("19700101T000000Z-bank-kill-pause----7"));
        assert!(folder.history().starts_with(folder.path()));
        assert_eq!(Folder::of(folder.path()).facts(), folder.facts());
        std::fs::create_dir_all(folder.path().join("n1/data")).unwrap();
        std::fs::write(folder.facts(), "{}").unwrap();
        folder.forget_data().unwrap();
        assert!(folder.facts().exists() && !folder.path().join("n1").exists());
    }
}
