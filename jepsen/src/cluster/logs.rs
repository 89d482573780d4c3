//! What members say when something is badly wrong with them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Something that a member must not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Incident {
    /// Which member.
    pub(crate) node: String,
    /// What it said or did.
    pub(crate) text: String,
}

/// Words at the start of a line, with which Go's and Rust's runtimes begin their last ones.
const FIRST_WORDS: &[&str] = &["panic:", "fatal error:", "fatal runtime error:", "memory allocation of"];
/// Words anywhere in a line: a log level, an end that was announced, a signal.
const WORDS: &[&str] = &[
    r#""level":"panic""#,
    r#""level":"dpanic""#,
    r#""level":"fatal""#,
    "the member cannot go on",
    "[signal SIG",
    "AddressSanitizer",
];
/// So many incidents of one member are enough to look into.
const INCIDENTS_MAX: usize = 20;

/// Whether a line of a log tells of a crash.
fn is_crash(line: &str) -> bool {
    // A panic that nobody logs: "thread 'main' panicked at", newer ones with the thread's number in between.
    let panicked = line.starts_with("thread '") && line.contains(" panicked at ");
    panicked
        || FIRST_WORDS.iter().any(|words| line.starts_with(words))
        || WORDS.iter().any(|words| line.contains(words))
}

/// The log of one member, read from where it was read to.
pub(super) struct Scan {
    node: String,
    path: PathBuf,
    read: u64,
    /// The begin of a line whose end is not written yet.
    begun: Vec<u8>,
    /// How many faults excuse what it does.
    excuses: usize,
    found: Vec<Incident>,
}

impl Scan {
    pub(super) fn new(node: &str, path: &Path) -> Self {
        Self {
            node: node.to_owned(),
            path: path.to_owned(),
            read: 0,
            begun: Vec::new(),
            excuses: 0,
            found: Vec::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What was said until now counts as before; from now on there is one excuse more, or one less.
    pub(super) fn excuse(&mut self, excused: bool) {
        self.look();
        self.excuses = if excused {
            self.excuses + 1
        } else {
            self.excuses.saturating_sub(1)
        };
    }

    /// Reads what was written since it was last read.
    pub(super) fn look(&mut self) {
        // A log that is not there has nothing new; one that cannot be read is noticed by who starts the member.
        let Ok(new) = self.read_new() else { return };
        self.read += new.len() as u64;
        self.take(&new);
    }

    fn read_new(&self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut new = Vec::new();
        file.read_to_end(&mut new)?;
        Ok(new)
    }

    fn take(&mut self, new: &[u8]) {
        self.begun.extend_from_slice(new);
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        let rest = self.begun.split_off(end + 1);
        let whole = std::mem::replace(&mut self.begun, rest);
        for line in String::from_utf8_lossy(&whole).lines().filter(|line| is_crash(line)) {
            self.note(line);
        }
    }

    /// The process has ended by itself.
    pub(super) fn ended(&mut self, how: &str) {
        self.look();
        self.note(how);
    }

    fn note(&mut self, text: &str) {
        if self.excuses == 0 && self.found.len() < INCIDENTS_MAX {
            self.found.push(Incident {
                node: self.node.clone(),
                text: text.to_owned(),
            });
        }
    }

    /// What was found so far.
    pub(super) fn incidents(&self) -> Vec<Incident> {
        self.found.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_crash_is_told_from_what_only_sounds_like_one() {
        for line in [
            r#"{"level":"panic","ts":"2026-01-01T00:00:00.000000Z","caller":"x","msg":"panic","task":"apply"}"#,
            r#"{"level":"error","ts":"x","caller":"x","msg":"the member cannot go on; aborting","reason":"disk"}"#,
            r#"{"level":"fatal","ts":"x","caller":"etcdmain/etcd.go:271","msg":"discovery failed"}"#,
            "thread 'main' panicked at src/main.rs:3:5:",
            "thread 'main' (1234) panicked at src/main.rs:3:5:",
            "panic: runtime error: index out of range [5] with length 3",
            "fatal error: all goroutines are asleep - deadlock!",
            "[signal SIGSEGV: segmentation violation code=0x1]",
            "memory allocation of 1099511627776 bytes failed",
        ] {
            assert!(is_crash(line), "{line}");
        }
        for line in [
            r#"{"level":"info","ts":"x","caller":"x","msg":"starting a member","log_level":"panic"}"#,
            r#"{"level":"warn","ts":"x","caller":"x","msg":"took too long","key":"panic: no"}"#,
            "",
        ] {
            assert!(!is_crash(line), "{line}");
        }
    }

    fn texts(scan: &Scan) -> Vec<String> {
        scan.incidents().into_iter().map(|incident| incident.text).collect()
    }

    #[test]
    fn lines_are_read_once_and_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n1.log");
        let mut scan = Scan::new("n1", &path);
        scan.look();
        let mut log = File::create(&path).unwrap();
        log.write_all(b"fine\npanic: one\npanic: t").unwrap();
        scan.look();
        scan.look();
        assert_eq!(texts(&scan), ["panic: one"]);
        log.write_all(b"wo\n").unwrap();
        scan.ended("the process ended with code 2");
        assert_eq!(
            texts(&scan),
            ["panic: one", "panic: two", "the process ended with code 2"]
        );
        assert_eq!(scan.incidents()[0].node, "n1");
    }

    #[test]
    fn who_is_excused_is_blamed_for_nothing_but_the_past() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n1.log");
        let mut log = File::create(&path).unwrap();
        let mut scan = Scan::new("n1", &path);
        log.write_all(b"panic: before\n").unwrap();
        scan.excuse(true);
        scan.excuse(true);
        log.write_all(b"panic: meanwhile\n").unwrap();
        scan.excuse(false);
        log.write_all(b"panic: still\n").unwrap();
        scan.ended("the process was ended by signal 6");
        scan.excuse(false);
        log.write_all(b"panic: after\n").unwrap();
        scan.look();
        assert_eq!(texts(&scan), ["panic: before", "panic: after"]);
    }
}
